// SPDX-License-Identifier: Apache-2.0
//! What a connector is told about a volume.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the bytes of a volume lie in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerFormat {
    /// Byte n of the volume is byte n of the file.
    Flat,
    /// Changes over a parent layer; only this crate reads it.
    Overlay,
}

/// What may be done with an open volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    /// Reading.
    ReadOnly,
    /// Reading and writing; one opener at a time.
    ReadWrite,
}

/// What a connector needs to open a volume; travels in `connection_info`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VolumeDescriptor {
    /// The volume's file, absolute.
    pub path: PathBuf,
    /// How its bytes lie in the file.
    pub format: LayerFormat,
    /// Length of the volume in bytes when the descriptor was made.
    pub len: u64,
    /// A second copy that every write goes to as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<Box<VolumeDescriptor>>,
}

impl VolumeDescriptor {
    /// Whether the file can be used as it is, by anybody, without this crate.
    #[must_use]
    pub fn is_plain_file(&self) -> bool {
        self.format == LayerFormat::Flat && self.replica.is_none()
    }
}
