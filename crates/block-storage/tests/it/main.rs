// SPDX-License-Identifier: Apache-2.0
//! The service through its router, with a fake Keystone and a fake Glance on loopback.

// Clippy knows test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, unreachable_pub)]

mod access;
mod actions;
mod attachments;
mod cloud;
mod cut_short;
mod images;
mod lab;
mod listings;
mod resume;
mod shrink;
mod snapshots;
mod types;
mod volumes;
