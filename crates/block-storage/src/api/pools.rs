// SPDX-License-Identifier: Apache-2.0
//! `/scheduler-stats/get_pools` and `/capabilities`: what backends can do.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use super::Shared;
use super::caller::Caller;
use super::fault::{Answer, Fault};
use super::paging::Query;
use super::view;
use crate::db::properties::{self, Space};
use crate::db::{now, types};
use crate::scheduler::{self, Capacity};

/// `GET /scheduler-stats/get_pools`
pub(crate) async fn list(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let specs = match query.get("volume_type").filter(|_| caller.from(35)) {
        Some(name) => {
            let kind = types::find(service.db.pool(), name).await?.ok_or_else(|| Fault::no_type(name))?;
            Some(properties::get(service.db.pool(), &kind.id, Space::Specs).await?)
        }
        None => None,
    };
    let mut pools = Vec::new();
    for backend in service.backends.iter() {
        let named = query.get("name").is_none_or(|name| name == backend.host);
        let fits = specs.as_ref().is_none_or(|specs| scheduler::fits(&service, backend, specs).is_ok());
        if !named || !fits {
            continue;
        }
        let mut pool = json!({ "name": backend.host });
        if query.flag("detail") {
            let capacity = Capacity::of(&service, backend).await.map_err(Fault::internal)?;
            let replica = service.backends.replica_of(backend);
            pool["capabilities"] = json!({
                "timestamp": view::time(now()),
                "pool_name": backend.name,
                "volume_backend_name": backend.name,
                "driver_version": env!("CARGO_PKG_VERSION"),
                "vendor_name": "Scurry",
                "storage_protocol": "local",
                "backend_state": "up",
                "total_capacity_gb": capacity.total,
                "free_capacity_gb": capacity.free,
                "provisioned_capacity_gb": capacity.provisioned,
                "allocated_capacity_gb": capacity.provisioned,
                "total_volumes": capacity.volumes,
                "reserved_percentage": 0,
                "max_over_subscription_ratio": if capacity.limited { "1.0" } else { "20.0" },
                "thin_provisioning_support": !capacity.limited,
                "thick_provisioning_support": false,
                "QoS_support": false,
                "multiattach": true,
                "clone_across_pools": false,
                "replication_enabled": replica.is_some(),
                "replication_type": if replica.is_some() { json!(["sync"]) } else { json!([]) },
                "replication_targets": replica.map(|b| vec![b.section.as_str()]).unwrap_or_default(),
                "filter_function": null,
                "goodness_function": null,
            });
        }
        pools.push(pool);
    }
    Ok(Json(json!({ "pools": pools })))
}

/// `GET /capabilities/{host}`: what the backend at `host@backend` can do for volume types.
pub(crate) async fn capabilities(
    State(service): State<Shared>,
    _caller: Caller,
    Path(host): Path<String>,
) -> Answer<Json<Value>> {
    let backend = service
        .backends
        .iter()
        .find(|b| b.service_host == host || b.host == host)
        .ok_or_else(|| Fault::not_found(format!("Capabilities of {host} could not be found.")))?;
    let replica = service.backends.replica_of(backend);
    let flag = |title: &str, description: &str| {
        json!({
            "title": title, "description": description, "type": "boolean",
        })
    };
    Ok(Json(json!({
        "namespace": format!("OS::Storage::Capabilities::{host}"),
        "vendor_name": "Scurry",
        "volume_backend_name": backend.name,
        "pool_name": backend.name,
        "driver_version": env!("CARGO_PKG_VERSION"),
        "storage_protocol": "local",
        "display_name": "Scurry volume files",
        "description": "Sparse volume files in a directory, cloned without copying",
        "visibility": "public",
        "replication_targets": replica.map(|b| vec![b.section.as_str()]).unwrap_or_default(),
        "properties": {
            "thin_provisioning": flag("Thin provisioning", "Volumes take the space of what is written to them"),
            "replication_enabled": flag("Replication", "Volumes have a synchronous second copy"),
        },
    })))
}
