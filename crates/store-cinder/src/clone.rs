// SPDX-License-Identifier: Apache-2.0
//! Making an image's volume as a clone of another one, where the backend can.

pub(crate) mod placement;

use std::sync::Arc;

use scurry_openstack_client::block::Volume;
use scurry_store::{CloneOutcome, CloneSource, StoreErrorKind, StoredObject, WriteSpec};
use scurry_types::size::volume_gib;

use self::placement::Replica;
use crate::cinder::{IMAGE_SIZE, WRITING};
use crate::creation::{Fresh, create};
use crate::failure::Failure;
use crate::location::VolumeLocation;
use crate::store::Shared;

/// Clones, or says why not. Whatever was made on the way to a refusal is removed before.
pub(crate) async fn clone(
    store: &Arc<Shared>,
    source: &CloneSource,
    spec: &WriteSpec,
) -> Result<CloneOutcome, Failure> {
    let refused = |reason: String| {
        // Whoever asked logs the refusal for the operator.
        tracing::debug!(
            store.id = %store.config.id, image.id = %spec.image, source = source.url, reason, "no clone"
        );
        Ok(CloneOutcome::Refused(reason))
    };
    let (volume, replica) = match usable_source(store, source).await? {
        Ok(usable) => usable,
        Err(reason) => return refused(reason),
    };
    let spec = WriteSpec { len: Some(source.len), ..spec.clone() };
    let fresh = match create(store, &spec, volume.size.max(volume_gib(source.len)), Some(&volume.id)).await {
        Ok(fresh) => fresh,
        Err(refusal) => match refusal.words {
            Some(words) => return refused(format!("the block-storage service says {words}")),
            None => return Err(refusal.failure),
        },
    };
    match complete(store, &volume, replica, source.len, &fresh).await {
        Ok(Ok(())) => {
            tracing::info!(
                store.id = %store.config.id, image.id = %spec.image, volume.id = fresh.id, source = volume.id,
                "volume is cloned"
            );
            let url = VolumeLocation::url(&store.config.id, &fresh.id);
            Ok(CloneOutcome::Cloned(StoredObject { url, len: source.len }))
        }
        Ok(Err(reason)) => match store.attachments.discard(&fresh.id).await {
            None => refused(reason),
            Some(left) => Err(Failure::new(StoreErrorKind::Other, reason).leaving(Some(left))),
        },
        Err(failure) => {
            let left = store.attachments.discard(&fresh.id).await;
            Err(failure.leaving(left))
        }
    }
}

/// Why the source cannot be cloned into this store, as far as can be seen without doing it.
pub(crate) async fn refusal(store: &Shared, source: &CloneSource) -> Result<Option<String>, Failure> {
    Ok(usable_source(store, source).await?.err())
}

/// The source's volume, or why it cannot be cloned into this store.
async fn usable_source(
    store: &Shared,
    source: &CloneSource,
) -> Result<Result<(Volume, Replica), String>, Failure> {
    if source.kind != store.facts.kind {
        return Ok(Err(format!("store {} is of kind {}, not a volume", source.store, source.kind)));
    }
    let Ok(location) = VolumeLocation::parse(&source.url) else {
        return Ok(Err(format!("what store {} names is not a volume", source.store)));
    };
    let id = location.volume.as_str();
    let volume = match store.image_volume(id).await {
        Ok(volume) => volume,
        Err(failure) if matches!(failure.kind, StoreErrorKind::NotFound | StoreErrorKind::Denied) => {
            return Ok(Err(format!("the credentials of store {} do not see volume {id}", store.config.id)));
        }
        Err(failure) => return Err(failure),
    };
    if let Some(reason) = unfit(&volume, source.len) {
        return Ok(Err(reason));
    }
    let wanted = volume_gib(source.len);
    if volume.size > wanted && !store.cinder.can_shrink().await {
        return Ok(Err(format!("volume {id} has {} GiB where {wanted} GiB are needed", volume.size)));
    }
    match placement::same_backend(&store.cinder.client, store.config.volume_type.as_deref(), &volume).await {
        Ok(replica) => Ok(Ok((volume, replica))),
        Err(reason) => Ok(Err(reason)),
    }
}

fn unfit(volume: &Volume, len: u64) -> Option<String> {
    let id = &volume.id;
    if volume.status != "available" && volume.status != "in-use" {
        return Some(format!("volume {id} is {}", volume.status));
    }
    if volume.metadata.contains_key(WRITING) {
        return Some(format!("volume {id} is not complete yet"));
    }
    if volume_gib(len) > volume.size {
        return Some(format!("volume {id} of {} GiB is smaller than the image", volume.size));
    }
    match volume.metadata.get(IMAGE_SIZE) {
        Some(size) if *size != len.to_string() => {
            Some(format!("volume {id} holds an image of {size} bytes where {len} are expected"))
        }
        _ => None,
    }
}

/// Waits for the clone and checks it; the inner error is a reason to copy instead.
async fn complete(
    store: &Shared,
    source: &Volume,
    replica: Replica,
    len: u64,
    fresh: &Fresh,
) -> Result<Result<(), String>, Failure> {
    let made = match store.cinder.wait_available(&fresh.id, "clone").await {
        Ok(made) => made,
        Err(failure) if failure.kind == StoreErrorKind::Other => return Ok(Err(failure.message)),
        Err(failure) => return Err(failure),
    };
    if let (Some(expected), Some(host)) = (&source.host, &made.host)
        && expected != host
    {
        return Ok(Err(format!("the clone was made on {host}, its source is on {expected}")));
    }
    let has_replica = match made.replication_status.as_deref() {
        Some(status) => status == "enabled",
        // Drivers of real Cinder that replicate whole pools say nothing of volumes; the embedded service always does.
        None => !store.cinder.can_shrink().await,
    };
    if replica == Replica::Wanted && !has_replica {
        return Ok(Err(format!("the clone has no replica, replication is {:?}", made.replication_status)));
    }
    let wanted = volume_gib(len);
    if made.size > wanted {
        let shrunk = store.cinder.client.shrink(&fresh.id, wanted).await;
        if let Err(error) = shrunk {
            return Ok(Err(format!("the clone cannot be made smaller: {}", error.message())));
        }
        store.cinder.wait_available(&fresh.id, "shrink").await?;
    }
    store.cinder.finalize(&fresh.id, len).await?;
    Ok(Ok(()))
}
