// SPDX-License-Identifier: Apache-2.0
//! Asking for the volume of an image.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use scurry_openstack_client::block::VolumeCreate;
use scurry_openstack_client::{ClientError, ErrorKind};
use scurry_store::{StoreErrorKind, WriteSpec};
use scurry_types::size::volume_gib;

use crate::cinder::{IMAGE_ID, IMAGE_OWNER, IMAGE_SIZE, STORE, WRITING};
use crate::failure::Failure;
use crate::store::Shared;

/// Cinder takes metadata values of at most 255 characters.
const LONGEST_VALUE: usize = 255;

/// A volume asked for, its id known.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) id: String,
    pub(crate) gib: u64,
}

/// No volume has come of it.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The service's own words, when it was the request that it refused.
    pub(crate) words: Option<String>,
    pub(crate) failure: Failure,
}

/// Asks for a volume of `gib`, a clone of `source` when there is one. It is `creating` afterwards. When the
/// answer is lost, what the service may have made is removed.
pub(crate) async fn create(
    store: &Shared,
    spec: &WriteSpec,
    gib: u64,
    source: Option<&str>,
) -> Result<Fresh, Refused> {
    let mark = mark(store.attachments.host());
    let request = VolumeCreate {
        size: gib,
        name: volume_name(spec.image.as_str()),
        volume_type: store.config.volume_type.clone(),
        metadata: metadata(store, spec, &mark),
        source_volid: source.map(str::to_owned),
        ..VolumeCreate::default()
    };
    match store.cinder.client.create_volume(&request).await {
        Ok(volume) => {
            tracing::info!(
                store.id = %store.config.id, image.id = %spec.image, volume.id = volume.id, gib, source,
                "creating volume"
            );
            Ok(Fresh { id: volume.id, gib })
        }
        Err(error) => {
            let answered = error.is_unsent() || error.status().is_some_and(|status| status < 500);
            let left = if answered { None } else { remove_unanswered(store, spec, &mark).await };
            let words = (error.kind() == ErrorKind::BadRequest).then(|| error.message().to_owned());
            Err(Refused { words, failure: failure(store, spec, gib, error).leaving(left) })
        }
    }
}

fn metadata(store: &Shared, spec: &WriteSpec, mark: &str) -> BTreeMap<String, String> {
    let always = [
        (IMAGE_ID, spec.image.to_string()),
        (STORE, store.config.id.to_string()),
        (WRITING, mark.to_owned()),
    ];
    let size = spec.len.map(|len| (IMAGE_SIZE, len.to_string()));
    let owner = spec.owner.as_ref().map(|owner| (IMAGE_OWNER, owner.to_string()));
    always.into_iter().chain(size).chain(owner).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn failure(store: &Shared, spec: &WriteSpec, gib: u64, error: ClientError) -> Failure {
    let of_type = store.config.volume_type.as_ref().map_or(String::new(), |name| format!(" of type {name}"));
    let doing = format!("cannot create a volume of {gib} GiB{of_type} for image {}", spec.image);
    let mut failure = Failure::call(doing, error);
    if failure.kind == StoreErrorKind::NotFound {
        // What is not there is the volume type or the endpoint, never an object of the store.
        failure.kind = StoreErrorKind::Invalid;
    }
    failure
}

/// Unlike any other, so that a volume whose creation was never answered is known again; names the host, so
/// that a later life of it knows its own.
pub(crate) fn mark(host: &str) -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let text = format!("{}-{nanos}@{host}", std::process::id());
    text.chars().take(LONGEST_VALUE).collect()
}

/// Whether a mark was set by this node.
pub(crate) fn is_marked_by(mark: &str, host: &str) -> bool {
    mark.split_once('@').is_some_and(|(_, marked)| marked == host)
}

async fn remove_unanswered(store: &Shared, spec: &WriteSpec, mark: &str) -> Option<String> {
    let name = volume_name(spec.image.as_str());
    let volumes = match store.cinder.client.volumes_by_name(&name).await {
        Ok(volumes) => volumes,
        Err(error) => return Some(format!("perhaps a volume {name} ({})", error.message())),
    };
    let mut left = Vec::new();
    for volume in volumes {
        if volume.metadata.get(WRITING).map(String::as_str) == Some(mark) {
            left.extend(store.attachments.discard(&volume.id).await);
        }
    }
    (!left.is_empty()).then(|| left.join("; "))
}

/// The name Glance gives, too.
pub(crate) fn volume_name(image: &str) -> String {
    format!("image-{image}")
}

/// Size to create with: exact when the length is known, the smallest there is when not.
pub(crate) fn first_gib(len: Option<u64>) -> u64 {
    volume_gib(len.unwrap_or(0))
}
