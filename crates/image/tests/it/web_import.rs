// SPDX-License-Identifier: Apache-2.0
//! web-download, glance-download, and tasks of type `import`.

use scurry_image::{ImageService, ImportMethod, ImportTask, NewImage, RemoteImage, Task};
use scurry_store::Operation;
use scurry_types::{ImageId, ImageStatus, JobId, TaskStatus};
use serde_json::json;

use crate::addresses::Answer;
use crate::world::*;

fn web(stores: &[&str]) -> scurry_image::ImportRequest {
    import(ImportMethod::WebDownload { uri: Addresses::IMAGE.to_owned() }, stores)
}

async fn imported(service: &ImageService, id: &ImageId, stores: &[&str]) -> Task {
    let task = service.import(&caller("p"), id, web(stores)).await.unwrap().unwrap();
    ended(service, &task).await
}

/// Imports what the address gives and wants it refused for that reason, with nothing left behind.
async fn refused(world: &World, answer: Answer, reason: &str) {
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    world.outbound.then(Addresses::IMAGE, answer);
    let task = imported(&service, &image.id, &["one", "two"]).await;
    assert_eq!(task.status, TaskStatus::Failure, "{}", task.message);
    assert!(task.message.contains(reason), "{}", task.message);
    let now = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!((now.status, now.size), (ImageStatus::Queued, None));
    assert_eq!(now.properties["os_glance_failed_import"], "one,two");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn an_address_is_read_once_into_all_stores_and_never_staged() {
    let world = World::new();
    let service = world.start().await;
    for answer in [Answer::Whole(content()), Answer::Unannounced(content())] {
        let image = service.create(&caller("p"), raw()).await.unwrap();
        world.outbound.then(Addresses::IMAGE, answer);
        let task = imported(&service, &image.id, &["one", "three"]).await;
        assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
        assert_eq!(task.result, Some(json!({"image_id": image.id})));
        assert_eq!(task.input.unwrap()["import_req"]["method"]["uri"], Addresses::IMAGE);
        let done = service.get(&caller("p"), &image.id).await.unwrap();
        assert_eq!((done.status, done.size), (ImageStatus::Active, Some(3_000_000)));
        assert_eq!(done.stores(), ["one", "three"]);
        assert_eq!(world.stores[2].content(&done.locations[1].url).unwrap(), content());
    }
    assert_eq!(world.outbound.asked().len(), 2);
    assert!(world.outbound.asked().iter().all(|request| request.token.is_none() && !request.trusted));
    assert!(!world.settings.staging_dir.exists(), "nothing is staged");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    world.outbound.then(Addresses::IMAGE, Answer::Unavailable);
    world.outbound.then(Addresses::IMAGE, Answer::Broken(content()[..500_000].to_vec(), 3_000_000));
    world.outbound.then(Addresses::IMAGE, Answer::Whole(content()));
    assert_eq!(imported(&service, &image.id, &["one"]).await.status, TaskStatus::Success);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn what_broke_off_is_read_on_and_other_bytes_begin_anew() {
    let world = World::new();
    let service = world.start().await;
    let other: Vec<u8> = content().into_iter().map(|byte| byte ^ 0xff).collect();
    for (second, offset, expected) in [
        (Answer::Version(content(), "\"v1\"", None), 1_234_567, content()),
        (Answer::Version(other.clone(), "\"v2\"", None), 0, other),
        (Answer::Whole(content()), 0, content()),
    ] {
        let image = service.create(&caller("p"), raw()).await.unwrap();
        let asked = world.outbound.asked().len();
        world.outbound.then(Addresses::IMAGE, Answer::Version(content(), "\"v1\"", Some(1_234_567)));
        world.outbound.then(Addresses::IMAGE, second.clone());
        // One that has other bytes is asked again, for all of them.
        world.outbound.always(Addresses::IMAGE, &expected);
        let task = imported(&service, &image.id, &["one", "two"]).await;
        assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
        let done = service.get(&caller("p"), &image.id).await.unwrap();
        assert_eq!((done.status, done.size), (ImageStatus::Active, Some(3_000_000)));
        for (location, store) in done.locations.iter().zip([0, 1]) {
            assert!(world.stores[store].content(&location.url).unwrap() == expected);
        }
        let asked = world.outbound.asked().split_off(asked);
        assert_eq!(asked.len(), if offset > 0 { 2 } else { 3 }, "{asked:?}");
        assert!(asked[0].resume.is_none());
        let resume = asked[1].resume.clone().unwrap();
        assert_eq!(
            (resume.offset, resume.validator.as_str(), resume.len),
            (1_234_567, "\"v1\"", Some(3_000_000))
        );
    }
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn an_import_goes_on_after_a_restart() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    world
        .outbound
        .then(Addresses::IMAGE, Answer::Stalled(content()[..2_000_001].to_vec(), 3_000_000, "\"v1\""));
    let task = service.import(&caller("p"), &image.id, web(&["one", "three"])).await.unwrap().unwrap();
    while world.stores[2].faults().count(Operation::Write) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    service.shutdown().await;
    assert_eq!((world.stores[0].urls().len(), world.stores[2].urls().len()), (1, 1), "the objects stay");
    world.outbound.then(Addresses::IMAGE, Answer::Version(content(), "\"v1\"", None));
    let service = world.start().await;
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    let resume = world.outbound.asked()[1].resume.clone().unwrap();
    assert!(resume.offset >= 1 << 20, "{resume:?}");
    let done = service.get(&caller("p"), &image.id).await.unwrap();
    assert!(world.stores[2].content(&done.locations[1].url).unwrap() == content());
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn an_image_deleted_while_its_import_waits_leaves_nothing() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    world
        .outbound
        .then(Addresses::IMAGE, Answer::Stalled(content()[..2_000_001].to_vec(), 3_000_000, "\"v1\""));
    service.import(&caller("p"), &image.id, web(&["one"])).await.unwrap().unwrap();
    while world.stores[0].faults().count(Operation::Write) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    service.delete(&caller("p"), &image.id).await.unwrap();
    while !world.stores[0].urls().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn failures_leave_the_image_queued_and_say_why() {
    refused(&World::new(), Answer::Failed, "answered 404").await;
    let qcow2 = [b"QFI\xfb\x00\x00\x00\x03".as_slice(), &[0; 65_536]].concat();
    refused(&World::new(), Answer::Whole(qcow2), "does not match").await;
    let mut capped = World::new();
    capped.settings.image_size_cap = 1_000_000;
    refused(&capped, Answer::Whole(content()), "too large").await;
    refused(&capped, Answer::Endless, "too large").await;
    let mut limited = World::new();
    limited.limits = Some([("image_size_total", 1)].into());
    refused(&limited, Answer::Whole(content()), "image_size_total is over limit of 1").await;
    refused(&limited, Answer::Endless, "image_size_total is over limit of 1").await;
}

#[tokio::test]
async fn after_a_failure_the_same_image_is_imported() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    world.outbound.then(Addresses::IMAGE, Answer::Failed);
    assert_eq!(imported(&service, &image.id, &["one"]).await.status, TaskStatus::Failure);
    world.outbound.then(Addresses::IMAGE, Answer::Whole(content()));
    assert_eq!(imported(&service, &image.id, &["one"]).await.status, TaskStatus::Success);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_deleted_image_ends_its_import() {
    let world = World::new();
    let service = world.start().await;
    let image = service.create(&caller("p"), raw()).await.unwrap();
    world.outbound.then(Addresses::IMAGE, Answer::Endless);
    let task = service.import(&caller("p"), &image.id, web(&["one"])).await.unwrap().unwrap();
    while world.outbound.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    service.delete(&caller("p"), &image.id).await.unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Failure);
    service.shutdown().await;
    world.check().await;
}

const REMOTE: &str = "36d4b546-64a2-4bb9-bdd0-ba676aa48f2c";

fn remote(endpoint: Option<&str>) -> ImportMethod {
    ImportMethod::GlanceDownload(RemoteImage {
        image: Some(REMOTE.to_owned()),
        region: Some("far".to_owned()),
        interface: "public".to_owned(),
        endpoint: endpoint.map(str::to_owned),
        token: "t0ken".into(),
    })
}

fn described(world: &World, image: &serde_json::Value) {
    let url = format!("http://far.test:9292/v2/images/{REMOTE}");
    world.outbound.always(&url, image.to_string().as_bytes());
    world.outbound.always(&format!("{url}/file"), &content());
}

fn federated() -> World {
    let mut world = World::new();
    world.settings.enabled_import_methods.push("glance-download".to_owned());
    world
}

#[tokio::test]
async fn a_remote_image_brings_its_formats_and_some_properties() {
    let world = federated();
    described(
        &world,
        &json!({"status": "active", "size": 3_000_000, "disk_format": "raw", "container_format": "bare",
            "hw_cpu_cores": "5", "trait:SSD": "required", "os_distro": "rhel", "speed": "88mph",
            "os_hidden": false}),
    );
    let service = world.start().await;
    let new = NewImage {
        disk_format: Some("iso".to_owned()),
        properties: [("os_distro".to_owned(), "windows".to_owned())].into(),
        ..raw()
    };
    let image = service.create(&caller("p"), new).await.unwrap();
    let request = import(remote(Some("http://far.test:9292/v2/")), &[]);
    let task = service.import(&caller("p"), &image.id, request).await.unwrap().unwrap();
    let task = ended(&service, &task).await;
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert!(!format!("{task:?}").contains("t0ken"), "the token is in the task");
    let done = service.get(&caller("p"), &image.id).await.unwrap();
    assert_eq!((done.status, done.disk_format.as_deref()), (ImageStatus::Active, Some("raw")));
    let property = |name: &str| done.properties.get(name).map(String::as_str);
    assert_eq!(property("hw_cpu_cores"), Some("5"));
    assert_eq!(property("trait:SSD"), Some("required"));
    assert_eq!(property("os_distro"), Some("rhel"));
    assert_eq!((property("speed"), property("os_hidden")), (None, None));
    assert!(world.outbound.asked().iter().all(|request| request.token.is_some() && request.trusted));
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_remote_image_that_cannot_be_had_changes_nothing() {
    let cases = [
        (json!({"status": "queued"}), Some("http://far.test:9292"), "should be active instead of queued"),
        (json!({"status": "active"}), Some("http://far.test:9292"), "could not be determined"),
        (
            json!({"status": "active", "size": 5, "disk_format": "qcow2"}),
            Some("http://far.test:9292"),
            "has 5 bytes",
        ),
        (json!({}), Some("http://other.test"), "404"),
        (json!({}), None, "public glance endpoint not found for region far"),
    ];
    for (description, endpoint, reason) in cases {
        let world = federated();
        described(&world, &description);
        let service = world.start().await;
        let image = service.create(&caller("p"), raw()).await.unwrap();
        let request = import(remote(endpoint), &[]);
        let task = service.import(&caller("p"), &image.id, request).await.unwrap().unwrap();
        let task = ended(&service, &task).await;
        assert_eq!(task.status, TaskStatus::Failure);
        assert!(task.message.contains(reason), "{}", task.message);
        let now = service.get(&caller("p"), &image.id).await.unwrap();
        assert_eq!((now.status, now.disk_format.as_deref()), (ImageStatus::Queued, Some("raw")));
        service.shutdown().await;
        world.check().await;
    }
}

fn task_of(image: Result<NewImage, String>, from: &str) -> ImportTask {
    ImportTask { from: Some(from.to_owned()), image, input: json!({"import_from": from}) }
}

async fn ended_task(service: &ImageService, id: &JobId) -> (Task, Option<ImageStatus>, ImageId) {
    let task = ended(service, id).await;
    let made = task.result.as_ref().and_then(|result| result["image_id"].as_str()?.parse().ok());
    let id: ImageId = made.unwrap_or_else(ImageId::random);
    let status = service.get(&admin(), &id).await.ok().map(|image| image.status);
    (task, status, id)
}

#[tokio::test]
async fn a_task_makes_an_image_and_fills_it() {
    let world = World::new();
    let service = world.start().await;
    world.outbound.then(Addresses::IMAGE, Answer::Whole(content()));
    let task = service.import_task(&admin(), task_of(Ok(raw()), Addresses::IMAGE)).await.unwrap();
    assert_eq!((task.kind.as_str(), task.status), ("import", TaskStatus::Pending));
    let (task, status, id) = ended_task(&service, &task.id).await;
    assert_eq!((task.status, status), (TaskStatus::Success, Some(ImageStatus::Active)), "{}", task.message);
    assert!(task.expires_at.is_some() && task.image_id.is_none());
    let image = service.get(&admin(), &id).await.unwrap();
    assert_eq!(image.owner, admin().project);
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn a_task_that_fails_leaves_no_image() {
    let world = World::new();
    let service = world.start().await;
    world.outbound.then(Addresses::IMAGE, Answer::Failed);
    let new = NewImage { id: Some(REMOTE.parse().unwrap()), ..raw() };
    let task = service.import_task(&admin(), task_of(Ok(new), Addresses::IMAGE)).await.unwrap();
    let task = ended(&service, &task.id).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert!(task.message.contains("404") && task.result.is_none(), "{}", task.message);
    assert!(service.get(&admin(), &REMOTE.parse().unwrap()).await.is_err());
    let broken =
        task_of(Err("Input does not contain 'import_from_format' field".to_owned()), Addresses::IMAGE);
    let task = service.import_task(&admin(), broken).await.unwrap();
    assert_eq!((task.status, task.expires_at.is_some()), (TaskStatus::Failure, true));
    let said = |from: Option<&str>| {
        let asked = ImportTask { from: from.map(str::to_owned), ..task_of(Ok(raw()), "") };
        let service = service.clone();
        async move { text(service.import_task(&admin(), asked).await) }
    };
    assert_eq!(said(None).await, "Invalid location: None");
    assert!(said(Some("FILE:///etc/passwd")).await.starts_with("File based imports are not allowed."));
    assert!(said(Some("swift://x")).await.starts_with("The given uri is not valid."));
    assert_eq!(
        said(Some("http://refused.test/x")).await,
        "URI for legacy import task does not pass filtering: http://refused.test/x"
    );
    service.shutdown().await;
    world.check().await;
}
