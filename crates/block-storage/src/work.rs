// SPDX-License-Identifier: Apache-2.0
//! Work that goes on after a request was answered: each kind finds in the database what there is to do, so that
//! a restart can do it again.

use std::future::Future;
use std::sync::Arc;

use scurry_openstack_client::{ClientError, Secret};
use scurry_volume_file::VolumeError;
use sea_orm::DbErr;

use crate::backend::PoolError;
use crate::scheduler::ScheduleError;
use crate::service::Service;

pub(crate) mod clone;
pub(crate) mod convert;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod digest;
pub(crate) mod image;
pub(crate) mod resize;
pub(crate) mod resume;
pub(crate) mod snapshot;
pub(crate) mod stream;
pub(crate) mod upload;

/// Why work did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The database refused.
    #[error("the database of block storage refuses")]
    Database(#[from] DbErr),
    /// A pool refused.
    #[error("a pool refuses")]
    Pool(#[from] PoolError),
    /// A volume file refused.
    #[error("a volume file refuses")]
    Volume(#[from] VolumeError),
    /// No backend was chosen.
    #[error("scheduling failed")]
    Schedule(#[from] ScheduleError),
    /// The image service refused.
    #[error("the image service refuses")]
    Image(#[from] ClientError),
    /// The image's data cannot be used.
    #[error("image {image} cannot be used: {reason}")]
    Unusable {
        /// The image.
        image: String,
        /// Why.
        reason: String,
    },
    /// A temporary file refused.
    #[error("cannot {op} temporary file {}", .path.display())]
    Temporary {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: std::path::PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// What the work needs is gone or not configured any more.
    #[error("{0}")]
    Gone(String),
    /// A blocking thread died.
    #[error("a thread ended early")]
    Thread,
}

impl Service {
    /// Starts work that outlives the request. It is not waited for by anybody but shutdown.
    pub(crate) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            // Cancelled work leaves its row as it is: the next start does it again.
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Makes the volume of a row in state `creating`.
    pub(crate) fn start_create(self: &Arc<Self>, id: &str, token: Option<Secret>) {
        let (service, id) = (Arc::clone(self), id.to_owned());
        self.spawn(async move { Box::pin(create::run(&service, &id, token)).await });
    }

    /// Removes the volume of a row in state `deleting`.
    pub(crate) fn start_delete(self: &Arc<Self>, id: &str) {
        let (service, id) = (Arc::clone(self), id.to_owned());
        self.spawn(async move { delete::volume(&service, &id).await });
    }

    /// Brings a volume in state `extending` to its target size.
    pub(crate) fn start_resize(self: &Arc<Self>, id: &str) {
        let (service, id) = (Arc::clone(self), id.to_owned());
        self.spawn(async move {
            // Failures are logged and recorded where they happen.
            let _ = resize::run(&service, &id).await;
        });
    }

    /// Makes the snapshot of a row in state `creating`.
    pub(crate) fn start_snapshot(self: &Arc<Self>, id: &str) {
        let (service, id) = (Arc::clone(self), id.to_owned());
        self.spawn(async move { snapshot::create(&service, &id).await });
    }

    /// Removes the snapshot of a row in state `deleting`.
    pub(crate) fn start_snapshot_delete(self: &Arc<Self>, id: &str) {
        let (service, id) = (Arc::clone(self), id.to_owned());
        self.spawn(async move { delete::snapshot(&service, &id).await });
    }
}
