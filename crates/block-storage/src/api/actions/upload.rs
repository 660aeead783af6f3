// SPDX-License-Identifier: Apache-2.0
//! `os-volume_upload_image`

use std::sync::Arc;

use scurry_openstack_client::ErrorKind;
use sea_orm::sea_query::Expr;
use serde_json::{Map, Value, json};

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::api::view::{self, Around};
use crate::api::volumes::change;
use crate::db::properties::{self, Space};
use crate::db::types;
use crate::db::volumes::{self, Column};
use crate::work::upload::{self as work, Upload};

/// Creates the image's record and starts to fill it; the answer describes both.
pub(super) async fn upload(action: Action<'_>) -> Answer<Value> {
    let Action { service, caller, volume, fields } = action;
    let name = fields.required_text("image_name")?;
    let force = fields.flag("force")?.unwrap_or(false);
    let disk = fields.text("disk_format")?.unwrap_or("raw");
    let container = fields.text("container_format")?.unwrap_or("bare");
    if disk != "raw" || container != "bare" {
        return Err(Fault::bad_request(format!(
            "Volumes are uploaded as raw images in bare containers only, not as {disk} in {container}."
        )));
    }
    let mut image = Map::new();
    image.insert("name".to_owned(), name.into());
    image.insert("disk_format".to_owned(), disk.into());
    image.insert("container_format".to_owned(), container.into());
    if caller.from(1) {
        let visibility = fields.text("visibility")?.unwrap_or("private");
        if visibility == "public" {
            caller.may("volume_extension:volume_actions:upload_public")?;
        }
        image.insert("visibility".to_owned(), visibility.into());
        image.insert("protected".to_owned(), fields.flag("protected")?.unwrap_or(false).into());
    }
    let from: &[&str] = if force { &["available", "in-use"] } else { &["available"] };
    begin(action, from).await?;
    let around = Around::load(service, std::slice::from_ref(volume)).await?;
    // What the volume has from its own image goes on, except what describes that image's data.
    const OF_DATA: &[&str] = &[
        "image_id",
        "image_name",
        "checksum",
        "size",
        "disk_format",
        "container_format",
        "min_disk",
        "min_ram",
    ];
    for (key, value) in around.image(&volume.id).into_iter().flatten() {
        if !OF_DATA.contains(&key.as_str()) && !key.starts_with("os_hash_") && !key.starts_with("os_glance_")
        {
            image.entry(key.clone()).or_insert_with(|| value.as_str().into());
        }
    }
    let created = match service.images_as(Some(&caller.token)).create(&image).await {
        Ok(created) => created,
        Err(error) => {
            volumes::go_back(service.db.pool(), &volume.id, "uploading").await?;
            return Err(match error.kind() {
                ErrorKind::Unavailable | ErrorKind::Protocol => {
                    Fault::unavailable("The image service does not answer.", error)
                }
                _ => Fault::bad_request(error.message().to_owned()),
            });
        }
    };
    let specs = properties::get(service.db.pool(), &volume.volume_type_id, Space::Specs).await?;
    let upload = Upload {
        volume: volume.id.clone(),
        image: created.id.clone(),
        token: caller.token.clone(),
        store: specs.get("image_service:store_id").cloned(),
    };
    let worker = Arc::clone(service);
    service.spawn(async move { Box::pin(work::run(&worker, upload)).await });
    let kind = types::find(service.db.pool(), &volume.volume_type_id).await?;
    Ok(json!({ "os-volume_upload_image": {
        "id": volume.id,
        "updated_at": view::maybe_time(volume.updated_at),
        "status": "uploading",
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": kind.map(|kind| json!({
            "id": kind.id, "name": kind.name, "description": kind.description, "is_public": kind.is_public,
            "extra_specs": if caller.is_admin { json!(specs) } else { json!({}) }, "qos_specs_id": null,
            "deleted": false, "created_at": view::time(kind.created_at),
            "updated_at": view::maybe_time(kind.updated_at), "deleted_at": null,
        })),
        "image_id": created.id,
        "container_format": created.container_format,
        "disk_format": created.disk_format,
        "image_name": created.name,
        "visibility": created.visibility,
        "protected": created.properties.get("protected").cloned().unwrap_or(Value::Bool(false)),
    } }))
}

async fn begin(action: Action<'_>, from: &[&str]) -> Answer<()> {
    let id = &action.volume.id;
    let set =
        [(Column::PreviousStatus, Expr::col(Column::Status)), (Column::Status, Expr::value("uploading"))];
    if volumes::change(action.service.db.pool(), id, from, set).await? {
        return Ok(());
    }
    let now = change::state(action.service, id).await?;
    tracing::debug!(volume.id = id, status = now, "upload refused");
    Err(Fault::invalid_volume(format!("Volume {id} status must be {}", from.join(" or "))))
}
