// SPDX-License-Identifier: Apache-2.0
//! The initiator against tgtd, and against targets that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod access;
mod disk;
mod fake;
mod hostile;
mod identity;
mod io;
mod login;
mod management;
mod paths;
mod protocol;
mod proxy;
mod redirect;
mod sharing;
mod tgt;
mod unit;
mod volume;
