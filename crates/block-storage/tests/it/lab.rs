// SPDX-License-Identifier: Apache-2.0
//! One service in a directory of its own, and what tests do with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use scurry_auth::AuthSettings;
use scurry_block_storage::{BackendConf, BlockStorage, BlockStorageConfig, CinderConf};
use scurry_openstack_client::{Credentials, DomainRef, Secret, SessionOptions};
use scurry_volume_file::{Access, LayerFormat, VolumeDescriptor, VolumeFile};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::cloud::{self, Cloud};

pub const GIB: u64 = 1 << 30;

/// The service, running.
pub struct Lab {
    pub cloud: Arc<Cloud>,
    url: String,
    dir: TempDir,
    conf: CinderConf,
    running: Option<(Router, CancellationToken, JoinHandle<()>)>,
}

/// Backends puredriver-1 to 3, the third with its second copies on the second.
pub fn conf() -> CinderConf {
    let mut backends: Vec<BackendConf> =
        ["puredriver-1", "puredriver-2", "puredriver-3"].map(BackendConf::named).into();
    backends[2].replica_backend = Some("puredriver-2".to_owned());
    for backend in &mut backends {
        backend.image_upload_use_cinder_backend = true;
    }
    CinderConf { backends, allowed_direct_url_schemes: vec!["cinder".to_owned()], ..CinderConf::default() }
}

impl Lab {
    pub async fn new() -> Self {
        Self::with(conf()).await
    }

