// SPDX-License-Identifier: Apache-2.0
//! Filling a volume from an image: a clone where the image's data is on the same backend, else a copy.

use std::sync::Arc;

use scurry_openstack_client::Secret;
use scurry_openstack_client::image::{Image, ImageClient};
use scurry_types::VolumeId;
use sea_orm::sea_query::Expr;

use super::clone::{Source, copy_from, writers_of};
use super::create::{Inherited, backends_of};
use super::{WorkError, convert, stream};
use crate::db::properties::{self, Properties, Space};
use crate::db::volumes::{self, Column, Volume};
use crate::service::Service;
use scurry_types::with_causes;

/// Fills the placed volume from an image. Without a token (after a restart) the service's own user reads it.
pub(crate) async fn fill(
    service: &Arc<Service>,
    volume: &Volume,
    image_id: &str,
    token: Option<&Secret>,
) -> Result<Inherited, WorkError> {
    let client = service.images_as(token);
    let image = client.image(image_id).await?;
    if image.status != "active" {
        return Err(WorkError::Unusable { image: image.id, reason: format!("it is {}", image.status) });
    }
    let mut refusals = Vec::new();
    if clone_of(service, volume, &image, &mut refusals).await? {
        tracing::info!(volume.id = volume.id, image.id = image_id, refused = ?refusals, "image cloned");
    } else {
        tracing::info!(volume.id = volume.id, image.id = image_id, refused = ?refusals, "image is copied");
        copy(service, volume, &image, &client).await?;
    }
    Ok(Inherited { bootable: true, image_metadata: image_metadata(&image) })
}

/// Clones a volume that holds the image's data, when there is one this volume may be cloned from.
async fn clone_of(
    service: &Service,
    volume: &Volume,
    image: &Image,
    refusals: &mut Vec<String>,
) -> Result<bool, WorkError> {
    if !service.conf.allowed_direct_url_schemes.iter().any(|scheme| scheme == "cinder") {
        refusals.push("allowed_direct_url_schemes lacks cinder".to_owned());
        return Ok(false);
    }
    if image.container_format.as_deref() != Some("bare") || image.disk_format.as_deref() != Some("raw") {
        refusals.push("only raw images in bare containers are cloned".to_owned());
        return Ok(false);
    }
    let ids = location_volumes(&locations(service, image, refusals).await);
    if ids.is_empty() {
        refusals.push("no location of the image is a volume".to_owned());
        return Ok(false);
    }
    let (backend, _) = backends_of(service, volume)?;
    for candidate in volumes::by_ids(service.db.pool(), &ids).await? {
        let owners = properties::get(service.db.pool(), &candidate.id, Space::User).await?;
        let owner = image.owner.as_deref();
        let mine = owner == Some(volume.project_id.as_str());
        let shared = owner.is_some() && owners.get("image_owner").map(String::as_str) == owner;
        if !mine && !shared {
            refusals.push(format!("volume {} was not made for the image's owner", candidate.id));
            continue;
        }
        // The image service may resize or delete its volume while we look at it.
        let _source_alone = service.lock(&candidate.id).await;
        let source = Source {
            file: VolumeId::new(candidate.id.as_str()),
            host: candidate.host.clone(),
            replica_host: candidate.replica_host.clone(),
            writers: writers_of(service, &candidate.id).await?,
        };
        if !source.is_on(backend).await? {
            refusals.push(format!("volume {} is not on {}", candidate.id, backend.host));
            continue;
        }
        match copy_from(service, &source, volume).await {
            Ok(_) => return Ok(true),
            Err(error) => {
                refusals.push(format!("volume {} cannot be cloned: {}", candidate.id, with_causes(&error)));
                super::create::discard_files(service, volume).await?;
            }
        }
    }
    Ok(false)
}

