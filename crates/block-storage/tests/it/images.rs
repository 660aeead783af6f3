// SPDX-License-Identifier: Apache-2.0
//! Volumes from images, and images from volumes.

use http::Method;
use serde_json::json;

use crate::lab::{GIB, Lab, alice, conf, service};

/// Makes a volume as the image service does, with `bytes` at its start.
async fn image_volume(lab: &Lab, kind: &str, owner: &str, bytes: &[u8]) -> String {
    let body = json!({ "volume": {
        "size": 1, "volume_type": kind, "name": "image-x", "metadata": { "image_owner": owner } } });
    let (status, body) = lab.call(Method::POST, "/v3/volumes", &service(), 71, Some(body)).await;
    assert_eq!(status, 202, "{body}");
    let id = body["volume"]["id"].as_str().unwrap().to_owned();
    lab.wait("volumes", &id, "available").await;
    let body = json!({ "attachment": { "volume_uuid": id, "mode": "rw", "connector": { "host": "img" } } });
    let (_, body) = lab.call(Method::POST, "/v3/attachments", &service(), 71, Some(body)).await;
    let file = crate::lab::open(&body["attachment"], scurry_volume_file::Access::ReadWrite);
    file.write_at(bytes, 0).unwrap();
    file.close().unwrap();
    let path = format!("/v3/attachments/{}", body["attachment"]["id"].as_str().unwrap());
    assert_eq!(lab.call(Method::DELETE, &path, &service(), 71, None).await.0, 200);
    id
}

#[tokio::test]
async fn an_image_on_the_same_backend_is_cloned_and_elsewhere_copied() {
    let lab = Lab::new().await;
    let data = b"image data";
    let source = image_volume(&lab, "pure2", "p9", data).await;
    let image = lab.cloud.add("p9", "raw", data, json!({ "checksum": format!("{}", md5_of(data)) }));
    lab.cloud.locate(&image, format!("cinder://pure2/{source}"));
    let boot = lab.make(json!({ "imageRef": image, "size": 5, "volume_type": "pure2" })).await;
    assert_eq!(lab.cloud.downloads(), 0);
    let volume = lab.show(&boot).await;
    assert_eq!((volume["bootable"].as_str(), volume["size"].as_i64()), (Some("true"), Some(5)));
    assert_eq!(volume["volume_image_metadata"]["image_id"], image.as_str());
    assert_eq!(volume["volume_image_metadata"]["hw_disk_bus"], "scsi");
    assert_eq!(lab.read(&boot, 0, data.len()).await, data);
    assert_eq!(lab.read(&boot, 5 * GIB - 1, 1).await, [0]);
    let copied = lab.make(json!({ "imageRef": image, "size": 1, "volume_type": "pure" })).await;
    assert_eq!(lab.cloud.downloads(), 1);
    assert_eq!(lab.read(&copied, 0, data.len()).await, data);
    let path = format!("/v3/volumes/{source}");
    assert_eq!(lab.call(Method::DELETE, &path, &service(), 71, None).await.0, 202);
    lab.wait_gone("volumes", &source).await;
    assert_eq!(lab.read(&boot, 0, data.len()).await, data);
}

#[tokio::test]
async fn a_second_copy_is_cloned_for_volumes_of_its_backend() {
    let lab = Lab::new().await;
    let source = image_volume(&lab, "replicated", "a1", b"two places").await;
    let image = lab.cloud.add("a1", "raw", b"two places", json!({}));
    lab.cloud.locate(&image, format!("cinder://pure4/{source}"));
    for kind in ["pure2", "pure3", "replicated"] {
        let boot = lab.make(json!({ "imageRef": image, "size": 2, "volume_type": kind })).await;
        assert_eq!(lab.read(&boot, 0, 10).await, b"two places", "{kind}");
    }
    assert_eq!(lab.cloud.downloads(), 0);
}

#[tokio::test]
async fn what_cinder_would_not_clone_is_copied() {
    let mut plain = conf();
    plain.allowed_direct_url_schemes.clear();
    for (conf, owner, volume_owner) in [(plain, "p9", "p9"), (conf(), "p9", "somebody")] {
        let lab = Lab::with(conf).await;
        let source = image_volume(&lab, "pure", volume_owner, b"x").await;
        let image = lab.cloud.add(owner, "raw", b"x", json!({}));
        lab.cloud.locate(&image, format!("cinder://{source}"));
        lab.make(json!({ "imageRef": image, "size": 1, "volume_type": "pure" })).await;
        assert_eq!(lab.cloud.downloads(), 1);
    }
}

#[tokio::test]
async fn damaged_data_ends_in_error_and_leaves_no_files() {
    let lab = Lab::new().await;
    let wrong = json!({ "checksum": "00000000000000000000000000000000" });
    let digest = lab.cloud.add("a1", "raw", b"data", wrong);
    let short = lab.cloud.add("a1", "raw", b"data", json!({ "size": 5 }));
    let fake = lab.cloud.add("a1", "qcow2", b"not a qcow2 at all", json!({}));
    for image in [digest, short, fake] {
        let id = lab.ask(json!({ "imageRef": image, "size": 1, "volume_type": "pure" })).await;
        lab.wait("volumes", &id, "error").await;
        let (_, body) = lab.get(&format!("/v3/messages?resource_uuid={id}")).await;
        assert_eq!(body["messages"][0]["event_id"], "VOLUME_VOLUME_005_001");
    }
    assert!(lab.files("puredriver-1").is_empty(), "{:?}", lab.files("puredriver-1"));
}

