// SPDX-License-Identifier: Apache-2.0
//! The first sector of an overlay file, and where its bitmap and data lie.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::disk;
use crate::error::IoContext;
use crate::name::LayerName;
use crate::{Result, VolumeError};

/// Bytes under one bit of the bitmap.
pub(crate) const CLUSTER: u64 = 64 << 10;
/// Longest volume an overlay can hold, in bytes: 64 TiB, the most Cinder's back ends are asked for.
pub const MAX_OVERLAY_LEN: u64 = 64 << 40;
/// Where the bitmap begins.
pub(crate) const BITMAP_OFFSET: u64 = CLUSTER;
/// Where byte 0 of the volume lies; the space before it stays sparse.
pub(crate) const DATA_OFFSET: u64 = BITMAP_OFFSET + MAX_OVERLAY_LEN / CLUSTER / 8;

const MAGIC: [u8; 8] = *b"SCRYOVL\x01";
const SECTOR: usize = 512;
const NAME_AT: usize = 48;
const NAME_MAX: usize = 128;
const SUM_AT: usize = SECTOR - 8;

/// What an overlay is and what it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Length of the volume in bytes.
    pub(crate) len: u64,
    /// The layer read where the overlay owns nothing.
    pub(crate) parent: Option<LayerName>,
    /// How much of the parent shows, in bytes; zeroes beyond.
    pub(crate) parent_len: u64,
}

impl Header {
    /// One sector, so that a rewrite is wholly old or wholly new on disk.
    pub(crate) fn encode(&self) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        let name = self.parent.as_ref().map_or("", LayerName::as_str).as_bytes();
        sector[..8].copy_from_slice(&MAGIC);
        sector[8..16].copy_from_slice(&CLUSTER.to_le_bytes());
        sector[16..24].copy_from_slice(&DATA_OFFSET.to_le_bytes());
        sector[24..32].copy_from_slice(&self.len.to_le_bytes());
        sector[32..40].copy_from_slice(&self.parent_len.to_le_bytes());
        sector[40..48].copy_from_slice(&(name.len() as u64).to_le_bytes());
        sector[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
        let sum = checksum(&sector[..SUM_AT]);
        sector[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        sector
    }

    fn decode(sector: &[u8; SECTOR]) -> Result<Self, &'static str> {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&sector[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        if sector[..8] != MAGIC {
            return Err("it does not begin like an overlay");
        }
        if word(SUM_AT) != checksum(&sector[..SUM_AT]) {
            return Err("the header's checksum does not fit");
        }
        let (len, parent_len, name_len) = (word(24), word(32), word(40));
        if word(8) != CLUSTER || word(16) != DATA_OFFSET || len > MAX_OVERLAY_LEN || parent_len > len {
            return Err("the header's numbers are out of range");
        }
        let name_len = usize::try_from(name_len)
            .ok()
            .filter(|n| *n <= NAME_MAX)
            .ok_or("the parent's name is too long")?;
        let name = &sector[NAME_AT..NAME_AT + name_len];
        let parent = match str::from_utf8(name) {
            Ok("") => None,
            Ok(name) => Some(LayerName::parse(name).ok_or("the parent is not named like a layer")?),
            Err(_) => return Err("the parent's name is not text"),
        };
        Ok(Self { len, parent, parent_len })
    }

    pub(crate) fn read(file: &File, path: &Path) -> Result<Self> {
        let mut sector = [0; SECTOR];
        disk::read_zero_padded(file, &mut sector, 0).or_io("read header of", path)?;
        Self::decode(&sector).map_err(|reason| VolumeError::corrupt(path, reason))
    }

    pub(crate) fn read_path(path: &Path) -> Result<Self> {
        Self::read(&disk::open_regular(path, false)?, path)
    }

    pub(crate) fn write(&self, file: &File, path: &Path) -> Result<()> {
        file.write_all_at(&self.encode(), 0).or_io("write header of", path)
    }

    /// Makes a durable overlay file that owns nothing.
    pub(crate) fn create(&self, path: &Path) -> Result<()> {
        let file = disk::create_new(path)?;
        self.write(&file, path)?;
        file.set_len(DATA_OFFSET + self.len).or_io("set length of", path)?;
        file.sync_all().or_io("sync", path)
    }
}

/// FNV-1a: enough to notice a torn or foreign sector.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayerFormat;

    #[test]
    fn headers_round_trip_and_any_flipped_bit_is_noticed() {
        let parent = Some(LayerName::fresh(LayerFormat::Overlay));
        let header = Header { len: 5 << 30, parent, parent_len: 1 << 30 };
        let sector = header.encode();
        assert_eq!(Header::decode(&sector), Ok(header));
        for bit in 0..SECTOR * 8 {
            let mut bad = sector;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bad).is_err(), "bit {bit}");
        }
    }
}
