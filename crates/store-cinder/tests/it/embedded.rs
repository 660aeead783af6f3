// SPDX-License-Identifier: Apache-2.0
//! The same store against the embedded Identity and Block Storage services, in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use scurry_auth::AuthSettings;
use scurry_block_storage::{BackendConf, BlockStorage, BlockStorageConfig, CinderConf};
use scurry_identity::{Bootstrap, BootstrapEndpoint, BootstrapUser, Identity, IdentityConfig};
use scurry_openstack_client::block::BlockClient;
use scurry_openstack_client::{AuthMethod, Credentials, DomainRef, Secret, SessionOptions};
use scurry_store::{CloneOutcome, CloneSource, Store, StoreErrorKind};
use scurry_store_cinder::{CinderStore, CinderStoreConfig};
use scurry_testkit::check_store;
use scurry_types::ImageId;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{connector, content, spec, write};

const GIB: u64 = 1 << 30;
const PASSWORD: &str = "glance-password";

/// Two backends, two types on the first and one on the second.
pub(crate) struct Cloud {
    identity: SocketAddr,
    _dir: tempfile::TempDir,
    cancel: CancellationToken,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn user(name: &str, roles: &[&str]) -> BootstrapUser {
    BootstrapUser {
        name: name.to_owned(),
        password: PASSWORD.to_owned(),
        project: "service".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        system_roles: Vec::new(),
    }
}

fn account(identity: SocketAddr, name: &str) -> Credentials {
    let domain = || DomainRef::Name("Default".to_owned());
    let project = ("service".to_owned(), domain());
    Credentials::password(format!("http://{identity}"), name, domain(), Secret::new(PASSWORD), Some(project))
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ((identity_listener, identity), (block_listener, block)) = (bind().await, bind().await);
        let service =
            Identity::open(IdentityConfig::new(dir.path().join("identity.db"), format!("http://{identity}")))
                .await
                .unwrap();
        let endpoint = BootstrapEndpoint {
            service_type: "volumev3".to_owned(),
            service_name: "cinder".to_owned(),
            url: format!("http://{block}/v3/$(project_id)s"),
        };
        let bootstrap = Bootstrap {
            admin_password: "admin".to_owned(),
            region: "RegionOne".to_owned(),
            users: vec![
                user("glance", &["member", "service"]),
                user("root", &["admin"]),
                user("cinder", &["service"]),
            ],
            endpoints: vec![endpoint],
            registered_limits: Vec::new(),
        };
        let made = service.bootstrap(&bootstrap).await.unwrap();
        serve(identity_listener, service.router());

        let storage = BlockStorage::open(BlockStorageConfig {
            database_path: dir.path().join("block.db"),
            data_dir: dir.path().to_owned(),
            cinder: CinderConf {
                backends: ["array-1", "array-2"].map(BackendConf::named).into(),
                ..CinderConf::default()
            },
            public_url: format!("http://{block}"),
            host: "scurry".to_owned(),
            identity: AuthSettings::new(account(identity, "cinder"), SessionOptions::default()),
            internal_project_id: made.project_ids["service"].clone(),
            internal_user_id: made.user_ids["cinder"].clone(),
            image_endpoint: "http://127.0.0.1:1".to_owned(),
            service_user: account(identity, "cinder"),
        })
        .await
        .unwrap();
        for (name, backend) in [("gold", "array-1"), ("also-gold", "array-1"), ("silver", "array-2")] {
            let specs = BTreeMap::from([("volume_backend_name".to_owned(), backend.to_owned())]);
            storage.ensure_volume_type(name, None, true, &specs).await.unwrap();
        }
        serve(block_listener, storage.router());
        let cancel = CancellationToken::new();
        drop(storage.start(cancel.clone()));
        Self { identity, _dir: dir, cancel }
    }

    fn config(&self, id: &str, volume_type: &str, user_name: &str) -> CinderStoreConfig {
        let credentials = account(self.identity, user_name);
        CinderStoreConfig {
            volume_type: Some(volume_type.to_owned()),
            attachment_retry_attempts: 2,
            attachment_retry_delay: Duration::from_millis(10),
            read_linger: Duration::ZERO,
            ..CinderStoreConfig::new(id.into(), credentials, connector("node-1"))
        }
    }

    pub(crate) fn store(&self, id: &str, volume_type: &str, user_name: &str) -> CinderStore {
        let config = self.config(id, volume_type, user_name);
        let session = config.session().unwrap();
        CinderStore::new(config, session).unwrap()
    }

    fn client(&self) -> BlockClient {
        let session = self.config("x", "gold", "root").session().unwrap();
        BlockClient::new(session, "volumev3::publicURL", None, None).unwrap()
    }

    pub(crate) async fn assert_empty(&self) {
        let client = self.client();
        assert_eq!(client.volumes(&[]).await.unwrap(), []);
        assert_eq!(client.attachments(None).await.unwrap(), []);
    }
}

