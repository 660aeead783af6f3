// SPDX-License-Identifier: Apache-2.0
//! The volumes this process holds: attach, open, and let go whatever happens to the holder.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scurry_connect::{Access, BlockVolume, Connector};
use scurry_openstack_client::block::Attachment;
use scurry_openstack_client::{ClientError, ErrorKind};
use scurry_store::StoreErrorKind;
use tokio::sync::watch;
use tracing::Instrument;

use crate::cinder::{Cinder, is_reserved_elsewhere};
use crate::config::CinderStoreConfig;
use crate::failure::Failure;

/// How hard a release tries while the service is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// The caller gets its error soon; the background goes on.
    Soon,
    /// The caller waits.
    AtLast,
}

/// Longest pause between two attempts to attach a volume that somebody else holds.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Held,
    Releasing,
}

/// All attachments of one store in this process.
#[derive(Debug)]
pub(crate) struct Attachments {
    pub(crate) cinder: Arc<Cinder>,
    connector: Connector,
    attempts: u32,
    delay: Duration,
    /// How long nodes keep what they have read.
    pub(crate) linger: Duration,
    live: Mutex<HashMap<String, watch::Receiver<Phase>>>,
}

/// Whether somebody in this process holds an attachment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Nobody: what Cinder lists under our name is a leftover.
    Nobody,
    /// A reader or writer.
    Somebody,
    /// It was being let go of, and that has ended.
    LetGo,
}

impl Attachments {
    pub(crate) fn new(cinder: Arc<Cinder>, config: &CinderStoreConfig) -> Self {
        Self {
            cinder,
            connector: config.connector.clone(),
            attempts: config.attachment_retry_attempts.max(1),
            delay: config.attachment_retry_delay,
            linger: config.read_linger,
            live: Mutex::default(),
        }
    }

    /// The name under which Cinder knows this node.
    pub(crate) fn host(&self) -> &str {
        &self.connector.host
    }

