// SPDX-License-Identifier: Apache-2.0
//! A service on a database in a temporary directory, and what must always hold of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use scurry_image::ports::{ImageRepository, Limits, LimitsError, Outbound};
use scurry_image::{
    Body, BodyError, Caller, Image, ImageError, ImageService, ImageSettings, ImportMethod, ImportRequest,
    NewImage, ServiceParts, Task, Upload,
};
use scurry_image_db::{Address, Database, PoolSettings, migrate};
use scurry_jobs::JobRepository;
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Registry, Store, StoreError, StoreFacts, StoreReader, StoreWriter,
    WriteSpec,
};
use scurry_testkit::{DatabaseKind, MemoryBackend, MemoryStore, TestDatabase};
use scurry_types::{ImageId, ImageStatus, JobId, ProjectId, StoreId, TaskStatus};
use tempfile::TempDir;

pub(crate) use crate::addresses::Addresses;

/// Limits by resource; what is not named is unlimited.
#[derive(Debug, Default)]
pub(crate) struct FixedLimits(pub(crate) BTreeMap<&'static str, i64>);

#[async_trait]
impl Limits for FixedLimits {
    async fn limit(&self, _project: &ProjectId, resource: &str) -> Result<i64, LimitsError> {
        Ok(self.0.get(resource).copied().unwrap_or(-1))
    }
}

/// A store whose backend also clones the objects of another one.
#[derive(Debug)]
pub(crate) struct Cloning {
    pub(crate) inner: MemoryStore,
    pub(crate) other: MemoryStore,
}

#[async_trait]
impl Store for Cloning {
    fn facts(&self) -> &StoreFacts {
        self.inner.facts()
    }
    fn capability(&self) -> Capability {
        self.inner.capability()
    }
    async fn begin_write(&self, spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        self.inner.begin_write(spec).await
    }
    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        self.inner.open_read(url).await
    }
    async fn clone_from(&self, source: &CloneSource, spec: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        match self.other.content(&source.url) {
            Some(content) => Ok(CloneOutcome::Cloned(self.inner.put(&spec.image, &content))),
            None => Ok(CloneOutcome::Refused("not on this backend".to_owned())),
        }
    }
    async fn delete(&self, url: &str) -> Result<(), StoreError> {
        self.inner.delete(url).await
    }
    async fn find(&self, image: &ImageId) -> Result<Vec<String>, StoreError> {
        self.inner.find(image).await
    }
    async fn recover(&self) -> Result<(), StoreError> {
        self.inner.recover().await
    }
}

