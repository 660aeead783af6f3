// SPDX-License-Identifier: Apache-2.0
//! What an operator says about a file store.

use std::path::PathBuf;
use std::str::FromStr;

use scurry_types::StoreId;

/// The options of one store section; option names in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStoreConfig {
    /// The identifier from `enabled_backends`.
    pub id: StoreId,
    /// What clients are told of the store (`store_description`).
    pub description: Option<String>,
    /// The higher, the earlier a download tries this store (`weight`).
    pub weight: i64,
    /// Where images are written (`filesystem_store_datadir`, `filesystem_store_datadirs`).
    pub datadirs: Vec<DataDir>,
    /// Permission bits of finished images; `None` (0 in the option) leaves them to the umask
    /// (`filesystem_store_file_perm`).
    pub file_perm: Option<u32>,
    /// Bytes, shown to operators only: reads and writes have sizes of their own
    /// (`filesystem_store_chunk_size`).
    pub chunk_size: u64,
    /// An image may be longer than there is space, because its zeroes take none
    /// (`filesystem_thin_provisioning`). Zeroes take none without it either, but the space is asked for.
    pub thin_provisioning: bool,
    /// Directories of other file stores whose images may be cloned by reflink.
    pub clone_from: Vec<PathBuf>,
}

/// A directory for images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    /// Absolute path.
    pub path: PathBuf,
    /// The higher, the earlier it is filled; among equals the one with most free space is.
    pub priority: i64,
}

/// The text does not name a directory and its priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a directory and its priority: /path/to/directory:100 is expected")]
pub struct InvalidDataDir(pub String);

impl FileStoreConfig {
    /// A store of one directory, everything else as Glance has it by default.
    pub fn new(id: impl Into<StoreId>, datadir: impl Into<PathBuf>) -> Self {
        Self {
            id: id.into(),
            description: None,
            weight: 0,
            datadirs: vec![DataDir { path: datadir.into(), priority: 0 }],
            file_perm: None,
            chunk_size: 64 << 10,
            thin_provisioning: false,
            clone_from: Vec::new(),
        }
    }
}

impl FromStr for DataDir {
    type Err = InvalidDataDir;

    /// Reads `path` or `path:priority`, one value of `filesystem_store_datadirs`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (path, priority) = text.rsplit_once(':').unwrap_or((text, "0"));
        match priority.trim().parse() {
            Ok(priority) if path.starts_with('/') => Ok(Self { path: path.into(), priority }),
            _ => Err(InvalidDataDir(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_have_an_optional_priority() {
        let dir = |path: &str, priority| Ok(DataDir { path: path.into(), priority });
        assert_eq!("/a/b".parse(), dir("/a/b", 0));
        assert_eq!(" /a/b:200 ".parse(), dir("/a/b", 200));
        assert_eq!("/a:b:-1".parse(), dir("/a:b", -1));
        for wrong in ["", "a/b:1", "/a/b:", "/a/b:high", ":5"] {
            assert_eq!(wrong.parse::<DataDir>(), Err(InvalidDataDir(wrong.to_owned())));
        }
    }
}
