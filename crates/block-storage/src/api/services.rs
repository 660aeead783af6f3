// SPDX-License-Identifier: Apache-2.0
//! `/os-services` and `/os-hosts`

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};
use serde_json::{Value, json};

use super::Shared;
use super::body::{Body, Fields};
use super::caller::Caller;
use super::fault::{Answer, Fault};
use super::paging::Query;
use super::view;
use crate::db::entity::disabled_service::{self, Column, Entity};
use crate::db::now;
use crate::service::Service;

/// Binary and host of each service there is.
fn all(service: &Service) -> Vec<(&'static str, String)> {
    let mut all = vec![("cinder-scheduler", service.host.clone())];
    all.extend(service.backends.iter().map(|b| ("cinder-volume", b.service_host.clone())));
    all
}

/// `GET /os-services`
pub(crate) async fn list(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let disabled = Entity::find().all(service.db.pool()).await?;
    let mut views = Vec::new();
    for (binary, host) in all(&service) {
        // `host` may name the node alone, as `cinder service-list --host` does.
        let wanted_host = query.get("host").is_none_or(|w| w == host || host.split('@').next() == Some(w));
        let wanted_binary = query.get("binary").or(query.get("service")).is_none_or(|w| w == binary);
        if !wanted_host || !wanted_binary {
            continue;
        }
        let off = disabled.iter().find(|row| row.binary_name == binary && row.host == host);
        let mut view = json!({
            "binary": binary,
            "host": host,
            "zone": service.conf.storage_availability_zone,
            "status": if off.is_some() { "disabled" } else { "enabled" },
            "state": "up",
            "updated_at": view::time(now()),
            "disabled_reason": off.and_then(|row| row.reason.as_deref()),
        });
        if binary == "cinder-volume" {
            view["replication_status"] = "disabled".into();
            view["active_backend_id"] = Value::Null;
            view["frozen"] = false.into();
        }
        if caller.from(7) {
            view["cluster"] = Value::Null;
        }
        if caller.from(49) && binary == "cinder-volume" {
            view["backend_state"] = "up".into();
        }
        views.push(view);
    }
    Ok(Json(json!({ "services": views })))
}

/// `PUT /os-services/{action}`: `enable`, `disable`, `disable-log-reason`
pub(crate) async fn update(
    State(service): State<Shared>,
    _caller: Caller,
    Path(action): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    let fields = Fields { map: &body.0 };
    let (enable, with_reason) = match action.as_str() {
        "enable" => (true, false),
        "disable" => (false, false),
        "disable-log-reason" => (false, true),
        _ => return Err(Fault::not_found("Unknown action")),
    };
    let host = fields.required_text("host")?;
    let binary = match (fields.text("binary")?, fields.text("service")?) {
        (Some(binary), _) | (None, Some(binary)) => binary,
        (None, None) => return Err(Fault::bad_request("Missing required element 'binary' in request body.")),
    };
    if !all(&service).iter().any(|(b, h)| *b == binary && h == host) {
        return Err(Fault::not_found(format!("Service {binary} could not be found on host {host}.")));
    }
    let reason = fields.text("disabled_reason")?;
    if with_reason && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Fault::bad_request("Disabled reason contains invalid characters or is too long."));
    }
    if enable {
        Entity::delete_by_id((host.to_owned(), binary.to_owned())).exec(service.db.pool()).await?;
    } else {
        let row = disabled_service::ActiveModel {
            host: Set(host.to_owned()),
            binary_name: Set(binary.to_owned()),
            reason: Set(reason.map(str::to_owned)),
            updated_at: Set(now()),
        };
        Entity::insert(row)
            .on_conflict(
                OnConflict::columns([Column::Host, Column::BinaryName])
                    .update_columns([Column::Reason, Column::UpdatedAt])
                    .to_owned(),
            )
            .exec_without_returning(service.db.pool())
            .await?;
    }
    let mut answer = json!({
        "host": host, "service": binary, "binary": binary, "disabled": !enable,
        "status": if enable { "enabled" } else { "disabled" },
    });
    if with_reason {
        answer["disabled_reason"] = json!(reason);
    }
    Ok(Json(answer))
}

/// `GET /os-hosts`
pub(crate) async fn hosts(State(service): State<Shared>, _caller: Caller) -> Answer<Json<Value>> {
    let disabled = Entity::find().all(service.db.pool()).await?;
    let views: Vec<Value> = all(&service)
        .into_iter()
        .map(|(binary, host)| {
            let off = disabled.iter().any(|row| row.binary_name == binary && row.host == host);
            json!({
                "host_name": host, "service": binary, "zone": service.conf.storage_availability_zone,
                "service-status": "available", "service-state": if off { "disabled" } else { "enabled" },
                "last-update": view::time(now()),
            })
        })
        .collect();
    Ok(Json(json!({ "hosts": views })))
}
