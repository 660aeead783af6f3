// SPDX-License-Identifier: Apache-2.0
//! Backends: one pool of volume files each.

use std::path::PathBuf;
use std::sync::Arc;

use scurry_types::VolumeId;
use scurry_volume_file::{Pool, VolumeError};

use crate::config::BackendConf;

/// A backend of `enabled_backends` with its open pool.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    /// The section's name in cinder.conf.
    pub(crate) section: String,
    /// `volume_backend_name`, which is also the pool's name.
    pub(crate) name: String,
    /// `host@backend#pool`.
    pub(crate) host: String,
    /// `host@backend`, as the service list shows it.
    pub(crate) service_host: String,
    /// Section or name of the backend that holds second copies.
    pub(crate) replica: Option<String>,
    /// GiB the operator allows this pool; the file system's size without it.
    pub(crate) capacity_gb: Option<u64>,
    /// Volumes uploaded as images are cloned instead of copied.
    pub(crate) upload_by_clone: bool,
    pool: Pool,
}

/// A pool's operation that did not work out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    /// The file system or the pool refused.
    #[error("the volume files of backend {backend} refuse")]
    Volume {
        /// The backend.
        backend: String,
        /// Why.
        #[source]
        source: VolumeError,
    },
    /// The blocking thread died.
    #[error("a thread working on volume files of backend {0} ended early")]
    Thread(String),
}

impl PoolError {
    /// There is no such volume file.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Volume { source: VolumeError::NotFound(_), .. })
    }
}

impl Backend {
    /// Opens (and makes, when missing) the backend's pool. Blocks.
    pub(crate) fn open(conf: &BackendConf, host: &str, dir: PathBuf) -> Result<Self, VolumeError> {
        Ok(Self {
            section: conf.section.clone(),
            name: conf.volume_backend_name.clone(),
            host: format!("{host}@{}#{}", conf.section, conf.volume_backend_name),
            service_host: format!("{host}@{}", conf.section),
            replica: conf.replica_backend.clone(),
            capacity_gb: conf.pool_capacity_gb,
            upload_by_clone: conf.image_upload_use_cinder_backend,
            pool: Pool::open(&dir)?,
        })
    }

    /// The pool, for what does not block.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Runs a blocking operation on the pool, off the runtime's workers.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Pool) -> Result<T, VolumeError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let pool = self.pool.clone();
        match tokio::task::spawn_blocking(move || work(&pool)).await {
            Ok(result) => {
                result.map_err(|source| PoolError::Volume { backend: self.section.clone(), source })
            }
            Err(_) => Err(PoolError::Thread(self.section.clone())),
        }
    }

    /// Removes a volume's files; one that is not there is fine.
    pub(crate) async fn remove(&self, id: &VolumeId) -> Result<(), PoolError> {
        let id = id.clone();
        match self.run(move |pool| pool.remove(&id)).await {
            Err(error) if error.is_not_found() => Ok(()),
            done => done,
        }
    }
}

/// All backends, in the order of `enabled_backends`.
#[derive(Debug, Clone)]
pub(crate) struct Backends(Arc<Vec<Backend>>);

impl Backends {
    pub(crate) fn new(backends: Vec<Backend>) -> Self {
        Self(Arc::new(backends))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.0.iter()
    }

    /// The backend at `host@backend#pool`.
    pub(crate) fn at(&self, host: &str) -> Option<&Backend> {
        self.0.iter().find(|b| b.host == host)
    }

    /// The backend that holds second copies of this one's replicated volumes.
    pub(crate) fn replica_of(&self, backend: &Backend) -> Option<&Backend> {
        let wanted = backend.replica.as_deref()?;
        self.0
            .iter()
            .find(|b| b.section == wanted)
            .or_else(|| self.0.iter().find(|b| b.name == wanted))
            .filter(|b| b.section != backend.section)
    }
}

/// The name of a snapshot among the volume files of its pool.
pub(crate) fn snapshot_file(id: &str) -> VolumeId {
    VolumeId::new(format!("snapshot-{id}"))
}
