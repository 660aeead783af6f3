// SPDX-License-Identifier: Apache-2.0
//! An operator's policy files, and whether they changed.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::PolicyError;
use super::rules::Rules;

/// Where an operator's rules are. A list names the places of one thing: the first that is there counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyFiles {
    /// The file.
    pub file: Vec<PathBuf>,
    /// Whether the file must be there.
    pub file_required: bool,
    /// Directories of further files, read after it; those that are not there have none.
    pub dirs: Vec<Vec<PathBuf>>,
}

/// What tells one state of the files from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(Vec<(PathBuf, Option<State>)>);

/// A file that was replaced has another inode, one that was written another time of change, whatever tools restore.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    inode: u64,
    len: u64,
    changed: (i64, i64),
}

impl PolicyFiles {
    /// The files there are, in the order they are read.
    ///
    /// # Errors
    /// When a file that must be there is not, or a directory cannot be read.
    pub fn paths(&self) -> Result<Vec<PathBuf>, PolicyError> {
        let mut paths = Vec::new();
        match self.file.iter().find(|path| path.exists()) {
            Some(path) => paths.push(path.clone()),
            None => {
                if let (true, Some(path)) = (self.file_required, self.file.first()) {
                    let source = io::Error::from(io::ErrorKind::NotFound);
                    return Err(PolicyError::Read { path: path.clone(), source });
                }
            }
        }
        for places in &self.dirs {
            if let Some(dir) = places.iter().find(|dir| dir.is_dir()) {
                paths.extend(files_of(dir)?);
            }
        }
        Ok(paths)
    }

    /// Reads all of them over `rules`.
    pub(super) fn load(&self, mut rules: Rules) -> Result<Rules, PolicyError> {
        for path in self.paths()? {
            rules.load_file(&path)?;
        }
        Ok(rules)
    }

    /// Errors are part of it: a file that goes away is a change too.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let paths = self.paths().unwrap_or_default();
        let state = |path: &Path| {
            let found = std::fs::metadata(path).ok()?;
            Some(State { inode: found.ino(), len: found.len(), changed: (found.ctime(), found.ctime_nsec()) })
        };
        Fingerprint(paths.into_iter().map(|path| (path.clone(), state(&path))).collect())
    }
}

/// Every `*.yaml`, `*.yml` and `*.json` file of a directory in the order of their names, hidden ones left out.
pub(super) fn files_of(dir: &Path) -> Result<Vec<PathBuf>, PolicyError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(PolicyError::Read { path: dir.to_owned(), source }),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml" || ext == "json")
                && !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
        })
        .collect();
    paths.sort();
    Ok(paths)
}
