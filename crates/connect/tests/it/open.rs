// SPDX-License-Identifier: Apache-2.0
//! What each protocol opens, and what is refused.

use bytes::Bytes;
use scurry_connect::{Access, ConnectError};
use scurry_store::StoreErrorKind;
use scurry_types::VolumeId;
use scurry_volume_file::{CloneMode, Pool, Writers};
use serde_json::{Value, json};

use crate::open;

const LEN: u64 = 1 << 20;

fn pool(dir: &std::path::Path) -> Pool {
    let pool = Pool::open_with(dir, Some(CloneMode::Overlay)).unwrap();
    pool.create(&VolumeId::from("a"), LEN).unwrap();
    pool
}

fn local(pool: &Pool) -> Value {
    let path = pool.descriptor(&VolumeId::from("a"), None).unwrap().path;
    json!({"driver_volume_type": "local", "device_path": path, "access_mode": "rw", "encrypted": false})
}

#[tokio::test]
async fn a_plain_file_is_written_read_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    let info = local(&pool(dir.path()));
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    assert!(volume.fresh_is_zero());
    assert_eq!(volume.len(), LEN);
    volume.write_at(65_536, Bytes::from(vec![7; 131_072])).await.unwrap();
    volume.write_zeroes(131_072, 65_536).await.unwrap();
    volume.flush().await.unwrap();
    assert_eq!(volume.read_at(131_070, 4).await.unwrap().as_ref(), [7, 7, 0, 0]);
    assert_eq!(volume.extents(65_536..LEN).await.unwrap().data_len(), 65_536);
    assert!(matches!(volume.read_at(LEN, 1).await, Err(ConnectError::OutOfBounds { .. })));
    let busy = open(&info, Access::ReadWrite).await.unwrap_err();
    assert_eq!(busy.store_kind(), StoreErrorKind::InUse);
    volume.close().await.unwrap();
    volume.close().await.unwrap();
    assert!(matches!(volume.read_at(0, 1).await, Err(ConnectError::Closed)));
    open(&info, Access::ReadWrite).await.unwrap();
}

#[tokio::test]
async fn an_overlay_is_opened_by_its_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let pool = pool(dir.path());
    let clone = VolumeId::from("b");
    pool.clone_volume(&VolumeId::from("a"), &clone, LEN, Writers::None).unwrap();
    let descriptor = pool.descriptor(&clone, None).unwrap();
    let info = json!({"driver_volume_type": "scurry", "volume": descriptor, "access_mode": "rw"});
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    let parts = (0..16_u8).map(|n| volume.write_at(u64::from(n) * 65_536, Bytes::from(vec![n; 65_536])));
    for part in parts {
        part.await.unwrap();
    }
    volume.close().await.unwrap();
    let volume = open(&info, Access::ReadOnly).await.unwrap();
    assert_eq!(volume.read_at(65_535, 2).await.unwrap().as_ref(), [0, 1]);
    assert_eq!(volume.read_at(LEN - 1, 1).await.unwrap().as_ref(), [15]);
}

#[tokio::test]
async fn what_is_in_memory_is_the_same_through_all_layers() {
    let dir = tempfile::tempdir().unwrap();
    let pool = pool(dir.path());
    let base = open(&local(&pool), Access::ReadWrite).await.unwrap();
    base.write_at(100_000, Bytes::from(vec![1; 400_000])).await.unwrap();
    base.close().await.unwrap();
    let clone = VolumeId::from("b");
    pool.clone_volume(&VolumeId::from("a"), &clone, LEN, Writers::None).unwrap();
    let descriptor = pool.descriptor(&clone, None).unwrap();
    let info = json!({"driver_volume_type": "scurry", "volume": descriptor, "access_mode": "rw"});
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    volume.write_at(300_001, Bytes::from(vec![2; 7])).await.unwrap();
    let whole = volume.read_at(0, LEN).await.unwrap();
    for at in [0, 99_999, 100_000, 262_143, 262_144, 300_000, 393_215, 499_999, 500_000, LEN - 1, LEN] {
        if let Some(now) = volume.read_now(at, LEN) {
            assert!(!now.is_empty() && whole[at as usize..].starts_with(&now), "at byte {at}");
        }
    }
    volume.close().await.unwrap();
    assert_eq!(volume.read_now(0, 1), None);
}

#[tokio::test]
async fn a_read_only_connection_beats_the_wish_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut info = local(&pool(dir.path()));
    info["access_mode"] = json!("ro");
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    assert!(matches!(volume.write_at(0, Bytes::from_static(b"x")).await, Err(ConnectError::ReadOnly)));
    assert!(matches!(volume.write_zeroes(0, 1).await, Err(ConnectError::ReadOnly)));
}

#[tokio::test]
async fn other_protocols_are_named_and_secrets_are_not() {
    for protocol in ["nvmeof", "nfs", "rbd", "fibre_channel", "vmdk"] {
        let info = json!({
            "driver_volume_type": protocol, "target_portal": "192.0.2.1:3260",
            "auth_username": "chap-user", "auth_password": "chap-secret",
        });
        let error = open(&info, Access::ReadOnly).await.unwrap_err();
        assert!(matches!(error, ConnectError::Unsupported { .. }));
        assert_eq!(
            error.to_string(),
            format!("volumes reached by {protocol:?} are not supported; supported are iscsi, local, scurry")
        );
        assert!(!format!("{error:?} {error}").contains("chap"), "{error:?}");
    }
    let malformed = json!({"driver_volume_type": "scurry", "volume": {"path": "chap-secret"}});
    let error = open(&malformed, Access::ReadOnly).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("chap"), "{error:?}");
}

#[tokio::test]
async fn what_is_no_volume_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    for path in [fifo.as_path(), dir.path(), "/dev/null".as_ref()] {
        let info = json!({"driver_volume_type": "local", "device_path": path});
        let error = open(&info, Access::ReadOnly).await.unwrap_err();
        assert!(matches!(error, ConnectError::OddFile(_)), "{error:?}");
    }
    let gone = json!({"driver_volume_type": "local", "device_path": dir.path().join("gone")});
    assert_eq!(open(&gone, Access::ReadOnly).await.unwrap_err().store_kind(), StoreErrorKind::NotFound);
    for info in [
        json!({}),
        json!([1]),
        json!({"driver_volume_type": "local"}),
        json!({"driver_volume_type": "local", "device_path": "relative"}),
        json!({"driver_volume_type": "scurry"}),
        json!({"driver_volume_type": "scurry", "volume": {"path": "relative", "format": "flat", "len": 1}}),
    ] {
        assert!(matches!(open(&info, Access::ReadOnly).await, Err(ConnectError::Malformed(_))), "{info}");
    }
    let encrypted = json!({"driver_volume_type": "local", "device_path": "/dev/null", "encrypted": true});
    assert!(matches!(open(&encrypted, Access::ReadOnly).await, Err(ConnectError::Encrypted)));
}
