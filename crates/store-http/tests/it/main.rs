// SPDX-License-Identifier: Apache-2.0
//! Tests of the http store against servers with and without range support.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod reads;
mod server;
