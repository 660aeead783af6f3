// SPDX-License-Identifier: Apache-2.0
//! Images made by qemu-img.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A directory with a raw disk in it, `source.raw`.
pub(crate) struct Qemu {
    dir: TempDir,
}

impl Qemu {
    /// `None` where qemu-img is not installed.
    pub(crate) fn new(disk: &[u8]) -> Option<Self> {
        if Command::new("qemu-img").arg("--version").output().is_err() {
            eprintln!("skipped: qemu-img is not installed");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("source.raw"), disk).unwrap();
        Some(Self { dir })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs qemu-img in the directory.
    pub(crate) fn run(&self, arguments: &[&str]) {
        let done = Command::new("qemu-img").current_dir(self.dir.path()).args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs qemu-io in the directory.
    pub(crate) fn io(&self, arguments: &[&str]) {
        let done = Command::new("qemu-io").current_dir(self.dir.path()).args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Converts the source.
    pub(crate) fn convert(&self, name: &str, format: &str, options: &[&str]) -> PathBuf {
        self.run(&[&["convert", "-f", "raw", "-O", format], options, &["source.raw", name]].concat());
        self.path(name)
    }

    /// What an image holds, as qemu-img reads it.
    pub(crate) fn contents(&self, image: &Path, format: &str) -> Vec<u8> {
        self.run(&["convert", "-f", format, "-O", "raw", image.to_str().unwrap(), "back.raw"]);
        std::fs::read(self.path("back.raw")).unwrap()
    }
}

/// A disk of 20 MiB and a bit with data of several kinds, and holes.
pub(crate) fn varied_disk() -> Vec<u8> {
    let mut disk = vec![0; (20 << 20) + 512 * 5];
    let mut state = 1_u64;
    for (n, block) in disk.chunks_mut(4096).enumerate() {
        match n % 700 {
            100..200 => block.fill(n as u8),
            300..350 => block.iter_mut().for_each(|byte| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (state >> 56) as u8;
            }),
            _ => {}
        }
    }
    disk
}