fn serve(listener: TcpListener, router: axum::Router) {
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

#[tokio::test]
async fn conformance_as_the_image_services_user() {
    let cloud = Cloud::start().await;
    let store = cloud.store("gold-store", "gold", "glance");
    store.check_volume_type().await.unwrap();
    check_store(&store).await;
    cloud.assert_empty().await;
}

#[tokio::test]
async fn a_growing_volume_is_trimmed_in_place() {
    let cloud = Cloud::start().await;
    let (store, image) = (cloud.store("gold-store", "gold", "glance"), ImageId::random());
    let writer = store.begin_write(&spec(&image, None)).await.unwrap();
    let url = writer.url().to_owned();
    for gib in 0..=4 {
        writer.write_at(gib * GIB, Bytes::from_static(b"here")).await.unwrap();
    }
    let object = writer.commit(4 * GIB + 4).await.unwrap();
    assert_eq!(object.url, url);
    let volumes = cloud.client().volumes(&[]).await.unwrap();
    assert_eq!((volumes.len(), volumes[0].size, volumes[0].status.as_str()), (1, 5, "available"));
    assert_eq!(volumes[0].metadata.get("readonly").map(String::as_str), Some("True"));
    let reader = store.open_read(&object.url).await.unwrap();
    assert_eq!(reader.len(), 4 * GIB + 4);
    for gib in 0..=4 {
        assert_eq!(reader.read_at(gib * GIB, 4).await.unwrap(), "here");
    }
    let held = reader.extents(0..reader.len()).await.unwrap();
    assert!(held.data_len() < GIB, "{held:?}");
    reader.close().await.unwrap();
    store.delete(&object.url).await.unwrap();
    cloud.assert_empty().await;
}

#[tokio::test]
async fn stores_on_one_backend_clone_and_others_do_not() {
    let cloud = Cloud::start().await;
    let (gold, image) = (cloud.store("one", "gold", "root"), ImageId::random());
    let object = write(&gold, &image, b"original").await.unwrap();
    let source = CloneSource {
        store: "one".into(),
        kind: "cinder".to_owned(),
        url: object.url.clone(),
        len: object.len,
    };
    let also_gold = cloud.store("two", "also-gold", "root");
    assert!(gold.backend().await.is_some());
    assert_eq!(also_gold.backend().await, gold.backend().await);
    let CloneOutcome::Cloned(clone) = also_gold.clone_from(&source, &spec(&image, Some(8))).await.unwrap()
    else {
        panic!("a clone is expected")
    };
    gold.delete(&object.url).await.unwrap();
    assert_eq!(content(&also_gold, &clone.url).await.unwrap(), "original");
    let source = CloneSource { store: "two".into(), url: clone.url.clone(), ..source };
    let silver = cloud.store("three", "silver", "root");
    assert_ne!(silver.backend().await, gold.backend().await);
    let CloneOutcome::Refused(reason) = silver.clone_from(&source, &spec(&image, Some(8))).await.unwrap()
    else {
        panic!("a refusal is expected")
    };
    assert!(reason.contains("array-2"), "{reason}");
    assert_eq!(silver.find(&image).await.unwrap(), Vec::<String>::new());
    also_gold.delete(&clone.url).await.unwrap();
    cloud.assert_empty().await;
}

#[tokio::test]
async fn what_an_earlier_life_left_is_recovered() {
    let cloud = Cloud::start().await;
    let (image, half) = (ImageId::random(), ImageId::random());
    let earlier = cloud.store("one", "gold", "glance");
    let object = write(&earlier, &image, b"original").await.unwrap();
    std::mem::forget(earlier.open_read(&object.url).await.unwrap());
    std::mem::forget(earlier.begin_write(&spec(&half, None)).await.unwrap());

    let mut config = cloud.config("one", "gold", "glance");
    config.connector = connector("node-2");
    let another = CinderStore::new(config.clone(), config.session().unwrap()).unwrap();
    another.recover().await.unwrap();
    let held = another.open_read(&object.url).await.unwrap_err();
    assert_eq!(held.kind, StoreErrorKind::Unavailable, "{held}");
    let later = cloud.store("one", "gold", "glance");
    later.recover().await.unwrap();
    assert_eq!(content(&later, &object.url).await.unwrap(), "original");
    for image in [image, half] {
        for url in later.find(&image).await.unwrap() {
            later.delete(&url).await.unwrap();
        }
    }
    cloud.assert_empty().await;
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such() {
    let cloud = Cloud::start().await;
    let mut config = cloud.config("one", "gold", "glance");
    if let AuthMethod::Password { password, .. } = &mut config.credentials.method {
        *password = Secret::new("wrong");
    }
    let session = config.session().unwrap();
    let store = CinderStore::new(config, session).unwrap();
    let error = store.begin_write(&spec(&ImageId::random(), Some(1))).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
}
