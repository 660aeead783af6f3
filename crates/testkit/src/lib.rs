// SPDX-License-Identifier: Apache-2.0
//! What tests start and break: a store in memory, faults on demand for any store, the suites every store must pass, and databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "only tests run this")]

mod chaos;
mod conformance;
mod databases;
mod faults;
mod journey;
mod memory;
mod pages;
mod pattern;

pub use chaos::Chaos;
pub use conformance::check_store;
pub use databases::{DatabaseKind, TestDatabase};
pub use faults::{Faults, Gate};
pub use journey::{Journey, check_journey, journeys};
pub use memory::{MemoryBackend, MemoryStore};
pub use pattern::pattern;
