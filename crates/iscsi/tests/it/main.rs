// SPDX-License-Identifier: Apache-2.0
//! The initiator against tgtd, and against targets that misbehave.

mod disk;
mod io;
mod login;
mod paths;
mod proxy;
mod tgt;
