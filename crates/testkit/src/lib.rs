// SPDX-License-Identifier: Apache-2.0
//! What tests start and break: a store in memory with faults on demand, and the suite every store must pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "only tests run this")]

mod conformance;
mod faults;
mod memory;
mod pages;
mod pattern;

pub use conformance::check_store;
pub use faults::{Faults, Gate};
pub use memory::{MemoryBackend, MemoryStore};
pub use pattern::pattern;