    pub async fn with(conf: CinderConf) -> Self {
        let cloud = Arc::new(Cloud::default());
        let url = cloud::serve(Arc::clone(&cloud)).await;
        let mut lab = Self { cloud, url, dir: TempDir::new().unwrap(), conf, running: None };
        lab.start().await;
        lab
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The pool directory of a backend.
    pub fn pool(&self, backend: &str) -> PathBuf {
        self.dir.path().join("pools").join(backend)
    }

    pub async fn open(&self) -> BlockStorage {
        let credentials = Credentials::password(
            self.url.as_str(),
            "scurry",
            DomainRef::Id("default".to_owned()),
            Secret::new("secret"),
            Some(("service".to_owned(), DomainRef::Id("default".to_owned()))),
        );
        let storage = BlockStorage::open(BlockStorageConfig {
            database_path: self.dir.path().join("block.sqlite"),
            data_dir: self.dir.path().join("pools"),
            cinder: self.conf.clone(),
            public_url: "http://block.test:8776".to_owned(),
            host: "scurry".to_owned(),
            identity: AuthSettings::new(credentials.clone(), SessionOptions::default()),
            internal_project_id: "service".to_owned(),
            internal_user_id: "scurry".to_owned(),
            image_endpoint: self.url.clone(),
            service_user: credentials,
        })
        .await
        .unwrap();
        for (name, backend) in
            [("pure", "puredriver-1"), ("pure2", "puredriver-2"), ("pure3", "puredriver-3")]
        {
            let specs = BTreeMap::from([("volume_backend_name".to_owned(), backend.to_owned())]);
            storage.ensure_volume_type(name, None, true, &specs).await.unwrap();
        }
        let specs = BTreeMap::from([
            ("replication_enabled".to_owned(), "<is> True".to_owned()),
            ("replication_type".to_owned(), "<in> sync".to_owned()),
            ("volume_backend_name".to_owned(), "puredriver-3".to_owned()),
        ]);
        storage.ensure_volume_type("replicated", None, true, &specs).await.unwrap();
        storage
    }

    pub async fn start(&mut self) {
        let storage = self.open().await;
        let cancel = CancellationToken::new();
        let work = storage.start(cancel.clone());
        self.running = Some((storage.router(), cancel, work));
    }

    /// Stops the work but goes on answering requests: what is asked for stays undone, as after a kill.
    pub async fn freeze(&mut self) {
        let (_, cancel, work) = self.running.as_mut().unwrap();
        cancel.cancel();
        work.await.unwrap();
    }

    pub async fn restart(&mut self) {
        if let Some((router, cancel, work)) = self.running.take() {
            cancel.cancel();
            let _ = work.await;
            drop(router);
        }
        self.start().await;
    }

    /// Starts without a stop before: after [`Self::freeze`].
    pub async fn thaw(&mut self) {
        self.running = None;
        self.start().await;
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        minor: u16,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-auth-token", token)
            .header("openstack-api-version", format!("volume 3.{minor}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let router = self.running.as_ref().unwrap().0.clone();
        let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call(Method::GET, path, &alice(), 71, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, &alice(), 71, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        self.call(Method::DELETE, path, &alice(), 71, None).await
    }

    pub async fn act(&self, volume: &str, body: Value) -> (StatusCode, Value) {
        self.post(&format!("/v3/volumes/{volume}/action"), body).await
    }

    /// Asks for a volume and answers its id.
    pub async fn ask(&self, volume: Value) -> String {
        let (status, body) = self.post("/v3/volumes", json!({ "volume": volume })).await;
        assert_eq!(status, 202, "{body}");
        body["volume"]["id"].as_str().unwrap().to_owned()
    }

    /// Makes a volume and waits until it is there.
    pub async fn make(&self, volume: Value) -> String {
        let id = self.ask(volume).await;
        self.wait("volumes", &id, "available").await;
        id
    }

    pub async fn show(&self, volume: &str) -> Value {
        let (status, body) =
            self.call(Method::GET, &format!("/v3/volumes/{volume}"), &admin(), 71, None).await;
        assert_eq!(status, 200, "{body}");
        body["volume"].clone()
    }

    /// Waits until a resource has a status.
    pub async fn wait(&self, kind: &str, id: &str, wanted: &str) {
        let single = kind.strip_suffix('s').unwrap();
        let mut last = Value::Null;
        for _ in 0..1200 {
            let (_, body) = self.call(Method::GET, &format!("/v3/{kind}/{id}"), &admin(), 71, None).await;
            if body[single]["status"] == wanted {
                return;
            }
            last = body;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{kind} {id} is not {wanted}: {last}");
    }

    /// Waits until a resource is gone.
    pub async fn wait_gone(&self, kind: &str, id: &str) {
        for _ in 0..1200 {
            let (status, _) = self.call(Method::GET, &format!("/v3/{kind}/{id}"), &admin(), 71, None).await;
            if status == 404 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{kind} {id} is still there");
    }

    /// Attaches; answers the attachment.
    pub async fn attach(&self, volume: &str, mode: &str) -> Value {
        let body = json!({ "attachment": {
            "volume_uuid": volume, "mode": mode, "connector": { "host": "node", "mountpoint": "imgsvc" } } });
        let (status, body) = self.post("/v3/attachments", body).await;
        assert_eq!(status, 200, "{body}");
        body["attachment"].clone()
    }

    pub async fn detach(&self, attachment: &Value) {
        let id = attachment["id"].as_str().unwrap();
        let (status, body) = self.delete(&format!("/v3/attachments/{id}")).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Writes to a volume as a connector does.
    pub async fn write(&self, volume: &str, offset: u64, bytes: &[u8]) {
        let attachment = self.attach(volume, "rw").await;
        let file = open(&attachment, Access::ReadWrite);
        file.write_at(bytes, offset).unwrap();
        file.close().unwrap();
        self.detach(&attachment).await;
    }

    /// Reads from a volume as a connector does.
    pub async fn read(&self, volume: &str, offset: u64, len: usize) -> Vec<u8> {
        let attachment = self.attach(volume, "ro").await;
        let mut bytes = vec![0; len];
        open(&attachment, Access::ReadOnly).read_at(&mut bytes, offset).unwrap();
        self.detach(&attachment).await;
        bytes
    }

    /// The names in a backend's pool directory.
    pub fn files(&self, backend: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.pool(backend)).unwrap();
        entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("volume-") || name.starts_with("layer-"))
            .collect()
    }
}

/// Opens the volume files a connection leads to.
pub fn open(attachment: &Value, access: Access) -> VolumeFile {
    let info = &attachment["connection_info"];
    let descriptor = match info["driver_volume_type"].as_str().unwrap() {
        "local" => {
            let path = PathBuf::from(info["device_path"].as_str().unwrap());
            let len = path.metadata().unwrap().len();
            VolumeDescriptor { path, format: LayerFormat::Flat, len, replica: None }
        }
        "scurry" => serde_json::from_value(info["volume"].clone()).unwrap(),
        other => panic!("{other}"),
    };
    VolumeFile::open(&descriptor, access).unwrap()
}

pub fn alice() -> String {
    cloud::token("alice", "a1", "member+reader")
}

pub fn bob() -> String {
    cloud::token("bob", "b1", "member+reader")
}

pub fn admin() -> String {
    cloud::token("root", "adm", "admin+member+reader")
}

pub fn service() -> String {
    cloud::token("glance", "service", "service+admin")
}
