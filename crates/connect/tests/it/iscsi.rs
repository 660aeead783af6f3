// SPDX-License-Identifier: Apache-2.0
//! Volumes of tgtd, as Cinder's connection_info describes them.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use scurry_connect::{Access, BlockVolume, ConnectError, Connector, PROTOCOLS};
use scurry_store::StoreErrorKind;
use serde_json::{Value, json};

use crate::open;
use crate::tgt::{NAME, Tgt};

const MIB: u64 = 1 << 20;
/// Set for the run of this program's test that has lost its privileges.
const UNPRIVILEGED: &str = "SCURRY_TEST_UNPRIVILEGED_PORT";
const CHAP: [&str; 2] = [
    "--mode account --op new --user ann --password correcthorse",
    "--mode account --op bind --tid 1 --user ann",
];

fn info(port: u16) -> Value {
    json!({
        "driver_volume_type": "iscsi", "target_portal": format!("127.0.0.1:{port}"), "target_iqn": NAME,
        "target_lun": 1, "target_discovered": false, "access_mode": "rw", "encrypted": false, "qos_specs": null,
    })
}

async fn use_it(volume: &Arc<dyn BlockVolume>) {
    let end = volume.len();
    volume.write_at(1000, Bytes::from(vec![7; 100_000])).await.unwrap();
    volume.write_zeroes(2000, 80_000).await.unwrap();
    volume.write_at(end - 3, Bytes::from_static(b"end")).await.unwrap();
    volume.flush().await.unwrap();
    let read = volume.read_at(0, 101_000).await.unwrap();
    assert!(read[1000..2000].iter().all(|byte| *byte == 7));
    assert!(read[2000..82_000].iter().all(|byte| *byte == 0));
    assert_eq!(volume.read_at(end - 4, 4).await.unwrap(), "\0end");
    let extents = volume.extents(0..end).await.unwrap();
    assert_eq!(extents.len(), end);
    assert!(extents.data_len() < MIB, "{extents:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_is_written_read_and_closed() {
    let tgt = Tgt::start_with(64 * MIB, &CHAP).await;
    let mut info = info(tgt.port);
    for (key, value) in [("auth_method", "CHAP"), ("auth_username", "ann"), ("auth_password", "correcthorse")]
    {
        info[key] = json!(value);
    }
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    assert_eq!(volume.len(), 64 * MIB);
    assert!(volume.fresh_is_zero());
    use_it(&volume).await;
    let beyond = volume.read_at(64 * MIB, 1).await;
    assert!(matches!(beyond, Err(ConnectError::OutOfBounds { volume_len, .. }) if volume_len == 64 * MIB));
    volume.close().await.unwrap();
    volume.close().await.unwrap();
    assert!(matches!(volume.read_at(0, 1).await, Err(ConnectError::Closed)));
    info["access_mode"] = json!("ro");
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    assert!(matches!(volume.write_at(0, Bytes::from_static(b"x")).await, Err(ConnectError::ReadOnly)));
    assert_eq!(volume.read_at(64 * MIB - 3, 3).await.unwrap(), "end");
    // Nobody stays logged in.
    volume.close().await.unwrap();
    let sessions = tgt.adm(&["--mode", "conn", "--op", "show", "--tid", "1"]).stdout;
    assert!(
        !String::from_utf8_lossy(&sessions).contains("Session"),
        "{}",
        String::from_utf8_lossy(&sessions)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_paths_is_enough() {
    let tgt = Tgt::start(64 * MIB).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut info = info(1);
    for (key, value) in [
        ("target_portals", json!([format!("127.0.0.1:{nobody}"), format!("127.0.0.1:{}", tgt.port)])),
        ("target_iqns", json!([NAME, NAME])),
        ("target_luns", json!([1, 1])),
    ] {
        info[key] = value;
    }
    let volume = open(&info, Access::ReadWrite).await.unwrap();
    use_it(&volume).await;
    volume.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_path_is_too_few_where_several_are_enforced() {
    let tgt = Tgt::start(MIB).await;
    let one = info(tgt.port);
    let connector = |multipath| Connector { multipath, enforce_multipath: true, ..Connector::new("node") };
    let error = scurry_connect::open(&connector(true), &one, Access::ReadOnly).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "multipath is enforced, but there is one path alone: LUN 1 of {NAME} at 127.0.0.1:{}",
            tgt.port
        )
    );
    assert_eq!(error.store_kind(), StoreErrorKind::Invalid);
    // Nothing is enforced where nothing was asked for, as in glance_store.
    scurry_connect::open(&connector(false), &one, Access::ReadOnly).await.unwrap().close().await.unwrap();
    // Two that are one by another name are one.
    let mut two = one.clone();
    two["target_portals"] = json!([format!("127.0.0.1:{}", tgt.port), format!("127.0.0.1:{},1", tgt.port)]);
    two["target_iqns"] = json!([NAME, NAME]);
    scurry_connect::open(&connector(true), &two, Access::ReadOnly).await.unwrap_err();
    two["target_portals"][1] = json!(format!("localhost:{}", tgt.port));
    scurry_connect::open(&connector(true), &two, Access::ReadOnly).await.unwrap().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volumes_of_one_target_share_a_session() {
    let tgt = Tgt::start_with(
        MIB,
        &[
            "--mode logicalunit --op new --tid 1 --lun 2 --bstype null -b nothing",
            "--mode logicalunit --op new --tid 1 --lun 3 --bstype null -b nothing",
        ],
    )
    .await;
    let sessions = || {
        let shown = tgt.adm(&["--mode", "conn", "--op", "show", "--tid", "1"]).stdout;
        String::from_utf8_lossy(&shown).matches("Session").count()
    };
    let mut volumes = Vec::new();
    for lun in 1..=3 {
        let mut info = info(tgt.port);
        info["target_lun"] = json!(lun);
        volumes.push(open(&info, Access::ReadOnly).await.unwrap());
    }
    assert_eq!(sessions(), 1);
    volumes.pop().unwrap().close().await.unwrap();
    volumes[0].read_at(0, 512).await.unwrap();
    assert_eq!(sessions(), 1);
    for volume in volumes {
        volume.close().await.unwrap();
    }
    assert_eq!(sessions(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portals_of_two_disks_are_refused() {
    let tgt =
        Tgt::start_with(MIB, &["--mode logicalunit --op new --tid 1 --lun 2 --bstype null -b nothing"]).await;
    let mut info = info(1);
    let portal = format!("127.0.0.1:{}", tgt.port);
    for (key, value) in [
        ("target_portals", json!([portal, portal])),
        ("target_iqns", json!([NAME, NAME])),
        ("target_luns", json!([1, 2])),
    ] {
        info[key] = value;
    }
    let error = open(&info, Access::ReadWrite).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("LUN 1 of {NAME} at {portal}")), "{text}");
    assert!(text.contains(&format!("LUN 2 of {NAME} at {portal}")), "{text}");
    assert!(text.contains("not the same disk"), "{text}");
    assert_eq!(error.store_kind(), StoreErrorKind::Corrupt);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_name_protocol_target_and_cause_but_no_secret() {
    let tgt = Tgt::start_with(MIB, &CHAP).await;
    let mut wrong = info(tgt.port);
    for (key, value) in [("auth_method", "CHAP"), ("auth_username", "ann"), ("auth_password", "wrong-secret")]
    {
        wrong[key] = json!(value);
    }
    let error = open(&wrong, Access::ReadOnly).await.unwrap_err();
    let place = format!("LUN 1 of {NAME} at 127.0.0.1:{}", tgt.port);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("iSCSI {place}: ")) && text.contains("authentication failed"),
        "{text}"
    );
    assert_eq!(error.store_kind(), StoreErrorKind::Denied);
    assert!(!format!("{error:?} {error}").contains("wrong-secret"));
    let tgt =
        Tgt::start_with(MIB, &["--mode logicalunit --op update --tid 1 --lun 1 --params readonly=1"]).await;
    let error = open(&info(tgt.port), Access::ReadWrite).await.unwrap_err();
    assert!(error.to_string().ends_with(": LUN 1 is write-protected"), "{error}");
    assert_eq!(error.store_kind(), StoreErrorKind::Denied);
    open(&info(tgt.port), Access::ReadOnly).await.unwrap().close().await.unwrap();
    let mut other = info(tgt.port);
    other["target_lun"] = json!(5);
    let error = open(&other, Access::ReadOnly).await.unwrap_err();
    assert!(error.to_string().ends_with(": there is no LUN 5 at the target"), "{error}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = open(&info(nobody), Access::ReadOnly).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(error.store_kind(), StoreErrorKind::Unavailable);
    assert!(PROTOCOLS.contains(&"iscsi"));
}

/// The same program again as nobody, without capabilities and without a way to get any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_privileges_are_needed() {
    if let Ok(port) = std::env::var(UNPRIVILEGED) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            let line = status.lines().find(|line| line.starts_with(set)).unwrap();
            assert_eq!(line.split_whitespace().last(), Some("0000000000000000"), "{line}");
        }
        let volume = open(&info(port.parse().unwrap()), Access::ReadWrite).await.unwrap();
        use_it(&volume).await;
        return volume.close().await.unwrap();
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can take all privileges away");
        return;
    }
    let tgt = Tgt::start(64 * MIB).await;
    // Where the program lies nobody may look.
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let ran = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"])
        .args(["--ambient-caps=-all", "--no-new-privs"])
        .arg(&program)
        .args(["--exact", "iscsi::no_privileges_are_needed", "--nocapture"])
        .current_dir(directory.path())
        .env(UNPRIVILEGED, tgt.port.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}
