// SPDX-License-Identifier: Apache-2.0
//! Changing and deleting snapshots.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::body::{Body, Fields};
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::view;
use crate::db::properties::{self, Space};
use crate::db::snapshots::{self, Column};

/// `PUT /snapshots/{id}`
pub(crate) async fn update(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    let fields = body.inner("snapshot")?;
    fields.only(&["name", "description", "display_name", "display_description"])?;
    caller.snapshot(&service, &id).await?;
    let mut set = Vec::new();
    for (key, column) in [
        ("display_name", Column::Name),
        ("name", Column::Name),
        ("display_description", Column::Description),
        ("description", Column::Description),
    ] {
        if fields.map.contains_key(key) {
            set.push((column, Expr::value(fields.text(key)?.map(|text| text.trim().to_owned()))));
        }
    }
    snapshots::change(service.db.pool(), &id, &[], set).await?;
    let snapshot = caller.snapshot(&service, &id).await?;
    let metadata = properties::get(service.db.pool(), &id, Space::User).await?;
    Ok(Json(json!({ "snapshot": view::snapshot(&caller, &snapshot, &metadata, false) })))
}

/// `DELETE /snapshots/{id}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    begin(&service, &caller, &id, &["available", "error"]).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn begin(service: &Shared, caller: &Caller, id: &str, from: &[&str]) -> Answer<()> {
    caller.snapshot(service, id).await?;
    if !snapshots::go(service.db.pool(), id, from, "deleting").await? {
        return Err(Fault::invalid_snapshot(format!(
            "Snapshot status must be {} and must not be part of a group.",
            from.join(" or ")
        )));
    }
    service.start_snapshot_delete(id);
    Ok(())
}

/// `POST /snapshots/{id}/action`: `os-reset_status` and `os-force_delete`, for administrators.
pub(crate) async fn act(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<StatusCode> {
    if body.0.contains_key("os-force_delete") {
        caller.may("volume_extension:snapshot_admin_actions:force_delete")?;
        begin(&service, &caller, &id, &[]).await?;
        return Ok(StatusCode::ACCEPTED);
    }
    let Some(Value::Object(map)) = body.0.get("os-reset_status") else {
        return Err(Fault::bad_request("There is no such action"));
    };
    caller.may("volume_extension:snapshot_admin_actions:reset_status")?;
    let status = Fields { map }.required_text("status")?.to_ascii_lowercase();
    if !["available", "error", "creating", "deleting", "error_deleting"].contains(&status.as_str()) {
        return Err(Fault::invalid_field("status", &status.as_str().into(), "It is not a snapshot status"));
    }
    caller.snapshot(&service, &id).await?;
    snapshots::go(service.db.pool(), &id, &[], &status).await?;
    Ok(StatusCode::ACCEPTED)
}
