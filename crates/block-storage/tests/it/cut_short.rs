// SPDX-License-Identifier: Apache-2.0
//! What a kill, a client that hangs up or a writer that dies in the middle of work leaves behind.

use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, admin};

async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..1200 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

async fn reset(lab: &Lab, kind: &str, id: &str, status: &str) {
    let body = json!({ "os-reset_status": { "status": status } });
    let (status, body) =
        lab.call(Method::POST, &format!("/v3/{kind}/{id}/action"), &admin(), 71, Some(body)).await;
    assert_eq!(status, 202, "{body}");
}

/// The volumes made for images.
async fn of_images(lab: &Lab) -> Vec<Value> {
    let path = "/v3/volumes/detail?all_tenants=1&project_id=service";
    let (_, body) = lab.call(Method::GET, path, &admin(), 71, None).await;
    body["volumes"].as_array().unwrap().clone()
}

/// A volume whose upload waits for the image service to take the clone; answers volume, image and clone.
async fn hanging_upload(lab: &Lab) -> (String, String, String) {
    *lab.cloud.hang_locations.lock().unwrap() = true;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    let (status, body) = lab.act(&id, json!({ "os-volume_upload_image": { "image_name": "up" } })).await;
    assert_eq!(status, 202, "{body}");
    let image = body["os-volume_upload_image"]["image_id"].as_str().unwrap().to_owned();
    for _ in 0..1200 {
        if let Some(clone) = of_images(lab).await.iter().find(|v| v["status"] == "available") {
            return (id, image, clone["id"].as_str().unwrap().to_owned());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no clone was made");
}

#[tokio::test]
async fn an_upload_cut_before_the_image_has_its_data_leaves_no_clone_and_no_image() {
    let mut lab = Lab::new().await;
    let (id, image, clone) = hanging_upload(&lab).await;
    lab.freeze().await;
    assert_eq!(lab.show(&id).await["status"], "uploading");
    lab.thaw().await;
    lab.wait("volumes", &id, "available").await;
    lab.wait_gone("volumes", &clone).await;
    until("image deleted", || lab.cloud.image(&image).is_none()).await;
    assert_eq!(lab.files("puredriver-1"), [format!("volume-{id}")]);
}

#[tokio::test]
async fn an_upload_cut_after_the_image_has_its_data_keeps_it() {
    let mut lab = Lab::new().await;
    let (id, image, clone) = hanging_upload(&lab).await;
    lab.freeze().await;
    lab.cloud.locate(&image, format!("cinder://{clone}"));
    lab.thaw().await;
    lab.wait("volumes", &id, "available").await;
    lab.wait("volumes", &clone, "available").await;
    // The second start finds nothing pending; had the first taken the clone away, it would be gone by now.
    lab.restart().await;
    lab.wait("volumes", &clone, "available").await;
    assert!(lab.cloud.image(&image).is_some());
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_volume_uploading() {
    let lab = Lab::new().await;
    *lab.cloud.create_late.lock().unwrap() = Some(Duration::from_millis(500));
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    {
        let ask = lab.act(&id, json!({ "os-volume_upload_image": { "image_name": "up" } }));
        tokio::select! {
            answer = ask => panic!("answered too early: {answer:?}"),
            () = lab.wait("volumes", &id, "uploading") => {}
        }
    }
    lab.wait("volumes", &id, "available").await;
    let active = lab.cloud.images.lock().unwrap().values().filter(|i| i.record["status"] == "active").count();
    assert_eq!(active, 1);
}

#[tokio::test]
async fn what_is_only_said_to_be_creating_is_not_made_again() {
    let mut lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.write(&id, 0, b"old").await;
    let (_, body) = lab.post("/v3/snapshots", json!({ "snapshot": { "volume_id": id } })).await;
    let snapshot = body["snapshot"]["id"].as_str().unwrap().to_owned();
    lab.wait("snapshots", &snapshot, "available").await;
    lab.write(&id, 0, b"new").await;
    for said in ["creating", "downloading"] {
        reset(&lab, "volumes", &id, said).await;
        reset(&lab, "snapshots", &snapshot, "creating").await;
        lab.restart().await;
        lab.wait("volumes", &id, "error").await;
        lab.wait("snapshots", &snapshot, "error").await;
        reset(&lab, "volumes", &id, "available").await;
        reset(&lab, "snapshots", &snapshot, "available").await;
    }
    assert_eq!(lab.read(&id, 0, 3).await, b"new");
    let of_snapshot = lab.make(json!({ "snapshot_id": snapshot })).await;
    assert_eq!(lab.read(&of_snapshot, 0, 3).await, b"old");
}

/// A replicated volume with "same" in both copies; answers it, its copies and the mark of a second copy that lags.
async fn replicated(lab: &Lab) -> (String, [PathBuf; 2], PathBuf) {
    let id = lab.make(json!({ "size": 1, "volume_type": "replicated" })).await;
    lab.write(&id, 0, b"same").await;
    let copies = ["puredriver-3", "puredriver-2"].map(|b| lab.pool(b).join(format!("volume-{id}")));
    let mark = lab.pool("puredriver-2").join(format!("volume-{id}.dirty"));
    (id, copies, mark)
}

fn put(path: &PathBuf, offset: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(std::io::SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

fn start_of(path: &PathBuf) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 20];
    std::fs::File::open(path).unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_second_copy_that_fell_behind_is_mended_at_the_start() {
    let mut lab = Lab::new().await;
    let (_, copies, mark) = replicated(&lab).await;
    assert!(!mark.exists());
    lab.freeze().await;
    // As kill -9 leaves it: one write in the first copy only, another in the second only.
    put(&copies[0], 70_000, b"first only");
    put(&copies[1], 300_000, b"second only");
    std::fs::write(&mark, b"").unwrap();
    lab.thaw().await;
    until("mark removed", || !mark.exists()).await;
    assert_eq!(start_of(&copies[0]), start_of(&copies[1]));
    assert_eq!(&start_of(&copies[1])[70_000..70_010], b"first only");
}

#[tokio::test]
async fn a_second_copy_is_mended_when_the_dead_writers_attachment_goes() {
    let lab = Lab::new().await;
    let (id, copies, mark) = replicated(&lab).await;
    let attachment = lab.attach(&id, "rw").await;
    let writer = crate::lab::open(&attachment, scurry_volume_file::Access::ReadWrite);
    writer.write_at(b"more", 4).unwrap();
    drop(writer);
    assert!(mark.exists());
    put(&copies[1], 4, b"torn");
    lab.detach(&attachment).await;
    until("mark removed", || !mark.exists()).await;
    assert_eq!(&start_of(&copies[1])[..8], b"samemore");
}

#[tokio::test]
async fn a_replicated_volume_half_filled_from_an_image_is_filled_anew() {
    let mut lab = Lab::new().await;
    let image = lab.cloud.add("a1", "raw", b"whole", json!({}));
    lab.freeze().await;
    let id = lab.ask(json!({ "imageRef": image, "size": 1, "volume_type": "replicated" })).await;
    let copies = ["puredriver-3", "puredriver-2"].map(|b| lab.pool(b).join(format!("volume-{id}")));
    for (copy, bytes) in copies.iter().zip([&b"who"[..], b"w"]) {
        std::fs::write(copy, bytes).unwrap();
    }
    let mark = lab.pool("puredriver-2").join(format!("volume-{id}.dirty"));
    std::fs::write(&mark, b"").unwrap();
    lab.thaw().await;
    lab.wait("volumes", &id, "available").await;
    assert!(!mark.exists());
    for copy in &copies {
        assert_eq!(&start_of(copy)[..6], b"whole\0");
        assert_eq!(copy.metadata().unwrap().len(), crate::lab::GIB);
    }
}
