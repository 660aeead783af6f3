// SPDX-License-Identifier: Apache-2.0
//! Locations on web servers: a store that only reads, its addresses named by users.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use scurry_image::{
    Dialect, ImageError, ImageService, PatchOp, PatchRights, PatchVerb, Upload, ValidationData,
};
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Operation, Store, StoreError, StoreErrorKind, StoreFacts,
    StoreReader, StoreWriter, WriteSpec,
};
use scurry_types::{Extents, HashAlgorithm, ImageId, ImageStatus, StoreId, TaskStatus};
use serde_json::json;

use crate::world::*;

/// A store of kind `http` whose servers are in memory.
#[derive(Debug)]
pub(crate) struct WebStore {
    facts: StoreFacts,
    pages: Mutex<HashMap<String, Vec<u8>>>,
    /// Reads that fail before one succeeds.
    failures: Mutex<u32>,
}

impl WebStore {
    pub(crate) fn new() -> Arc<Self> {
        let facts = StoreFacts {
            id: StoreId::from("web"),
            kind: "http",
            description: None,
            read_only: true,
            weight: 0,
            properties: serde_json::Map::new(),
        };
        Arc::new(Self { facts, pages: Mutex::default(), failures: Mutex::default() })
    }

    fn error(&self, operation: Operation, kind: StoreErrorKind) -> StoreError {
        StoreError::new(&self.facts.id, operation, kind, "not here")
    }
}

#[derive(Debug)]
struct Page {
    store: StoreId,
    content: Vec<u8>,
    fails: bool,
}

