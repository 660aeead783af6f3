// SPDX-License-Identifier: Apache-2.0
//! A real block device: a loop device over a file, where the machine lets us make one.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use scurry_connect::{Access, ConnectError};
use serde_json::json;

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

#[tokio::test]
async fn a_block_device_promises_no_zeroes_and_is_written_in_place() {
    const LEN: u64 = 8 << 20;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![0xaa; LEN as usize]).unwrap();
    let Some(device) = LoopDevice::over(file.path()) else {
        eprintln!("skipped: no loop device can be made here");
        return;
    };
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
