// SPDX-License-Identifier: Apache-2.0
//! The digests of the Image API: their states can be kept and gone on from, and several streams be hashed side by side.
//!
//! A crate of its own so that it is optimised in debug builds too.

mod blockwise;
mod hasher;
mod md5;
mod sha512;

pub use blockwise::Lanes;
pub use hasher::Hasher;
