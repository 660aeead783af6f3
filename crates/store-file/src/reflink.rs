// SPDX-License-Identifier: Apache-2.0
//! Files that share blocks until one of them is written to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::ioctl_ficlone;
use rustix::io::Errno;
use uuid::Uuid;

/// Makes `target` an independent copy of `source` without moving bytes; `Ok(Err(reason))` when the file
/// system cannot.
pub(crate) fn clone(source: &File, target: &File) -> io::Result<Result<(), &'static str>> {
    match ioctl_ficlone(target, source) {
        Ok(()) => Ok(Ok(())),
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS) => Ok(Err("the file system has no reflinks")),
        Err(Errno::XDEV) => Ok(Err("the files are on different file systems")),
        Err(Errno::INVAL) => Ok(Err("the file system does not reflink these files")),
        Err(error) => Err(error.into()),
    }
}

/// Whether files in `directory` can share blocks. An error means that no file can be made there.
pub(crate) fn probe(directory: &Path) -> io::Result<bool> {
    let names = [Uuid::new_v4(), Uuid::new_v4()].map(|id| directory.join(format!(".scurry-probe-{id}")));
    let result = try_both(&names[0], &names[1]);
    for name in names {
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %name.display(), %error, "a probe file is left behind");
            }
            _ => {}
        }
    }
    result
}

fn try_both(first: &Path, second: &Path) -> io::Result<bool> {
    let create = |path| OpenOptions::new().read(true).write(true).create_new(true).open(path);
    let mut source = create(first)?;
    // An empty file says nothing: some file systems "clone" those without being able to.
    source.write_all(&[1; 4096])?;
    Ok(clone(&source, &create(second)?).is_ok_and(|outcome| outcome.is_ok()))
}