#[async_trait]
impl StoreReader for Page {
    fn len(&self) -> u64 {
        self.content.len() as u64
    }
    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        if self.fails {
            return Err(StoreError::new(
                &self.store,
                Operation::Read,
                StoreErrorKind::Unavailable,
                "cut off",
            ));
        }
        let at = usize::try_from(offset).unwrap();
        Ok(Bytes::copy_from_slice(&self.content[at..at + len]))
    }
    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        Ok(Extents::all_data(range.end - range.start))
    }
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Store for WebStore {
    fn facts(&self) -> &StoreFacts {
        &self.facts
    }
    fn capability(&self) -> Capability {
        Capability {
            write: false,
            read_ranges: true,
            extents: false,
            fresh_is_zero: false,
            resume: false,
            clone: false,
            preferred_io: 1 << 20,
        }
    }
    async fn begin_write(&self, _spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        Err(self.error(Operation::BeginWrite, StoreErrorKind::Denied))
    }
    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        let page = url.split('#').next().unwrap();
        let content = self.pages.lock().unwrap().get(page).cloned();
        let content = content.ok_or_else(|| self.error(Operation::Open, StoreErrorKind::NotFound))?;
        let mut failures = self.failures.lock().unwrap();
        let fails = *failures > 0;
        *failures = failures.saturating_sub(1);
        Ok(Arc::new(Page { store: self.facts.id.clone(), content, fails }))
    }
    async fn clone_from(&self, _: &CloneSource, _: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        Ok(CloneOutcome::Refused("only read".to_owned()))
    }
    async fn delete(&self, _url: &str) -> Result<(), StoreError> {
        Ok(())
    }
    async fn find(&self, _image: &ImageId) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
    async fn recover(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

const PAGE: &str = "http://mirror.test/image";

fn world() -> (World, Arc<WebStore>) {
    let mut world = World::new();
    let web = WebStore::new();
    web.pages.lock().unwrap().insert(PAGE.to_owned(), content());
    world.web = Some(Arc::clone(&web) as Arc<dyn Store>);
    (world, web)
}

fn sha256(value: &str) -> ValidationData {
    ValidationData {
        os_hash_algo: Some(HashAlgorithm::Sha256),
        os_hash_value: Some(value.to_owned()),
        checksum: None,
        store: None,
    }
}

/// The image once its only task has ended, and how that went.
async fn settled(service: &ImageService, id: &ImageId) -> (scurry_image::Image, TaskStatus) {
    let tasks = service.tasks_of(&caller("p"), id).await.unwrap();
    let status = ended(service, &tasks[0].id).await.status;
    (service.get(&caller("p"), id).await.unwrap(), status)
}

async fn queued(service: &ImageService) -> ImageId {
    service.create(&caller("p"), raw()).await.unwrap().id
}

#[tokio::test]
async fn an_image_on_a_web_server_is_active_and_hashed() {
    let (world, _web) = world();
    let service = world.start().await;
    let id = queued(&service).await;
    service.add_location(&caller("p"), &id, PAGE, None).await.unwrap();
    let now = service.get(&caller("p"), &id).await.unwrap();
    assert_eq!((now.status, now.os_hash_algo.as_deref()), (ImageStatus::Active, Some("sha512")));
    let (image, status) = settled(&service, &id).await;
    assert_eq!((status, image.size), (TaskStatus::Success, Some(3_000_000)));
    let uploaded = active(&service, &caller("p")).await;
    assert_eq!(image.stores(), ["web"]);
    assert_eq!((image.checksum, image.os_hash_value), (uploaded.checksum, uploaded.os_hash_value));
    // Another image may have the same address, and the image can be deleted although nothing can be removed.
    let other = queued(&service).await;
    service.add_location(&caller("p"), &other, PAGE, None).await.unwrap();
    service.delete(&caller("p"), &id).await.unwrap();
    service.shutdown().await;
}

#[tokio::test]
async fn hashing_is_tried_as_often_as_told() {
    let (mut world, web) = world();
    world.settings.http_retries = 2;
    let service = world.start().await;
    let id = queued(&service).await;
    // One opening is the registration's.
    *web.failures.lock().unwrap() = 3;
    service.add_location(&caller("p"), &id, PAGE, None).await.unwrap();
    assert_eq!(settled(&service, &id).await.1, TaskStatus::Success);
    let id = queued(&service).await;
    *web.failures.lock().unwrap() = 4;
    service.add_location(&caller("p"), &id, PAGE, None).await.unwrap();
    let (image, status) = settled(&service, &id).await;
    assert_eq!((image.status, status), (ImageStatus::Active, TaskStatus::Failure));
    assert_eq!(image.os_hash_value, None);
    service.shutdown().await;
}

#[tokio::test]
async fn a_wrong_hash_keeps_the_bytes_from_everybody_and_is_in_nobodys_way() {
    let (world, _web) = world();
    let service = world.start().await;
    let who = caller("p");
    let id = queued(&service).await;
    service.add_location(&who, &id, PAGE, Some(sha256(&"ab".repeat(32)))).await.unwrap();
    let (image, status) = settled(&service, &id).await;
    assert_eq!((image.status, status), (ImageStatus::Queued, TaskStatus::Failure));
    assert_eq!((image.stores(), image.os_hash_algo.as_deref()), (vec!["web"], None));
    assert!(service.download(&who, &id, None, &[]).await.unwrap().is_none());
    assert!(service.locations(&who, &id).await.unwrap().is_empty());
    service.upload(&who, &id, Upload::default(), body(&content())).await.unwrap();
    let image = service.get(&who, &id).await.unwrap();
    assert_eq!((image.status, image.stores()), (ImageStatus::Active, vec!["one"]));
    // The same address again, with the right hash.
    let id = queued(&service).await;
    service.add_location(&who, &id, PAGE, Some(sha256(&"ab".repeat(32)))).await.unwrap();
    settled(&service, &id).await;
    service.add_location(&who, &id, PAGE, None).await.unwrap();
    let image = service.get(&who, &id).await.unwrap();
    assert_eq!((image.status, image.locations.len()), (ImageStatus::Active, 1));
    service.shutdown().await;
}

#[tokio::test]
async fn without_secure_hash_what_is_said_is_believed() {
    let (mut world, _web) = world();
    world.settings.do_secure_hash = false;
    let service = world.start().await;
    let id = queued(&service).await;
    service.add_location(&caller("p"), &id, PAGE, Some(sha256(&"AB".repeat(32)))).await.unwrap();
    let image = service.get(&caller("p"), &id).await.unwrap();
    assert_eq!((image.status, image.checksum), (ImageStatus::Active, None));
    assert_eq!(image.os_hash_value, Some("ab".repeat(32)));
    service.shutdown().await;
}

#[tokio::test]
async fn addresses_pass_the_filter_first() {
    let (world, web) = world();
    let service = world.start().await;
    let id = queued(&service).await;
    let url = "HTTP://refused.test/x";
    web.pages.lock().unwrap().insert(url.to_owned(), content());
    assert_eq!(
        text(service.add_location(&caller("p"), &id, url, None).await),
        format!("URI for add location does not pass filtering: {url}")
    );
    let gone = service.add_location(&caller("p"), &id, "http://mirror.test/gone", None).await;
    assert!(text(gone).starts_with("Invalid location"));
    let upload = Upload { store: Some("web".into()), declared_len: None };
    let refused = service.upload(&caller("p"), &id, upload, body(b"x")).await;
    assert!(matches!(refused, Err(ImageError::Gone(_))), "{refused:?}");
    service.shutdown().await;
}

#[tokio::test]
async fn the_legacy_way_takes_addresses_with_fragments() {
    let (world, _web) = world();
    let service = world.start().await;
    let id = queued(&service).await;
    let rights = PatchRights { set_locations: true, ..PatchRights::default() };
    let patch = async |op, path: &[&str], value: serde_json::Value| {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        let op = PatchOp { op, path, value: Some(value), dialect: Dialect::V20 };
        service.update(&caller("p"), &id, &[op], &rights).await
    };
    let add = ["locations", "-"];
    let said =
        json!({"checksum": "1".repeat(32), "os_hash_algo": "sha512", "os_hash_value": "deadbeef".repeat(16)});
    let first = json!({"url": PAGE, "metadata": {"foo": "bar"}, "validation_data": said});
    let image = patch(PatchVerb::Add, &add, first).await.unwrap();
    assert_eq!((image.status, image.checksum), (ImageStatus::Active, Some("1".repeat(32))));
    assert_eq!(image.locations[0].metadata["foo"], "bar");
    let twice = patch(PatchVerb::Add, &add, json!({"url": PAGE, "metadata": {}})).await;
    assert_eq!(text(twice), format!("The location {PAGE} already exists"));
    let mut other = said.clone();
    other["os_hash_algo"] = json!("sha256");
    let second = format!("{PAGE}#new");
    let value = json!({"url": second, "metadata": {}, "validation_data": other});
    let refused = patch(PatchVerb::Add, &add, value).await;
    assert!(matches!(&refused, Err(ImageError::Conflict(_))), "{refused:?}");
    patch(PatchVerb::Add, &add, json!({"url": second, "metadata": {}})).await.unwrap();
    // Described anew, never exchanged: also for whoever may not remove any.
    let described = json!([{"url": PAGE, "metadata": {"date": "2015"}}, {"url": second, "metadata": {}}]);
    let image = patch(PatchVerb::Replace, &["locations"], described).await.unwrap();
    assert_eq!(image.locations[0].metadata["date"], "2015");
    for fewer in
        [json!([{"url": PAGE, "metadata": {}}]), json!([{"url": format!("{PAGE}#x"), "metadata": {}}])]
    {
        let refused = patch(PatchVerb::Replace, &["locations"], fewer).await;
        assert!(text(refused).starts_with("Original locations is not empty"));
    }
    for bad in ["gopher://info.cern.ch", "http://refused.test/x"] {
        let refused = patch(PatchVerb::Add, &add, json!({"url": bad, "metadata": {}})).await;
        assert!(text(refused).starts_with("Invalid location"), "{bad}");
    }
    service.shutdown().await;
}
