// SPDX-License-Identifier: Apache-2.0
//! The client against small services made for the tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod block;
mod cloud;
mod image;
mod session;
