// SPDX-License-Identifier: Apache-2.0
//! Cinder as a store sees it: calls with words for their failures, and waiting for volumes to change state.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use scurry_openstack_client::block::{BlockClient, Volume};
use scurry_openstack_client::{ClientError, ErrorKind, WaitError, wait_for};
use scurry_store::StoreErrorKind;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::failure::Failure;

/// The image a volume was made for; Glance and Cinder write and read it too.
pub(crate) const IMAGE_ID: &str = "glance_image_id";
/// Length of the image in bytes, likewise.
pub(crate) const IMAGE_SIZE: &str = "image_size";
/// Project of the image's owner; Cinder clones only when it is right.
pub(crate) const IMAGE_OWNER: &str = "image_owner";
/// The store, so that two stores of one volume type do not take each other's volumes for theirs.
pub(crate) const STORE: &str = "scurry_store";
/// There until the volume is complete: `<unique>@<connector host>`.
pub(crate) const WRITING: &str = "scurry_writing";

/// The extension that lets a volume be made smaller.
const SHRINK_ALIAS: &str = "scurry-shrink";

/// Pauses between two attempts to reach a service that is away.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// States a volume leaves by itself.
const PASSING: [&str; 13] = [
    "attaching",
    "awaiting-transfer",
    "backing-up",
    "creating",
    "deleting",
    "detaching",
    "downloading",
    "extending",
    "maintenance",
    "reserved",
    "restoring-backup",
    "retyping",
    "uploading",
];

/// The service, with the longest time one change of state may take.
#[derive(Debug)]
pub(crate) struct Cinder {
    pub(crate) client: BlockClient,
    pub(crate) timeout: Duration,
    shrinks: OnceCell<bool>,
}

/// What a state means for somebody who waits.
enum Seen {
    Gone,
    At(Box<Volume>),
}

impl Cinder {
    pub(crate) fn new(client: BlockClient, timeout: Duration) -> Self {
        Self { client, timeout, shrinks: OnceCell::new() }
    }

    /// Waits until the volume is `available`.
    pub(crate) async fn wait_available(&self, id: &str, after: &str) -> Result<Volume, Failure> {
        let seen =
            self.wait(id, after, |volume| volume.status == "available" || failed(&volume.status)).await?;
        match seen {
            Seen::At(volume) if volume.status == "available" => Ok(*volume),
            Seen::At(volume) => Err(Failure::new(
                StoreErrorKind::Other,
                format!("volume {id} went to {} after {after}; see the log of cinder-volume", volume.status),
            )),
            Seen::Gone => {
                Err(Failure::new(StoreErrorKind::NotFound, format!("volume {id} vanished after {after}")))
            }
        }
    }

    /// Waits until the volume is gone.
    pub(crate) async fn wait_gone(&self, id: &str) -> Result<(), Failure> {
        match self.wait(id, "delete", |volume| volume.status != "deleting").await? {
            Seen::Gone => Ok(()),
            Seen::At(volume) if volume.status.starts_with("error") => Err(Failure::new(
                StoreErrorKind::Other,
                format!("volume {id} went to {} when deleted; see the log of cinder-volume", volume.status),
            )),
            // Backends that find a dependent only when they delete put the volume back.
            Seen::At(volume) => Err(Failure::new(
                StoreErrorKind::InUse,
                format!("volume {id} is {} again after delete: the backend says it is needed", volume.status),
            )),
        }
    }

