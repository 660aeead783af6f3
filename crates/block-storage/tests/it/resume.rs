// SPDX-License-Identifier: Apache-2.0
//! What a start makes of work that a killed process left.

use serde_json::json;

use crate::lab::{GIB, Lab};

#[tokio::test]
async fn unfinished_work_is_finished() {
    let mut lab = Lab::new().await;
    let source = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.write(&source, 0, b"kept").await;
    let doomed = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    let growing = lab.make(json!({ "size": 1, "volume_type": "replicated" })).await;
    let image = lab.cloud.add("a1", "raw", b"img", json!({}));
    lab.freeze().await;
    let clone = lab.ask(json!({ "source_volid": source })).await;
    let booted = lab.ask(json!({ "imageRef": image, "size": 1, "volume_type": "pure2" })).await;
    let (_, body) = lab.post("/v3/snapshots", json!({ "snapshot": { "volume_id": source } })).await;
    let snapshot = body["snapshot"]["id"].as_str().unwrap().to_owned();
    assert_eq!(lab.delete(&format!("/v3/volumes/{doomed}")).await.0, 202);
    assert_eq!(lab.act(&growing, json!({ "os-extend": { "new_size": 2 } })).await.0, 202);
    for (id, status) in [(&clone, "creating"), (&doomed, "deleting"), (&growing, "extending")] {
        assert_eq!(lab.show(id).await["status"], status);
    }
    // A half-made file of the killed process is in the way.
    std::fs::write(lab.pool("puredriver-1").join(format!("volume-{clone}")), b"half").unwrap();
    lab.thaw().await;
    lab.wait("volumes", &clone, "available").await;
    lab.wait("volumes", &booted, "available").await;
    lab.wait("volumes", &growing, "available").await;
    lab.wait("snapshots", &snapshot, "available").await;
    lab.wait_gone("volumes", &doomed).await;
    assert_eq!(lab.read(&clone, 0, 4).await, b"kept");
    assert_eq!(lab.read(&booted, 0, 3).await, b"img");
    assert_eq!(lab.show(&growing).await["size"], 2);
    assert_eq!(lab.read(&growing, 2 * GIB - 1, 1).await, [0]);
}

#[tokio::test]
async fn files_nobody_knows_are_removed_and_foreign_ones_stay() {
    let mut lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.freeze().await;
    let pool = lab.pool("puredriver-1");
    let orphan = pool.join("volume-5e0c8b2e-93b4-4a6c-9a32-0d3ad7c4fd10");
    let foreign = pool.join("volume-keepme");
    for path in [&orphan, &foreign] {
        std::fs::write(path, [0; 512]).unwrap();
    }
    lab.thaw().await;
    for _ in 0..400 {
        if !orphan.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert!(!orphan.exists() && foreign.exists());
    assert_eq!(lab.read(&id, 0, 1).await, [0]);
}

#[tokio::test]
async fn a_lost_database_costs_no_volume() {
    let mut lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.freeze().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(lab.path().join(format!("block.sqlite{suffix}")));
    }
    lab.thaw().await;
    let file = lab.pool("puredriver-1").join(format!("volume-{id}"));
    for _ in 0..40 {
        assert!(file.exists(), "the sweep took it");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let mut lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "name": "n", "volume_type": "pure" })).await;
    lab.write(&id, 0, b"data").await;
    let attachment = lab.attach(&id, "rw").await;
    lab.restart().await;
    let path = format!("/v3/attachments/{}", attachment["id"].as_str().unwrap());
    assert_eq!(lab.get(&path).await.1["attachment"]["connection_info"], attachment["connection_info"]);
    lab.detach(&attachment).await;
    assert_eq!(lab.read(&id, 0, 4).await, b"data");
}
