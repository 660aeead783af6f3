// SPDX-License-Identifier: Apache-2.0
//! The formats that are recognised by their content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A format recognised by its content, under its name in `disk_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskFormat {
    /// Nothing that is recognised: the bytes are the disk.
    Raw,
    /// QEMU's copy-on-write format, all versions.
    Qcow2,
    /// QEMU's abandoned enhanced disk format.
    Qed,
    /// Microsoft's older virtual disk.
    Vhd,
    /// Microsoft's newer virtual disk.
    Vhdx,
    /// VMware's disk.
    Vmdk,
    /// VirtualBox's disk.
    Vdi,
    /// An optical disc: ISO 9660 or UDF.
    Iso,
    /// A disk with a partition table, GPT or MBR.
    Gpt,
    /// A disk encrypted with LUKS.
    Luks,
}

/// The word names no format recognised by content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("disk format {0:?} is not one that is recognised by its content")]
pub struct UnknownDiskFormat(pub String);

impl DiskFormat {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Raw,
        Self::Qcow2,
        Self::Qed,
        Self::Vhd,
        Self::Vhdx,
        Self::Vmdk,
        Self::Vdi,
        Self::Iso,
        Self::Gpt,
        Self::Luks,
    ];

    /// The name in `disk_format`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
            Self::Iso => "iso",
            Self::Gpt => "gpt",
            Self::Luks => "luks",
        }
    }
}

impl fmt::Display for DiskFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DiskFormat {
    type Err = UnknownDiskFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownDiskFormat(text.to_owned()))
    }
}