pub(crate) struct World {
    pub(crate) dir: TempDir,
    place: TestDatabase,
    pub(crate) stores: Vec<MemoryStore>,
    pub(crate) limits: Option<BTreeMap<&'static str, i64>>,
    pub(crate) settings: ImageSettings,
    /// A store of addresses beside the others.
    pub(crate) web: Option<Arc<dyn Store>>,
    /// What addresses give.
    pub(crate) outbound: Arc<Addresses>,
    /// The last store clones from the first.
    pub(crate) cloning: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = ImageSettings {
            staging_dir: dir.path().join("staging"),
            max_bytes_in_flight: 16 << 20,
            copy_checkpoint: Duration::ZERO,
            job_back_off: Duration::from_millis(5),
            show_multiple_locations: true,
            upload_checkpoint: 300_000,
            upload_lease: Duration::from_millis(600),
            ..ImageSettings::default()
        };
        let stores = ["one", "two", "three"].map(MemoryStore::new).to_vec();
        let place = TestDatabase::new(DatabaseKind::asked_for());
        Self {
            dir,
            place,
            stores,
            limits: None,
            settings,
            web: None,
            outbound: Arc::default(),
            cloning: false,
        }
    }

    /// Four stores; all but the first share a backend.
    pub(crate) fn on_one_backend() -> Self {
        let backend = MemoryBackend::new("array");
        let mut world = Self::new();
        world.stores.truncate(1);
        world.stores.extend(["two", "three", "four"].map(|id| MemoryStore::new(id).with_backend(&backend)));
        world
    }

    pub(crate) async fn database(&self) -> Database {
        let address = Address::parse(&self.place.url).unwrap();
        let db = Database::connect(&address, &PoolSettings::default()).await.unwrap();
        migrate(&db).await.unwrap();
        db
    }

    pub(crate) async fn build(&self) -> (ImageService, Database) {
        let db = self.database().await;
        let mut stores: Vec<Arc<dyn Store>> =
            self.stores.iter().map(|store| Arc::new(store.clone()) as Arc<dyn Store>).collect();
        if self.cloning {
            let (inner, other) = (self.stores.last().unwrap().clone(), self.stores[0].clone());
            *stores.last_mut().unwrap() = Arc::new(Cloning { inner, other });
        }
        stores.extend(self.web.clone());
        let limits = self.limits.clone().map(|limits| Arc::new(FixedLimits(limits)) as Arc<dyn Limits>);
        let service = ImageService::new(ServiceParts {
            images: Arc::new(db.clone()),
            metadefs: Arc::new(db.clone()),
            jobs: Arc::new(db.clone()),
            stores: Registry::new(stores, StoreId::from("one")).unwrap(),
            limits,
            outbound: Some(Arc::clone(&self.outbound) as Arc<dyn Outbound>),
            settings: self.settings.clone(),
        });
        (service, db)
    }

    pub(crate) async fn start(&self) -> ImageService {
        let (service, _) = self.build().await;
        service.start().await.unwrap();
        service
    }

    /// What must hold whenever nothing is going on.
    pub(crate) async fn check(&self) {
        let db = self.database().await;
        let rows = db.journal(None, None).await.unwrap();
        assert!(rows.is_empty(), "the journal holds {rows:?}");
        let mut named = BTreeSet::new();
        for id in db.ids_in(ImageStatus::ALL).await.unwrap() {
            let image = ImageRepository::get(&db, &id).await.unwrap().unwrap();
            let with_data = matches!(image.status, ImageStatus::Active | ImageStatus::Deactivated);
            assert_eq!(with_data, !image.locations.is_empty(), "{} {:?}", image.status, image.locations);
            assert_eq!(with_data || image.status == ImageStatus::Uploading, image.size.is_some());
            assert!(!image.properties.contains_key("os_glance_import_task"), "{id} is held");
            assert_eq!(image.properties.get("os_glance_importing_to_stores").map_or("", String::as_str), "");
            assert_eq!(db.block_hashes(&id).await.unwrap().is_some(), with_data);
            named.extend(image.locations.iter().map(|location| location.url.clone()));
            let staged = self.settings.staging_dir.join(id.as_str()).exists();
            assert_eq!(staged, image.status == ImageStatus::Uploading, "staged file of {}", image.status);
            assert!(db.open_jobs(&id).await.unwrap().is_empty());
        }
        let stored: BTreeSet<_> = self.stores.iter().flat_map(MemoryStore::urls).collect();
        assert_eq!(stored, named, "objects in stores and locations in the database");
    }
}

pub(crate) fn caller(project: &str) -> Caller {
    Caller {
        project: Some(project.into()),
        user: Some("someone".into()),
        is_admin: false,
        roles: vec!["member".to_owned()],
        request_id: "req-1".to_owned(),
    }
}

pub(crate) fn admin() -> Caller {
    Caller { is_admin: true, ..caller("admin") }
}

pub(crate) fn raw() -> NewImage {
    NewImage {
        name: Some("image".to_owned()),
        disk_format: Some("raw".to_owned()),
        container_format: Some("bare".to_owned()),
        ..NewImage::default()
    }
}

pub(crate) fn body(content: &[u8]) -> Body {
    let pieces: Vec<_> =
        content.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece).into())).collect();
    Box::pin(stream::iter(pieces))
}

pub(crate) fn broken_body(content: &[u8]) -> Body {
    let pieces = vec![Ok(Bytes::copy_from_slice(content).into()), Err(BodyError::ClientGone)];
    Box::pin(stream::iter(pieces))
}

pub(crate) fn content() -> Vec<u8> {
    let mut content = scurry_testkit::pattern(7, 3_000_000);
    content[1_000_000..2_000_000].fill(0);
    content
}

pub(crate) fn to(store: &str) -> Upload {
    Upload { store: Some(store.into()), declared_len: None }
}

pub(crate) async fn active(service: &ImageService, caller: &Caller) -> Image {
    let image = service.create(caller, raw()).await.unwrap();
    service.upload(caller, &image.id, Upload::default(), body(&content())).await.unwrap();
    service.get(caller, &image.id).await.unwrap()
}

pub(crate) fn import(method: ImportMethod, stores: &[&str]) -> ImportRequest {
    ImportRequest {
        method,
        stores: stores.iter().map(|&store| store.into()).collect(),
        all_stores: false,
        all_stores_must_succeed: true,
    }
}

pub(crate) async fn ended(service: &ImageService, id: &JobId) -> Task {
    loop {
        let task = service.task(&admin(), id).await.unwrap();
        if matches!(task.status, TaskStatus::Success | TaskStatus::Failure) {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until no job is open.
pub(crate) async fn quiet(db: &Database, image: &ImageId) {
    while !db.open_jobs(image).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn text<T: std::fmt::Debug>(answer: Result<T, ImageError>) -> String {
    answer.unwrap_err().to_string()
}