#[tokio::test]
async fn unfit_images_are_refused_at_once() {
    let lab = Lab::new().await;
    let big = lab.cloud.add("a1", "raw", b"", json!({ "size": 3 * GIB }));
    let wide = lab.cloud.add("a1", "qcow2", b"", json!({ "virtual_size": 2 * GIB + 1 }));
    let min = lab.cloud.add("a1", "raw", b"", json!({ "min_disk": 4 }));
    let queued = lab.cloud.add("a1", "raw", b"", json!({ "status": "queued" }));
    for (image, text) in [
        (
            &big,
            "Invalid input received: Size of specified image 3GB is larger than volume size 1GB.".to_owned(),
        ),
        (
            &wide,
            format!(
                "Image {wide} is unacceptable: Image virtual size is 3GB and doesn't fit in a volume of size 1GB."
            ),
        ),
        (
            &min,
            "Invalid input received: Volume size 1GB cannot be smaller than the image minDisk size 4GB."
                .to_owned(),
        ),
        (&queued, format!("Invalid input received: Image {queued} is not active.")),
    ] {
        let (status, body) =
            lab.post("/v3/volumes", json!({ "volume": { "imageRef": image, "size": 1 } })).await;
        assert_eq!((status.as_u16(), body["badRequest"]["message"].as_str()), (400, Some(text.as_str())));
    }
}

#[tokio::test]
async fn images_of_every_format_become_raw() {
    let lab = Lab::new().await;
    let dir = tempfile::tempdir().unwrap();
    let mut disk = vec![0_u8; 8 << 20];
    disk[5 << 20..(5 << 20) + 7].copy_from_slice(b"in here");
    std::fs::write(dir.path().join("raw"), &disk).unwrap();
    for (format, name) in
        [("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vdi", "vdi"), ("vhd", "vpc"), ("vhdx", "vhdx")]
    {
        let made = std::process::Command::new("qemu-img")
            .current_dir(dir.path())
            .args(["convert", "-f", "raw", "-O", name, "raw", format])
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: qemu-img is not installed");
            return;
        }
        let image = lab.cloud.add("a1", format, &std::fs::read(dir.path().join(format)).unwrap(), json!({}));
        for kind in ["pure", "replicated"] {
            let id = lab.make(json!({ "imageRef": image, "size": 1, "volume_type": kind })).await;
            assert_eq!(lab.read(&id, 5 << 20, 7).await, b"in here", "{format}");
            assert_eq!(lab.read(&id, 0, 7).await, [0; 7]);
            assert_eq!(lab.show(&id).await["bootable"], "true");
        }
    }
    assert_eq!(std::fs::read_dir(lab.path().join("pools/conversion")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_volume_becomes_an_image_by_a_clone_and_else_by_its_bytes() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1, "volume_type": "pure" })).await;
    lab.write(&id, 0, b"mine").await;
    let ask = json!({ "os-volume_upload_image": { "image_name": "up", "visibility": "private" } });
    let (status, body) = lab.act(&id, ask.clone()).await;
    assert_eq!(status, 202, "{body}");
    let answer = &body["os-volume_upload_image"];
    assert_eq!((answer["status"].as_str(), answer["size"].as_i64()), (Some("uploading"), Some(1)));
    lab.wait("volumes", &id, "available").await;
    let image = lab.cloud.image(answer["image_id"].as_str().unwrap()).unwrap();
    let clone = image.locations[0].strip_prefix("cinder://").unwrap();
    let volume = lab.show(clone).await;
    assert_eq!(volume["os-vol-tenant-attr:tenant_id"], "service");
    assert_eq!(volume["metadata"]["image_owner"], "a1");
    assert_eq!(volume["metadata"]["readonly"], "True");
    assert_eq!(volume["status"], "available");

    *lab.cloud.refuse_locations.lock().unwrap() = true;
    let (_, body) = lab.act(&id, ask).await;
    lab.wait("volumes", &id, "available").await;
    let image = body["os-volume_upload_image"]["image_id"].as_str().unwrap().to_owned();
    let image = lab.cloud.image(&image).unwrap();
    assert_eq!((image.data.as_slice(), image.record["size"].as_u64()), (&b"mine"[..], Some(GIB)));
    let path = "/v3/volumes?all_tenants=1&project_id=service";
    let (_, body) = lab.call(Method::GET, path, &crate::lab::admin(), 71, None).await;
    assert_eq!(body["volumes"].as_array().unwrap().len(), 1, "the refused clone is gone");
}

#[tokio::test]
async fn uploads_of_a_wrong_kind_are_refused() {
    let lab = Lab::new().await;
    let id = lab.make(json!({ "size": 1 })).await;
    let ask = |fields: serde_json::Value| json!({ "os-volume_upload_image": fields });
    assert_eq!(lab.act(&id, ask(json!({}))).await.0, 400);
    assert_eq!(lab.act(&id, ask(json!({ "image_name": "x", "disk_format": "vmdk" }))).await.0, 400);
    let public = ask(json!({ "image_name": "x", "visibility": "public" }));
    let path = format!("/v3/volumes/{id}/action");
    assert_eq!(lab.call(Method::POST, &path, &alice(), 71, Some(public)).await.0, 403);
    let attachment = lab.attach(&id, "ro").await;
    let (status, body) = lab.act(&id, ask(json!({ "image_name": "x" }))).await;
    assert_eq!(status, 400, "{body}");
    lab.detach(&attachment).await;
}

fn md5_of(data: &[u8]) -> String {
    use md5::Digest;
    md5::Md5::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}
