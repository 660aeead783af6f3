// SPDX-License-Identifier: Apache-2.0
//! What a store can do, as plain facts the transfer engine plans with.

/// Abilities of a store. A flag is a promise checked by the conformance suite, never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct Capability {
    /// Objects can be written (an `http` store cannot).
    pub write: bool,
    /// Any range can be read without reading what lies before it.
    pub read_ranges: bool,
    /// [`crate::StoreReader::extents`] tells holes from data.
    pub extents: bool,
    /// A region of a fresh object that was never written reads as zeroes.
    pub fresh_is_zero: bool,
    /// An unfinished object can be gone on with, by another process too: [`crate::Store::resume_write`].
    pub resume: bool,
    /// The backend can clone an object of this kind of store without moving bytes.
    pub clone: bool,
    /// Best size of one read or write, in bytes.
    pub preferred_io: usize,
}
