// SPDX-License-Identifier: Apache-2.0
//! A real block device: a loop device over a file, where the machine lets us make one.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use scurry_connect::{Access, ConnectError};
use scurry_store::Buffer;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::open;

struct LoopDevice(String);

impl LoopDevice {
    fn over(file: &Path) -> Option<Self> {
        let made = Command::new("losetup").args(["--find", "--show"]).arg(file).output().ok()?;
        made.status.success().then(|| Self(String::from_utf8_lossy(&made.stdout).trim().to_owned()))
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

/// A device over a file full of 0xaa, if the machine lets us make one.
fn device(len: u64) -> Option<(NamedTempFile, LoopDevice)> {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![0xaa; len as usize]).unwrap();
    let device = LoopDevice::over(file.path());
    if device.is_none() {
        eprintln!("skipped: no loop device can be made here");
    }
    Some((file, device?))
}

#[tokio::test]
async fn a_block_device_promises_no_zeroes_and_is_written_in_place() {
    const LEN: u64 = 8 << 20;
    let Some((file, device)) = device(LEN) else { return };
    let info = json!({"driver_volume_type": "local", "device_path": device.0});
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    assert_eq!(volume.len(), LEN);
    assert!(!volume.fresh_is_zero());
    assert_eq!(volume.extents(0..LEN).await.unwrap().data_len(), LEN);
    volume.write_at(1000, Bytes::from_static(b"hello")).await.unwrap();
    volume.write_zeroes(1 << 20, 1 << 20).await.unwrap();
    volume.write_zeroes((3 << 20) + 1, 10).await.unwrap();
    let busy = open(&info, Access::ReadWrite).await.unwrap_err();
    assert!(matches!(busy, ConnectError::Io { op: "open", .. }), "{busy:?}");
    volume.close().await.unwrap();
    drop(volume);
    let bytes = std::fs::read(file.path()).unwrap();
    assert_eq!(&bytes[999..1006], b"\xaahello\xaa");
    assert!(bytes[1 << 20..2 << 20].iter().all(|byte| *byte == 0));
    assert_eq!(bytes[(3 << 20)..(3 << 20) + 12], [0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa]);
}

/// Page-aligned memory with a pattern of its own.
fn pattern(len: usize, seed: usize) -> Bytes {
    let mut buffer = Buffer::new(len);
    for (at, byte) in buffer.as_mut().iter_mut().enumerate() {
        *byte = (at * 31 + at / 4096 * 7 + seed) as u8;
    }
    buffer.into()
}

#[tokio::test]
async fn whole_pages_and_what_is_beside_them_are_written_side_by_side() {
    const LEN: usize = 8 << 20;
    let Some((file, device)) = device(LEN as u64) else { return };
    let info = json!({"driver_volume_type": "local", "device_path": device.0});
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    // Pieces that begin or end within a page of their neighbour, in memory that is aligned and that is not.
    let cuts = [
        0,
        1 << 20,
        (2 << 20) + 512,
        (3 << 20) - 1,
        (3 << 20) + 4096,
        (5 << 20) + 100,
        7 << 20,
        LEN - 3,
        LEN,
    ];
    let all = pattern(LEN, 5);
    let writes = cuts.windows(2).map(|cut| {
        let piece = all.slice(cut[0]..cut[1]);
        let piece = if cut[0] % 3 == 0 { piece } else { copied(&piece) };
        volume.write_at(cut[0] as u64, piece)
    });
    for written in futures::future::join_all(writes).await {
        written.unwrap();
    }
    assert!(volume.read_at(0, LEN as u64).await.unwrap() == all, "read back");
    // Over what is in the page cache now.
    let again = pattern(1 << 20, 77);
    volume.write_at(2 << 20, again.clone()).await.unwrap();
    assert!(volume.read_at(2 << 20, 1 << 20).await.unwrap() == again, "read back after another write");
    volume.close().await.unwrap();
    drop(volume);
    let bytes = std::fs::read(file.path()).unwrap();
    assert!(
        bytes[..2 << 20] == all[..2 << 20] && bytes[3 << 20..] == all[3 << 20..],
        "what was written once"
    );
    assert!(bytes[2 << 20..3 << 20] == again, "what was written twice");
}

/// The same bytes in memory that begins at a page.
fn copied(bytes: &Bytes) -> Bytes {
    let mut buffer = Buffer::new(bytes.len());
    buffer.as_mut().copy_from_slice(bytes);
    buffer.into()
}
