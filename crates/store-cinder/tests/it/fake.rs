// SPDX-License-Identifier: Apache-2.0
//! A small block-storage service with faults on demand: state in memory, volumes as sparse files.

mod attachments;
mod routes;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use scurry_openstack_client::{Credentials, DomainRef, Secret};
use scurry_store_cinder::{CinderStore, CinderStoreConfig};

pub(crate) const GIB: u64 = 1 << 30;
/// The project of the credentials that [`Fake::config`] gives.
pub(crate) const PROJECT: &str = "service-project";

/// What goes wrong; counts are of the next calls.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults {
    /// Looks until a volume leaves a passing state.
    pub(crate) slow: u32,
    pub(crate) create_to_error: u32,
    /// The volume is made, the answer is a 500.
    pub(crate) create_unanswered: u32,
    pub(crate) clone_refused: bool,
    pub(crate) clone_to_error: bool,
    /// The attachment is made, the answer is a 500.
    pub(crate) attach_500: u32,
    /// 400, as if somebody else held the volume.
    pub(crate) attach_400: u32,
    pub(crate) complete_500: u32,
    pub(crate) metadata_500: u32,
    pub(crate) shrink_400: bool,
    /// Largest size quota lets a volume grow to.
    pub(crate) quota: Option<u64>,
    pub(crate) delete_to_error: bool,
    /// Each request is answered by a proxy's 503 the first time it comes.
    pub(crate) away_once: bool,
    /// So is every request, always.
    pub(crate) away: bool,
    /// Hosts, pools and properties of types are not shown.
    pub(crate) not_admin: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Vol {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) status: String,
    pub(crate) volume_type: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) readonly: bool,
    pub(crate) host: String,
    pub(crate) project: String,
    pub(crate) snapshots: u32,
    /// Looks left, then the state; `gone` removes it.
    pub(crate) next: Option<(u32, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Att {
    pub(crate) id: String,
    pub(crate) volume: String,
    pub(crate) host: String,
    pub(crate) mode: String,
    pub(crate) instance: Option<String>,
    pub(crate) attached: bool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) dir: PathBuf,
    pub(crate) faults: Faults,
    pub(crate) shrinks: bool,
    pub(crate) volumes: BTreeMap<String, Vol>,
    pub(crate) attachments: BTreeMap<String, Att>,
    /// Type to backend.
    pub(crate) types: BTreeMap<String, String>,
    /// Requests that `away_once` has answered.
    pub(crate) refused: BTreeSet<String>,
    /// What was done, such as `extend 4`.
    pub(crate) log: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    url: String,
    _dir: Arc<tempfile::TempDir>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let types = [("gold", "array-1"), ("also-gold", "array-1"), ("silver", "array-2")];
        let state = State {
            dir: dir.path().to_owned(),
            shrinks: true,
            types: types.map(|(name, backend)| (name.to_owned(), backend.to_owned())).into(),
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = routes::router(Arc::clone(&state), url.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { state, url, _dir: Arc::new(dir) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    pub(crate) fn config(&self, id: &str, volume_type: &str) -> CinderStoreConfig {
        let domain = || DomainRef::Name("Default".to_owned());
        let credentials = Credentials::password(
            format!("{}/identity", self.url),
            "glance",
            domain(),
            Secret::new("secret"),
            Some(("service".to_owned(), domain())),
        );
        CinderStoreConfig {
            volume_type: Some(volume_type.to_owned()),
            http_retries: 0,
            attachment_retry_attempts: 3,
            attachment_retry_delay: Duration::from_millis(1),
            state_transition_timeout: Duration::from_secs(20),
            read_linger: Duration::ZERO,
            ..CinderStoreConfig::new(id.into(), credentials, crate::connector("node-1"))
        }
    }

    pub(crate) fn store_with(&self, config: CinderStoreConfig) -> CinderStore {
        let session = config.session().unwrap();
        CinderStore::new(config, session).unwrap()
    }

    pub(crate) fn store(&self, id: &str, volume_type: &str) -> CinderStore {
        self.store_with(self.config(id, volume_type))
    }

    /// The only volume there is.
    pub(crate) fn only_volume(&self) -> Vol {
        let state = self.state();
        assert_eq!(state.volumes.len(), 1, "{:?}", state.volumes);
        state.volumes.values().next().unwrap().clone()
    }

    pub(crate) fn volume(&self, url: &str) -> Vol {
        let id = url.rsplit('/').next().unwrap();
        self.state().volumes.get(id).unwrap().clone()
    }

    /// How often something was done.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.state().log.iter().filter(|line| line.starts_with(what)).count()
    }

    pub(crate) fn assert_empty(&self) {
        let state = self.state();
        assert!(state.volumes.is_empty(), "{:?}", state.volumes);
        assert!(state.attachments.is_empty(), "{:?}", state.attachments);
    }

    /// Attaches a volume half way: nobody said that the host has connected.
    pub(crate) fn attach_half(&self, volume: &str, host: &str) -> String {
        let id = self.attach(volume, host, None);
        let mut state = self.state();
        state.attachments.get_mut(&id).unwrap().attached = false;
        state.volumes.get_mut(volume).unwrap().status = "attaching".to_owned();
        id
    }

    /// Attaches a volume for somebody else.
    pub(crate) fn attach(&self, volume: &str, host: &str, instance: Option<&str>) -> String {
        let mut state = self.state();
        let id = uuid::Uuid::new_v4().to_string();
        let att = Att {
            id: id.clone(),
            volume: volume.to_owned(),
            host: host.to_owned(),
            mode: "ro".to_owned(),
            instance: instance.map(str::to_owned),
            attached: true,
        };
        state.attachments.insert(id.clone(), att);
        state.volumes.get_mut(volume).unwrap().status = "in-use".to_owned();
        id
    }
}

impl State {
    pub(crate) fn file(&self, volume: &str) -> PathBuf {
        self.dir.join(volume)
    }

    pub(crate) fn set_len(&self, volume: &str, gib: u64) {
        set_len(&self.file(volume), gib * GIB);
    }
}

fn set_len(path: &Path, len: u64) {
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
    file.set_len(len).unwrap();
}
