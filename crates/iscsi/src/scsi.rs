// SPDX-License-Identifier: Apache-2.0
//! What is said to a disk (SPC-4, SBC-3): command blocks, the data they answer with, sense data.

pub(crate) mod bytes;
pub(crate) mod capacity;
pub(crate) mod cdb;
pub(crate) mod inquiry;
pub(crate) mod lba_status;
pub(crate) mod limits;
pub(crate) mod luns;
pub(crate) mod mode;
mod problem;
mod sense;

pub use inquiry::{Identity, Inquiry};
pub use problem::{Attention, Problem};
pub use sense::{Sense, SenseKey};
