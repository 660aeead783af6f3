// SPDX-License-Identifier: Apache-2.0
//! Taking snapshots.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sea_orm::Set;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::view;
use crate::db::entity::snapshot;
use crate::db::properties::{self, Space};
use crate::db::{now, snapshots, types, volumes};
use crate::quota::{self, Wanted};

/// `POST /snapshots`
pub(crate) async fn create(
    State(service): State<Shared>,
    caller: Caller,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let fields = body.inner("snapshot")?;
    let volume_id = fields.uuid("volume_id")?.ok_or_else(|| {
        Fault::bad_request("Invalid input for field/attribute snapshot. 'volume_id' is a required property")
    })?;
    // From 3.66 on, a volume in use needs no force, and force may only be true.
    let force = match (caller.from(66), fields.flag("force")?) {
        (true, Some(false)) => {
            return Err(Fault::bad_request(
                "Since microversion 3.66 the 'force' flag is invalid for this request. For backward compatability, \
                 however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.",
            ));
        }
        (true, _) => true,
        (false, force) => force.unwrap_or(false),
    };
    let metadata = fields.properties("metadata")?;
    let name = fields.text("name")?.or(fields.text("display_name")?).map(|text| text.trim().to_owned());
    let description = fields.text("description")?.or(fields.text("display_description")?);
    let description = description.map(|text| text.trim().to_owned());
    caller.volume(&service, volume_id).await?;
    let tx = service.db.begin().await?;
    let volume = volumes::find(&tx, volume_id).await?.ok_or_else(|| Fault::no_volume(volume_id))?;
    if volume.status == "error" {
        return Err(Fault::invalid_volume(
            "The snapshot cannot be created when the volume is in error status.",
        ));
    }
    let host = volume.host.clone().ok_or_else(|| {
        Fault::invalid_volume(
            "The snapshot cannot be created because volume has not been scheduled to any host.",
        )
    })?;
    let from: &[&str] = if force { &["available", "in-use"] } else { &["available"] };
    if !from.contains(&volume.status.as_str()) {
        return Err(Fault::invalid_volume(format!(
            "Volume {volume_id} status must be {}, but current status is: {}.",
            from.join(", "),
            volume.status
        )));
    }
    let kind = types::find(&tx, &volume.volume_type_id).await?;
    let kind_name = kind.as_ref().map_or("", |kind| kind.name.as_str());
    let wanted = Wanted { snapshots: 1, gigabytes: volume.size, volumes: 0 };
    let kind = (volume.volume_type_id.as_str(), kind_name);
    quota::check(&tx, &service.conf, &service.internal_project, &volume.project_id, kind, wanted).await?;
    let id = uuid::Uuid::new_v4().to_string();
    let row = snapshot::ActiveModel {
        id: Set(id.clone()),
        volume_id: Set(volume.id.clone()),
        project_id: Set(volume.project_id.clone()),
        user_id: Set(caller.user.clone()),
        name: Set(name),
        description: Set(description),
        size: Set(volume.size),
        status: Set("creating".to_owned()),
        progress: Set("0%".to_owned()),
        volume_type_id: Set(volume.volume_type_id.clone()),
        host: Set(host),
        consumes_quota: Set(true),
        created_at: Set(now()),
        updated_at: Set(None),
    };
    let row = snapshots::insert(&tx, row).await?;
    properties::merge(&tx, &id, Space::User, &metadata).await?;
    tx.commit().await?;
    service.start_snapshot(&id);
    Ok((StatusCode::ACCEPTED, Json(json!({ "snapshot": view::snapshot(&caller, &row, &metadata, false) }))))
}