    /// Pauses between attempts, one less than there are attempts.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let first = self.delay;
        (1..self.attempts).map(move |n| (first * 2_u32.saturating_pow(n - 1).min(1 << 16)).min(LONGEST_DELAY))
    }

    /// Attaches a volume and opens it. Nothing stays attached when it fails, or the message says so.
    pub(crate) async fn attach(self: &Arc<Self>, volume: &str, access: Access) -> Result<Attached, Failure> {
        let attachment = self.reserve(volume, access).await?;
        let (phase, seen) = watch::channel(Phase::Held);
        self.lock().insert(attachment.id.clone(), seen);
        let hold = Hold { id: attachment.id.clone(), volume: volume.to_owned(), device: None, phase };
        let mut attached = Attached { hold: Some(hold), owner: Arc::clone(self) };
        match self.connect(&mut attached, attachment, access).await {
            Ok(()) => Ok(attached),
            Err(failure) => {
                let left = attached.release().await.err().map(|failure| failure.message);
                Err(failure.leaving(left))
            }
        }
    }

    /// One call gets the attachment and the connection; while another host holds the volume it is repeated.
    async fn reserve(&self, volume: &str, access: Access) -> Result<Attachment, Failure> {
        let properties = self.connector.properties();
        let mode = if access == Access::ReadOnly { "ro" } else { "rw" };
        let mut pauses = self.pauses();
        let mut swept = false;
        loop {
            let error = match self.cinder.client.create_attachment(volume, mode, Some(&properties)).await {
                Ok(attachment) => return Ok(attachment),
                Err(error) => error,
            };
            if !is_reserved_elsewhere(&error) {
                let left = self.sweep_failed(volume, &error).await;
                return Err(Failure::call(format_args!("cannot attach volume {volume}"), error).leaving(left));
            }
            if !std::mem::replace(&mut swept, true) && self.sweep(volume).await {
                continue;
            }
            let Some(pause) = pauses.next() else {
                return Err(Failure::new(
                    StoreErrorKind::Unavailable,
                    format!(
                        "volume {volume} is held by somebody else and its type is not multiattach, \
                         {} attempts: {}",
                        self.attempts,
                        error.message()
                    ),
                )
                .because(error));
            };
            tracing::debug!(volume.id = volume, ?pause, %error, "volume is held, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    /// A create that failed on the service's side may have left an attachment that blocks the volume.
    async fn sweep_failed(&self, volume: &str, error: &ClientError) -> Option<String> {
        if !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Protocol) {
            return None;
        }
        match self.leftovers(volume).await {
            Ok(leftovers) => {
                let mut left = Vec::new();
                for id in leftovers {
                    if let Err(failure) = self.detach(&id, volume).await {
                        left.push(failure.message);
                    }
                }
                (!left.is_empty()).then(|| left.join("; "))
            }
            Err(failure) => Some(format!("perhaps an attachment of volume {volume} ({})", failure.message)),
        }
    }

    /// Attachments of a volume under this node's name that nobody in this process holds.
    pub(crate) async fn leftovers(&self, volume: &str) -> Result<Vec<String>, Failure> {
        let shown =
            self.cinder.client.volume(volume).await.map_err(|error| {
                Failure::call(format_args!("cannot see who holds volume {volume}"), error)
            })?;
        let ours = shown
            .attachments
            .iter()
            .filter(|each| each.get("host_name").and_then(|host| host.as_str()) == Some(self.host()));
        let ids = ours.filter_map(|each| each.get("attachment_id")?.as_str());
        Ok(ids.filter(|id| !self.lock().contains_key(*id)).map(str::to_owned).collect())
    }

    /// Whether something was removed that an earlier life of this node left on a volume.
    async fn sweep(&self, volume: &str) -> bool {
        let (shown, half_made) = futures::future::join(self.leftovers(volume), self.half_made(volume)).await;
        let found = shown.into_iter().chain(half_made).flatten();
        let mut removed = false;
        for id in found.collect::<BTreeSet<_>>() {
            tracing::info!(volume.id = volume, attachment.id = id, "deleting a left attachment");
            removed |= self.detach(&id, volume).await.is_ok();
        }
        removed
    }

    /// Attachments under this node's name, complete or not, that nobody in this process holds; as far as the service
    /// lists attachments by host.
    pub(crate) async fn half_made(&self, volume: &str) -> Result<Vec<String>, Failure> {
        let listed = self.cinder.client.attachments_of_host(self.host(), Some(volume)).await;
        let listed = listed
            .map_err(|error| Failure::call(format_args!("cannot see who holds volume {volume}"), error))?;
        let ids = listed.into_iter().filter(|each| each.instance.is_none()).map(|each| each.id);
        Ok(ids.filter(|id| !self.lock().contains_key(id)).collect())
    }

    async fn connect(
        &self,
        attached: &mut Attached,
        attachment: Attachment,
        access: Access,
    ) -> Result<(), Failure> {
        let Some(hold) = attached.hold.as_mut() else { return Ok(()) };
        let (id, volume) = (hold.id.as_str(), hold.volume.as_str());
        let mut connection = attachment.connection_info;
        if connection.driver_volume_type().is_none() {
            // Older releases give the connection only to a second call.
            let properties = self.connector.properties();
            let updated = self.cinder.client.update_attachment(id, &properties).await;
            connection = updated
                .map_err(|error| Failure::call(format_args!("cannot connect volume {volume}"), error))?
                .connection_info;
        }
        let connection = serde_json::Value::Object(connection.0);
        let device = scurry_connect::open(&self.connector, &connection, access).await;
        hold.device = Some(
            device.map_err(|error| Failure::volume(format_args!("cannot open volume {volume}"), error))?,
        );
        let completed = self.cinder.client.complete_attachment(id).await;
        completed.map_err(|error| {
            Failure::call(format_args!("cannot complete attachment of volume {volume}"), error)
        })
    }

    /// Tells Cinder that an attachment is over.
    pub(crate) async fn detach(&self, attachment: &str, volume: &str) -> Result<(), Failure> {
        over(self.cinder.client.delete_attachment(attachment).await, attachment, volume)
    }

    /// The same, waiting for a service that is away.
    async fn detach_at_last(&self, attachment: &str, volume: &str) -> Result<(), Failure> {
        let client = &self.cinder.client;
        let deleted = self.cinder.outlast(volume, || client.delete_attachment(attachment)).await;
        over(deleted, attachment, volume)
    }

    /// Tells it soon; when the service is away, the background goes on.
    async fn detach_soon(self: &Arc<Self>, attachment: &str, volume: &str) -> Result<(), Failure> {
        let detached = self.detach(attachment, volume).await;
        if detached.as_ref().is_err_and(|failure| failure.kind == StoreErrorKind::Unavailable) {
            let (owner, attachment, volume) = (Arc::clone(self), attachment.to_owned(), volume.to_owned());
            let work = async move {
                if let Err(failure) = owner.detach_at_last(&attachment, &volume).await {
                    tracing::warn!(volume.id = volume, error = failure.message, "cannot detach");
                }
            };
            tokio::spawn(work.in_current_span());
        }
        detached
    }

    /// Says whether an attachment is held here, after waiting for one that is just being let go.
    pub(crate) async fn holding(&self, attachment: &str) -> Holding {
        let Some(mut phase) = self.lock().get(attachment).cloned() else { return Holding::Nobody };
        if *phase.borrow() == Phase::Held {
            return Holding::Somebody;
        }
        // Ends when the sender goes, which is at the end of the release.
        while phase.changed().await.is_ok() {}
        Holding::LetGo
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, watch::Receiver<Phase>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn over(deleted: Result<(), ClientError>, attachment: &str, volume: &str) -> Result<(), Failure> {
    match deleted {
        Err(error) if !error.is_not_found() => Err(Failure::call(
            format_args!("attachment {attachment} of volume {volume} cannot be deleted"),
            error,
        )),
        _ => Ok(()),
    }
}

#[derive(Debug)]
struct Hold {
    id: String,
    volume: String,
    device: Option<Arc<dyn BlockVolume>>,
    phase: watch::Sender<Phase>,
}

/// An attached, open volume. Dropped without [`Attached::release`], it is let go in the background.
#[derive(Debug)]
pub(crate) struct Attached {
    hold: Option<Hold>,
    owner: Arc<Attachments>,
}

impl Attached {
    /// The open volume.
    pub(crate) fn device(&self) -> Result<&Arc<dyn BlockVolume>, Failure> {
        self.hold
            .as_ref()
            .and_then(|hold| hold.device.as_ref())
            .ok_or_else(|| Failure::new(StoreErrorKind::Other, "the volume has been let go of"))
    }

    /// Closes and detaches. It goes on to its end even when the caller does not wait for it.
    pub(crate) async fn release(self) -> Result<(), Failure> {
        self.release_with(Patience::Soon).await
    }

    /// The same, and waits for a service that is away: more hangs on it than an answer.
    pub(crate) async fn release_at_last(self) -> Result<(), Failure> {
        self.release_with(Patience::AtLast).await
    }

    async fn release_with(mut self, patience: Patience) -> Result<(), Failure> {
        let Some(hold) = self.hold.take() else { return Ok(()) };
        let release = hold.release(Arc::clone(&self.owner), patience).in_current_span();
        tokio::spawn(release).await.unwrap_or_else(|error| {
            Err(Failure::new(StoreErrorKind::Other, "detaching a volume broke off").because(error))
        })
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let Some(hold) = self.hold.take() else { return };
        let (id, volume) = (hold.id.clone(), hold.volume.clone());
        hold.phase.send_replace(Phase::Releasing);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            tracing::warn!(volume.id = volume, attachment.id = id, "attachment is left until the next start");
            return;
        };
        let owner = Arc::clone(&self.owner);
        runtime.spawn(
            async move {
                if let Err(failure) = hold.release(owner, Patience::Soon).await {
                    tracing::warn!(
                        volume.id = volume,
                        attachment.id = id,
                        error = failure.message,
                        "cannot detach"
                    );
                }
            }
            .in_current_span(),
        );
    }
}

impl Hold {
    async fn release(self, owner: Arc<Attachments>, patience: Patience) -> Result<(), Failure> {
        self.phase.send_replace(Phase::Releasing);
        let closed = match &self.device {
            Some(device) => device.close().await,
            None => Ok(()),
        };
        let detached = match patience {
            Patience::Soon => owner.detach_soon(&self.id, &self.volume).await,
            Patience::AtLast => owner.detach_at_last(&self.id, &self.volume).await,
        };
        owner.lock().remove(&self.id);
        // Detaching matters more: it says what stays behind.
        detached?;
        closed.map_err(|error| Failure::volume(format_args!("cannot close volume {}", self.volume), error))
    }
}
