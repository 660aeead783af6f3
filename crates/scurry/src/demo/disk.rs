// SPDX-License-Identifier: Apache-2.0
//! The demo's disk image: the one it is given, or a file system made from this machine's own programs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use scurry_formats::DiskFormat;
use scurry_types::ExtentKind;
use scurry_types::size::{GIB, MIB};

use super::progress::Step;
use crate::failure::Failure;

/// Size of the made file system.
const MADE_LEN: u64 = 2 * GIB + 200 * MIB;
/// Bytes of programs to put into it.
const MADE_CONTENT: u64 = 400 * MIB;
/// Smallest file to take: many small ones take long.
const SMALLEST: u64 = 256 << 10;
/// Bytes of one read.
const CHUNK: usize = 4 << 20;

/// A raw image at `target`: from `given`, converted when it is qcow2, or made.
pub(crate) fn prepare(
    given: Option<&Path>,
    work: &Path,
    target: &Path,
    step: &Step,
) -> Result<String, Failure> {
    match given {
        None => make(work, target, step),
        Some(path) => convert(path, target, step),
    }
}

fn convert(path: &Path, target: &Path, step: &Step) -> Result<String, Failure> {
    let cannot = |error| Failure::new(format!("cannot use {} as an image", path.display()), error);
    let format =
        sniff(path).map_err(|error| cannot(Box::<dyn std::error::Error + Send + Sync>::from(error)))?;
    let reader = scurry_formats::open_for_conversion(path, format).map_err(|error| cannot(error.into()))?;
    let len = reader.len();
    let file = File::create_new(target).map_err(|error| cannot(error.into()))?;
    file.set_len(len).map_err(|error| cannot(error.into()))?;
    let mut buffer = vec![0; CHUNK];
    for extent in scurry_formats::runs(&*reader) {
        let extent = extent.map_err(|error| cannot(error.into()))?;
        if extent.kind != ExtentKind::Data {
            continue;
        }
        let mut offset = extent.offset;
        while offset < extent.end() {
            let part = usize::try_from(extent.end() - offset).unwrap_or(CHUNK).min(CHUNK);
            reader.read_at(&mut buffer[..part], offset).map_err(|error| cannot(error.into()))?;
            file.write_all_at(&buffer[..part], offset).map_err(|error| cannot(error.into()))?;
            offset += part as u64;
            step.bytes(offset, len);
        }
    }
    Ok(format!("{} ({format:?}), {len} bytes as raw", path.display()))
}

/// qcow2 by its magic, everything else is taken as raw.
fn sniff(path: &Path) -> io::Result<DiskFormat> {
    let mut magic = [0; 4];
    let read = File::open(path)?.read_at(&mut magic, 0)?;
    Ok(if read == 4 && &magic == b"QFI\xfb" { DiskFormat::Qcow2 } else { DiskFormat::Raw })
}

/// An ext4 file system with files of this machine; `mke2fs -d` needs no root and no mount.
fn make(work: &Path, target: &Path, step: &Step) -> Result<String, Failure> {
    let tree = work.join("tree");
    let copied =
        copy_files(&tree, step).map_err(|error| Failure::new("cannot gather files for an image", error))?;
    File::create_new(target)
        .and_then(|file| file.set_len(MADE_LEN))
        .map_err(|error| Failure::new(format!("cannot write {}", target.display()), error))?;
    let program = ["/usr/sbin/mke2fs", "/sbin/mke2fs"].iter().map(PathBuf::from).find(|path| path.exists());
    let output = Command::new(program.unwrap_or_else(|| PathBuf::from("mke2fs")))
        .args(["-q", "-F", "-t", "ext4", "-L", "scurry", "-d"])
        .args([&tree, target])
        .output()
        .map_err(|error| {
            Failure::new(
                "cannot make an image: mke2fs (of e2fsprogs) is needed, or name one: scurry demo IMAGE",
                error,
            )
        })?;
    if !output.status.success() {
        return Err(Failure::plain(format!(
            "mke2fs failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    fs::remove_dir_all(&tree).map_err(|error| Failure::new("cannot remove the gathered files", error))?;
    Ok(format!("ext4 of {MADE_LEN} bytes with {} MiB of this machine's programs", copied / MIB))
}

fn copy_files(tree: &Path, step: &Step) -> io::Result<u64> {
    let mut copied = 0;
    let mut folders = vec![PathBuf::from("/usr/lib"), PathBuf::from("/usr/bin"), PathBuf::from("/usr/share")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.metadata().is_ok_and(|found| found.len() >= SMALLEST) {
                let path = entry.path();
                let copy = tree.join(path.strip_prefix("/").unwrap_or(&path));
                if let Some(parent) = copy.parent() {
                    fs::create_dir_all(parent)?;
                }
                copied += fs::copy(&path, &copy)?;
                step.bytes(copied.min(MADE_CONTENT), MADE_CONTENT);
            }
            if copied >= MADE_CONTENT {
                return Ok(copied);
            }
        }
    }
    Ok(copied)
}