/// The image's locations: from the API for services, else what the image itself shows.
async fn locations(service: &Service, image: &Image, refusals: &mut Vec<String>) -> Vec<String> {
    match service.images.locations(&image.id).await {
        Ok(locations) if !locations.is_empty() => return locations.into_iter().map(|l| l.url).collect(),
        Ok(_) => {}
        Err(error) => refusals.push(format!("the locations API refuses: {error}")),
    }
    // As Cinder: `locations` count only beside a `direct_url`.
    let Some(direct) = &image.direct_url else { return Vec::new() };
    let mut urls: Vec<String> = image.locations.iter().map(|l| l.url.clone()).collect();
    if !urls.contains(direct) {
        urls.push(direct.clone());
    }
    urls
}

/// The volumes of `cinder://<store>/<volume>` and `cinder://<volume>`.
fn location_volumes(urls: &[String]) -> Vec<String> {
    urls.iter()
        .filter_map(|url| url.strip_prefix("cinder://"))
        .filter_map(|rest| rest.rsplit('/').next())
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn copy(
    service: &Arc<Service>,
    volume: &Volume,
    image: &Image,
    client: &ImageClient,
) -> Result<(), WorkError> {
    volumes::change(
        service.db.pool(),
        &volume.id,
        &["creating"],
        [(Column::Status, Expr::value("downloading"))],
    )
    .await?;
    let _permit = service.bulk.acquire().await.map_err(|_| WorkError::Thread)?;
    // Cinder, too, takes the bytes of these as they are.
    match image.disk_format.as_deref() {
        Some("raw" | "iso") => stream::into_volume(service, volume, image, client).await,
        _ => convert::into_volume(service, volume, image, client).await,
    }
}

/// What a bootable volume remembers of its image.
fn image_metadata(image: &Image) -> Properties {
    const NOT_KEPT: &[&str] = &[
        "created_at",
        "updated_at",
        "file",
        "self",
        "schema",
        "tags",
        "protected",
        "os_hidden",
        "stores",
        "visibility",
        "owner",
    ];
    let mut kept = Properties::new();
    for (key, value) in &image.properties {
        if NOT_KEPT.contains(&key.as_str()) || key.starts_with("os_glance_") {
            continue;
        }
        match value {
            serde_json::Value::String(text) => kept.insert(key.clone(), text.clone()),
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
                kept.insert(key.clone(), value.to_string())
            }
            _ => None,
        };
    }
    let mut keep = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            kept.insert(key.to_owned(), value);
        }
    };
    keep("image_id", Some(image.id.clone()));
    keep("image_name", image.name.clone());
    keep("checksum", image.checksum.clone());
    keep("container_format", image.container_format.clone());
    keep("disk_format", image.disk_format.clone());
    keep("min_disk", Some(image.min_disk.to_string()));
    keep("min_ram", Some(image.min_ram.to_string()));
    keep("size", image.size.map(|size| size.to_string()));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_read_from_locations() {
        let urls = ["cinder://pure2/a", "cinder://b", "file:///x/c", "cinder://", "rbd://f/p/i/s"];
        assert_eq!(location_volumes(&urls.map(str::to_owned)), ["a", "b"]);
    }

    #[test]
    fn image_metadata_keeps_what_describes_the_guest() {
        let image: Image = serde_json::from_value(serde_json::json!({
            "id": "i", "name": "n", "status": "active", "size": 7, "disk_format": "raw", "container_format": "bare",
            "checksum": "c", "min_disk": 1, "min_ram": 2, "hw_disk_bus": "scsi", "os_glance_failed_import": "",
            "stores": "a,b", "tags": [], "protected": false, "visibility": "public", "owner": "p",
        }))
        .unwrap();
        let kept = image_metadata(&image);
        let keys: Vec<_> = kept.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "checksum",
                "container_format",
                "disk_format",
                "hw_disk_bus",
                "image_id",
                "image_name",
                "min_disk",
                "min_ram",
                "size"
            ]
        );
        assert_eq!((kept["size"].as_str(), kept["image_id"].as_str()), ("7", "i"));
    }
}
