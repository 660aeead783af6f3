// SPDX-License-Identifier: Apache-2.0
//! Opening volumes from connection_info.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod block_device;
mod open;
