// SPDX-License-Identifier: Apache-2.0
//! What handlers and background work share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use scurry_openstack_client::Secret;
use scurry_openstack_client::image::ImageClient;
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backends;
use crate::config::CinderConf;
use crate::db::Db;

/// Short operations (clone, resize, delete) at a time.
const QUICK: usize = 16;
/// Copies of whole volumes at a time.
const BULK: usize = 4;

/// The running service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) db: Db,
    pub(crate) conf: CinderConf,
    pub(crate) backends: Backends,
    pub(crate) public_url: String,
    pub(crate) host: String,
    pub(crate) internal_project: String,
    pub(crate) internal_user: String,
    /// Where images are downloaded to that must be converted.
    pub(crate) conversion_dir: PathBuf,
    /// The image service, as the service's own user.
    pub(crate) images: ImageClient,
    pub(crate) quick: Semaphore,
    pub(crate) bulk: Semaphore,
    pub(crate) tasks: TaskTracker,
    pub(crate) cancel: CancellationToken,
    locks: Locks,
}

impl Service {
    #[allow(clippy::too_many_arguments, reason = "one caller, which has them as locals")]
    pub(crate) fn new(
        db: Db,
        conf: CinderConf,
        backends: Backends,
        public_url: String,
        host: String,
        internal_project: String,
        internal_user: String,
        conversion_dir: PathBuf,
        images: ImageClient,
    ) -> Self {
        Self {
            db,
            conf,
            backends,
            public_url,
            host,
            internal_project,
            internal_user,
            conversion_dir,
            images,
            quick: Semaphore::new(QUICK),
            bulk: Semaphore::new(BULK),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
            locks: Locks::default(),
        }
    }

    /// The image service as a user sees it; as the service's own user without a token.
    pub(crate) fn images_as(&self, token: Option<&Secret>) -> ImageClient {
        match token {
            Some(token) => self.images.clone().with_user_token(token.clone()),
            None => self.images.clone(),
        }
    }

    /// Waits until nobody else works on the files of this volume.
    pub(crate) async fn lock(&self, volume: &str) -> OwnedMutexGuard<()> {
        self.locks.of(volume).lock_owned().await
    }
}

/// One lock per volume that is being worked on.
#[derive(Debug, Default)]
struct Locks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Locks {
    fn of(&self, volume: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(volume).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(volume.to_owned(), Arc::downgrade(&lock));
        lock
    }
}
