// SPDX-License-Identifier: Apache-2.0
//! Deleting a volume for good: what holds it is let go of where it is ours, and the end is waited for.

use std::time::Duration;

use scurry_openstack_client::block::Volume;
use scurry_openstack_client::{ClientError, ErrorKind};
use scurry_store::StoreErrorKind;
use tokio::time::Instant;

use crate::attachments::{Attachments, Holding};
use crate::cinder::{holder, passing};
use crate::failure::Failure;

/// Pause before a delete is tried again that a passing state of the volume prevented.
const PAUSE: Duration = Duration::from_millis(100);

/// Whose the volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Made by this process and not finished: every attachment without a server is ours.
    Sole,
    /// An image: other nodes may be reading it.
    Shared,
}

/// What stands in the way of a delete.
enum Obstacle {
    /// Not any more.
    Cleared,
    /// It passes by itself.
    Passing(String),
    /// It may have passed since; refused again, it stays.
    Unclear(String),
    /// Another node has it, which keeps for a moment what it has read.
    Lingering(String),
    /// It stays.
    Lasting(String),
}

impl Attachments {
    /// Deletes a volume and waits until it is gone. `NotFound` when it was gone before.
    pub(crate) async fn remove(&self, id: &str, claim: Claim) -> Result<(), Failure> {
        let deadline = Instant::now() + self.cinder.timeout;
        let mut pauses = self.pauses();
        let mut unclear = Some(PAUSE);
        let mut lingering = Some(self.linger + PAUSE);
        loop {
            let refused = match self.cinder.client.delete_volume(id, false).await {
                Ok(()) => return self.cinder.wait_gone(id).await,
                Err(error) if refuses_for_state(&error) => error,
                Err(error) => return Err(Failure::call(format_args!("cannot delete volume {id}"), error)),
            };
            let (reason, pause) = match self.obstacle(id, claim, &refused).await? {
                Obstacle::Cleared => ("it was attached".to_owned(), Some(PAUSE)),
                Obstacle::Passing(reason) if claim == Claim::Sole => (reason, Some(PAUSE)),
                // Others' work on an image may take as long as a download: a few attempts, then it is in use.
                Obstacle::Passing(reason) => (reason, pauses.next()),
                Obstacle::Unclear(reason) => (reason, unclear.take()),
                Obstacle::Lingering(reason) => (reason, lingering.take()),
                Obstacle::Lasting(reason) => (reason, None),
            };
            let Some(pause) = pause.filter(|pause| Instant::now() + *pause < deadline) else {
                return Err(Failure::new(StoreErrorKind::InUse, format!("volume {id} is in use: {reason}"))
                    .because(refused));
            };
            tracing::debug!(volume.id = id, reason, "delete was refused, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn obstacle(&self, id: &str, claim: Claim, refused: &ClientError) -> Result<Obstacle, Failure> {
        let cannot_see = |error| Failure::call(format_args!("cannot see what holds volume {id}"), error);
        let volume = self.cinder.client.volume(id).await.map_err(cannot_see)?;
        let attachments = self.cinder.client.attachments(Some(id)).await.map_err(cannot_see)?;
        if attachments.is_empty() {
            return Ok(if passing(&volume.status) {
                Obstacle::Passing(format!("it is {}", volume.status))
            } else {
                Obstacle::Unclear(refused.message().to_owned())
            });
        }
        for attachment in attachments {
            match self.holding(&attachment.id).await {
                Holding::Nobody => {}
                Holding::LetGo => continue,
                Holding::Somebody => {
                    return Ok(Obstacle::Lasting("a reader or writer of this process holds it".to_owned()));
                }
            }
            let host = host_of(&volume, &attachment.id);
            let half_way = attachment.status.as_deref() != Some("attached") && attachment.instance.is_none();
            let leftover = host == Some(self.host())
                || (claim == Claim::Sole && attachment.instance.is_none())
                || (half_way && self.half_made(id).await?.contains(&attachment.id));
            if leftover {
                tracing::info!(volume.id = id, attachment.id = attachment.id, "deleting a left attachment");
                self.detach(&attachment.id, id).await?;
                continue;
            }
            if self.is_over(&attachment.id).await? {
                continue;
            }
            let reason = format!("it is attached to {}", holder(host, attachment.instance.as_deref()));
            return Ok(match &attachment.instance {
                Some(_server) => Obstacle::Lasting(reason),
                None if half_way => Obstacle::Passing(reason),
                None => Obstacle::Lingering(reason),
            });
        }
        Ok(Obstacle::Cleared)
    }

    /// Whether an attachment has ended since it was listed.
    async fn is_over(&self, attachment: &str) -> Result<bool, Failure> {
        match self.cinder.client.attachment(attachment).await {
            Ok(_) => Ok(false),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(Failure::call(format_args!("cannot see attachment {attachment}"), error)),
        }
    }

    /// Removes a volume that came to nothing; says what stays behind.
    pub(crate) async fn discard(&self, id: &str) -> Option<String> {
        match self.remove(id, Claim::Sole).await {
            Ok(()) => None,
            Err(failure) if failure.kind == StoreErrorKind::NotFound => None,
            Err(failure) => Some(format!("volume {id} ({})", failure.message)),
        }
    }
}

fn refuses_for_state(error: &ClientError) -> bool {
    matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::Conflict)
}

/// The host of an attachment; shown to admins, and only when the attachment is complete.
pub(crate) fn host_of<'a>(volume: &'a Volume, attachment: &str) -> Option<&'a str> {
    let shown = volume.attachments.iter();
    let text = |each: &'a serde_json::Map<String, serde_json::Value>, key: &str| each.get(key)?.as_str();
    shown
        .filter(|each| text(each, "attachment_id") == Some(attachment))
        .find_map(|each| text(each, "host_name"))
}
