// SPDX-License-Identifier: Apache-2.0
//! What can be done with a connected volume, whatever the transport.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use scurry_types::Extents;

use crate::ConnectError;

/// An open volume; offsets and lengths in bytes, every range must lie in the volume.
///
/// Operations may run side by side; those on overlapping ranges end in no particular order.
#[allow(clippy::len_without_is_empty, reason = "a volume of no bytes is not a thing callers ask about")]
#[async_trait]
pub trait BlockVolume: fmt::Debug + Send + Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether what was never written of a volume reads as zeroes. False when nobody promises it.
    fn fresh_is_zero(&self) -> bool;

    /// Reads exactly `len` bytes.
    async fn read_at(&self, offset: u64, len: u64) -> Result<Bytes, ConnectError>;

    /// Some bytes from `offset` on, at most `len`, if they are in memory already; neither waits nor fails.
    fn read_now(&self, _offset: u64, _len: u64) -> Option<Bytes> {
        None
    }

    /// Writes all of `bytes`.
    async fn write_at(&self, offset: u64, bytes: Bytes) -> Result<(), ConnectError>;

    /// Makes a range read as zeroes, without moving bytes where that can be had.
    async fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), ConnectError>;

    /// Which parts of a range hold data; offsets count from its start.
    async fn extents(&self, range: Range<u64>) -> Result<Extents, ConnectError>;

    /// Makes what was written durable.
    async fn flush(&self) -> Result<(), ConnectError>;

    /// Waits for what is under way, flushes and lets go of the volume; a second call does nothing.
    async fn close(&self) -> Result<(), ConnectError>;
}
