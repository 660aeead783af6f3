// SPDX-License-Identifier: Apache-2.0
//! Making, changing and deleting volume types.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sea_orm::{ActiveModelTrait, IntoActiveModel, Set};
use serde_json::{Value, json};

use super::show::{by_id, view};
use crate::api::Shared;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::db::now;
use crate::db::properties::{self, Space};
use crate::db::types;

/// `POST /types`
pub(crate) async fn create(State(service): State<Shared>, caller: Caller, body: Body) -> Answer<Json<Value>> {
    let fields = body.inner("volume_type")?;
    let name = fields.required_text("name")?.trim();
    if name.is_empty() {
        return Err(Fault::bad_request("Volume type name can not be empty."));
    }
    let description = fields.text("description")?;
    let public = fields.flag("os-volume-type-access:is_public")?.unwrap_or(true);
    let specs = fields.properties("extra_specs")?;
    let tx = service.db.begin().await?;
    if types::all(&tx).await?.iter().any(|kind| kind.name == name) {
        return Err(Fault::conflict(format!("Volume Type {name} already exists.")));
    }
    let kind = types::create(&tx, name, description, public, &specs).await?;
    tx.commit().await?;
    Ok(Json(json!({ "volume_type": view(&caller, &kind, &specs) })))
}

/// `PUT /types/{id}`
pub(crate) async fn update(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    let fields = body.inner("volume_type")?;
    let (name, description) = (fields.text("name")?.map(str::trim), fields.text("description")?);
    let public = fields.flag("is_public")?;
    if name == Some("") {
        return Err(Fault::bad_request("Volume type name can not be empty."));
    }
    if name.is_none() && description.is_none() && public.is_none() {
        return Err(Fault::bad_request(
            "Specify volume type name, description, is_public or a combination thereof.",
        ));
    }
    let kind = by_id(&service, &caller, &id).await?;
    let tx = service.db.begin().await?;
    if let Some(name) = name
        && types::all(&tx).await?.iter().any(|other| other.name == name && other.id != id)
    {
        return Err(Fault::conflict(format!("Volume Type {name} already exists.")));
    }
    let mut row = kind.into_active_model();
    if let Some(name) = name {
        row.name = Set(name.to_owned());
    }
    if let Some(description) = description {
        row.description = Set(Some(description.to_owned()));
    }
    if let Some(public) = public {
        row.is_public = Set(public);
    }
    row.updated_at = Set(Some(now()));
    let kind = row.update(&tx).await?;
    tx.commit().await?;
    let specs = properties::get(service.db.pool(), &id, Space::Specs).await?;
    Ok(Json(json!({ "volume_type": view(&caller, &kind, &specs) })))
}

/// `DELETE /types/{id}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let kind = by_id(&service, &caller, &id).await?;
    if kind.name == service.conf.default_volume_type {
        return Err(Fault::bad_request(format!(
            "The volume type {id} is a default volume type and cannot be deleted."
        )));
    }
    let tx = service.db.begin().await?;
    if types::volumes_of(&tx, &id).await? > 0 {
        return Err(Fault::bad_request("Target volume type is still in use."));
    }
    types::remove(&tx, &id).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}
