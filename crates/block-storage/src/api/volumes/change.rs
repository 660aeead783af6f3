// SPDX-License-Identifier: Apache-2.0
//! Updating and deleting volumes.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use sea_orm::sea_query::Expr;
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::paging::Query;
use crate::api::view::{self, Around};
use crate::db::properties::{self, Space};
use crate::db::volumes::{self, Column};
use crate::db::{attachments, snapshots};
use crate::service::Service;

/// States a volume is deleted from without force.
const DELETABLE: &[&str] = &["available", "error", "error_restoring", "error_extending", "error_managing"];

/// `PUT /volumes/{id}`
pub(crate) async fn update(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    let fields = body.inner("volume")?;
    fields.only(&["name", "description", "display_name", "display_description", "metadata"])?;
    if caller.from(53) && fields.map.is_empty() {
        return Err(Fault::bad_request(
            "Invalid input for field/attribute volume. One of name, description, display_name, \
             display_description, metadata is required",
        ));
    }
    caller.volume(&service, &id).await?;
    let mut set = Vec::new();
    for (keys, column) in [
        (["name", "display_name"], Column::Name),
        (["description", "display_description"], Column::Description),
    ] {
        for key in keys.iter().rev() {
            if fields.map.contains_key(*key) {
                let text = fields.text(key)?.map(|text| text.trim().to_owned());
                set.push((column, Expr::value(text)));
            }
        }
    }
    let metadata = fields.get("metadata").map(|_| fields.properties("metadata")).transpose()?;
    let tx = service.db.begin().await?;
    if !volumes::change(&tx, &id, &[], set).await? {
        return Err(Fault::no_volume(&id));
    }
    if let Some(metadata) = &metadata {
        properties::replace(&tx, &id, Space::User, metadata).await?;
    }
    tx.commit().await?;
    let volume = caller.volume(&service, &id).await?;
    let around = Around::load(&service, std::slice::from_ref(&volume)).await?;
    Ok(Json(json!({ "volume": view::volume(&service, &caller, &volume, &around) })))
}

/// `DELETE /volumes/{id}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<StatusCode> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let force = caller.from(23) && query.flag("force");
    if force {
        caller.may("volume:force_delete")?;
    }
    begin(&service, &caller, &id, query.flag("cascade"), force).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Marks a volume (with `cascade` its snapshots too) as being deleted and starts the work.
pub(crate) async fn begin(
    service: &Shared,
    caller: &Caller,
    id: &str,
    cascade: bool,
    force: bool,
) -> Answer<()> {
    caller.volume(service, id).await?;
    let tx = service.db.begin().await?;
    let volume = volumes::find(&tx, id).await?.ok_or_else(|| Fault::no_volume(id))?;
    let taken = snapshots::of_volume(&tx, id).await?;
    let attached = volume.attach_status == "attached"
        || attachments::of_volume(&tx, id).await?.iter().any(|a| a.attach_status == "attached");
    let removable = |status: &str| force || ["available", "error"].contains(&status);
    let snapshots_allow = if cascade { taken.iter().all(|s| removable(&s.status)) } else { taken.is_empty() };
    let state_allows = force || DELETABLE.contains(&volume.status.as_str());
    if attached || !snapshots_allow || !state_allows {
        let status =
            if force { String::new() } else { format!("status must be {} and", DELETABLE.join(" or ")) };
        return Err(Fault::invalid_volume(format!(
            "Volume {status} must not be migrating, attached, belong to a group, have snapshots, awaiting a \
             transfer, or be disassociated from snapshots after volume transfer."
        )));
    }
    for snapshot in &taken {
        snapshots::go(&tx, &snapshot.id, &[], "deleting").await?;
    }
    volumes::go(&tx, id, &[], "deleting").await?;
    tx.commit().await?;
    service.start_delete(id);
    tracing::info!(volume.id = id, cascade, force, "volume deletion requested");
    Ok(())
}

/// The state a volume is in now, for texts.
pub(crate) async fn state(service: &Service, id: &str) -> Answer<String> {
    Ok(volumes::find(service.db.pool(), id).await?.ok_or_else(|| Fault::no_volume(id))?.status)
}
