// SPDX-License-Identifier: Apache-2.0
//! Tests of scurry-fetch against servers that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, missing_docs)]

mod origin;

mod filtering;
mod redirects;
mod streams;
