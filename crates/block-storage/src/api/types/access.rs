// SPDX-License-Identifier: Apache-2.0
//! Which projects may use a private type.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::show::by_id;
use crate::api::Shared;
use crate::api::body::{Body, Fields};
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::db::properties::{self, Properties, Space};

/// `GET /types/{id}/os-volume-type-access`
pub(crate) async fn index(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let kind = by_id(&service, &caller, &id).await?;
    if kind.is_public {
        return Err(Fault::not_found("Access list not available for public volume types."));
    }
    let projects = properties::get(service.db.pool(), &id, Space::Access).await?;
    let views: Vec<Value> =
        projects.keys().map(|project| json!({ "volume_type_id": id, "project_id": project })).collect();
    Ok(Json(json!({ "volume_type_access": views })))
}

/// `POST /types/{id}/action`: `addProjectAccess` and `removeProjectAccess`
pub(crate) async fn act(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Answer<StatusCode> {
    let kind = by_id(&service, &caller, &id).await?;
    let asked = ["addProjectAccess", "removeProjectAccess"]
        .into_iter()
        .find_map(|name| Some((name, body.0.get(name)?.as_object()?)));
    let Some((name, map)) = asked else {
        return Err(Fault::bad_request("There is no such action"));
    };
    let project = Fields { map }.required_text("project")?;
    let known = properties::get(service.db.pool(), &id, Space::Access).await?.contains_key(project);
    if name == "addProjectAccess" {
        caller.may("volume_extension:volume_type_access:add_project_access")?;
        if kind.is_public {
            return Err(Fault::conflict(
                "Invalid volume type: Type access modification is not applicable to public volume type.",
            ));
        }
        if known {
            return Err(Fault::conflict(format!(
                "Volume type access for {id} / {project} combination already exists."
            )));
        }
        let set = Properties::from([(project.to_owned(), String::new())]);
        properties::merge(service.db.pool(), &id, Space::Access, &set).await?;
    } else {
        caller.may("volume_extension:volume_type_access:remove_project_access")?;
        if !known {
            return Err(Fault::not_found(format!(
                "Volume type access not found for {id} / {project} combination."
            )));
        }
        properties::remove(service.db.pool(), &id, Space::Access, project).await?;
    }
    Ok(StatusCode::ACCEPTED)
}