    async fn wait(&self, id: &str, after: &str, done: impl Fn(&Volume) -> bool) -> Result<Seen, Failure> {
        let (done, away) = (&done, &Mutex::new(None));
        let last = || away.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wait_for(self.timeout, || async move {
            let looked = self.client.volume(id).await;
            *last() = None;
            match looked {
                Ok(volume) if done(&volume) => Ok(Some(Seen::At(Box::new(volume)))),
                Ok(_) => Ok(None),
                Err(error) if error.is_not_found() => Ok(Some(Seen::Gone)),
                Err(error) if is_away(&error) => {
                    log_waiting(id, &error);
                    *last() = Some(error);
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        });
        let waited = waited.await;
        waited.map_err(|error| match (error, last().take()) {
            (WaitError::Failed(error), _) | (WaitError::TimedOut(_), Some(error)) => {
                Failure::call(format_args!("cannot see the state of volume {id} after {after}"), error)
            }
            (WaitError::TimedOut(limit), None) => Failure::new(
                StoreErrorKind::Unavailable,
                format!(
                    "volume {id} did not change its state after {after} within {} s \
                     (cinder_state_transition_timeout)",
                    limit.as_secs_f32()
                ),
            ),
        })
    }

    /// Whether volumes can be made smaller in place; real Cinder cannot.
    pub(crate) async fn can_shrink(&self) -> bool {
        let asked = self.shrinks.get_or_try_init(|| async {
            let extensions = self.client.extensions().await?;
            Ok::<_, ClientError>(extensions.iter().any(|extension| extension.alias == SHRINK_ALIAS))
        });
        match asked.await {
            Ok(can) => *can,
            Err(error) => {
                tracing::debug!(%error, "cannot see the extensions of the block-storage service");
                false
            }
        }
    }

    /// Makes a call that may be repeated, and repeats it while nobody answers for the service, as in a restart: a whole
    /// image must not be lost to that. Gives up after the longest time a change of state may take.
    pub(crate) async fn outlast<T, Fut>(
        &self,
        id: &str,
        mut call: impl FnMut() -> Fut,
    ) -> Result<T, ClientError>
    where
        Fut: Future<Output = Result<T, ClientError>>,
    {
        let deadline = Instant::now() + self.timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Err(error) if is_away(&error) && Instant::now() + pause < deadline => {
                    log_waiting(id, &error);
                }
                answer => return answer,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Marks a volume whose data is complete: from here on it is an image.
    pub(crate) async fn finalize(&self, id: &str, len: u64) -> Result<(), Failure> {
        let size = &BTreeMap::from([(IMAGE_SIZE.to_owned(), len.to_string())]);
        let client = &self.client;
        let marked = async {
            self.outlast(id, || client.set_metadata(id, size)).await?;
            self.outlast(id, || client.update_readonly(id, true)).await?;
            match self.outlast(id, || client.delete_metadata(id, WRITING)).await {
                Err(error) if !error.is_not_found() => Err(error),
                _ => Ok(()),
            }
        };
        marked
            .await
            .map_err(|error| Failure::call(format_args!("cannot mark volume {id} as complete"), error))
    }
}

fn log_waiting(id: &str, error: &ClientError) {
    tracing::warn!(volume.id = id, %error, "a volume waits for the block-storage service");
}

/// Whether Cinder gave up on the volume.
pub(crate) fn failed(status: &str) -> bool {
    status.starts_with("error")
}

/// Whether nobody answered, or a proxy in the service's place.
fn is_away(error: &ClientError) -> bool {
    error.kind() == ErrorKind::Unavailable && error.status().is_none_or(|status| status != 500)
}

/// Whether the state passes by itself.
pub(crate) fn passing(status: &str) -> bool {
    PASSING.contains(&status)
}

/// Whether a refusal says only that the volume is held by somebody else at the moment.
pub(crate) fn is_reserved_elsewhere(error: &ClientError) -> bool {
    let message = error.message();
    matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::Conflict)
        && (message.contains("to reserve") || message.contains("status must be"))
}

/// Who holds a volume, for messages.
pub(crate) fn holder(host: Option<&str>, server: Option<&str>) -> String {
    let named = |what: &str, who: &dyn Display| format!("{what} {who}");
    match (server, host) {
        (Some(server), _) => named("server", &server),
        (None, Some(host)) => named("host", &host),
        (None, None) => "an unknown host".to_owned(),
    }
}
