// SPDX-License-Identifier: Apache-2.0
//! `/os-quota-sets` and `/limits`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Map, Value, json};

use super::Shared;
use super::body::{Body, Fields};
use super::caller::Caller;
use super::fault::{Answer, Fault};
use super::paging::Query;
use crate::db::{quotas, types};
use crate::service::Service;

/// One resource of a project: its limit and how much is used.
type Resources = BTreeMap<String, (i64, i64)>;

/// Every resource with its limit (the default one, or the project's) and use.
async fn resources(
    service: &Service,
    db: &impl ConnectionTrait,
    project: Option<&str>,
) -> Result<Resources, sea_orm::DbErr> {
    let conf = &service.conf;
    let used = quotas::usage(db, project.unwrap_or_default(), None).await?;
    let mut all = Resources::from([
        ("volumes".to_owned(), (conf.quota_volumes, used.volumes)),
        ("gigabytes".to_owned(), (conf.quota_gigabytes, used.gigabytes)),
        ("snapshots".to_owned(), (conf.quota_snapshots, used.snapshots)),
        ("per_volume_gigabytes".to_owned(), (conf.per_volume_size_limit, 0)),
        ("backups".to_owned(), (10, 0)),
        ("backup_gigabytes".to_owned(), (1000, 0)),
        ("groups".to_owned(), (10, 0)),
    ]);
    for kind in types::all(db).await? {
        let used = quotas::usage(db, project.unwrap_or_default(), Some(&kind.id)).await?;
        all.insert(format!("volumes_{}", kind.name), (-1, used.volumes));
        all.insert(format!("gigabytes_{}", kind.name), (-1, used.gigabytes));
        all.insert(format!("snapshots_{}", kind.name), (-1, used.snapshots));
    }
    if let Some(project) = project {
        for (name, limit) in quotas::limits(db, project).await? {
            if let Some(resource) = all.get_mut(&name) {
                resource.0 = limit;
            }
        }
    }
    Ok(all)
}

fn limits(resources: &Resources) -> Map<String, Value> {
    resources.iter().map(|(name, (limit, _))| (name.clone(), json!(limit))).collect()
}

/// `GET /os-quota-sets/{project}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    own(&caller, &project)?;
    let resources = resources(&service, service.db.pool(), Some(&project)).await?;
    let usage = Query::parse(query.as_deref().unwrap_or_default()).flag("usage");
    let mut set = if usage {
        resources
            .iter()
            .map(|(name, (limit, used))| {
                (name.clone(), json!({ "limit": limit, "in_use": used, "reserved": 0 }))
            })
            .collect()
    } else {
        limits(&resources)
    };
    set.insert("id".to_owned(), project.into());
    Ok(Json(json!({ "quota_set": set })))
}

/// `GET /os-quota-sets/{project}/defaults`
pub(crate) async fn defaults(
    State(service): State<Shared>,
    caller: Caller,
    Path(project): Path<String>,
) -> Answer<Json<Value>> {
    own(&caller, &project)?;
    let mut set = limits(&resources(&service, service.db.pool(), None).await?);
    set.insert("id".to_owned(), project.into());
    Ok(Json(json!({ "quota_set": set })))
}

/// `PUT /os-quota-sets/{project}`
pub(crate) async fn update(
    State(service): State<Shared>,
    _caller: Caller,
    Path(project): Path<String>,
    body: Body,
) -> Answer<Json<Value>> {
    let given = body.inner("quota_set")?;
    let tx = service.db.begin().await?;
    let known = resources(&service, &tx, Some(&project)).await?;
    for key in given.map.keys() {
        if ["tenant_id", "id"].contains(&key.as_str()) {
            continue;
        }
        let limit = Fields { map: given.map }.whole(key)?.unwrap_or(-1);
        let Some((_, used)) = known.get(key) else {
            return Err(Fault::bad_request(format!("Bad key(s) in quota set: {key}")));
        };
        if !(-1..=i64::from(i32::MAX)).contains(&limit) {
            return Err(Fault::invalid_field(key, &limit.into(), "A limit is -1 or more"));
        }
        if limit != -1 && limit < *used {
            return Err(Fault::bad_request(format!(
                "Quota {key} limit must be equal or greater than existing resources. Current usage is {used} and the \
                 requested limit is {limit}."
            )));
        }
        quotas::set_limit(&tx, &project, key, limit).await?;
    }
    let set = limits(&resources(&service, &tx, Some(&project)).await?);
    tx.commit().await?;
    Ok(Json(json!({ "quota_set": set })))
}

/// `DELETE /os-quota-sets/{project}`
pub(crate) async fn delete(
    State(service): State<Shared>,
    _caller: Caller,
    Path(project): Path<String>,
) -> Answer<StatusCode> {
    quotas::clear(service.db.pool(), &project).await?;
    Ok(StatusCode::OK)
}

/// `GET /limits`
pub(crate) async fn absolute(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let asked = query.get("project_id").or(query.get("tenant_id"));
    let project = asked.filter(|_| caller.is_admin && caller.from(39)).unwrap_or(&caller.project);
    let all = resources(&service, service.db.pool(), Some(project)).await?;
    let of = |name: &str| all.get(name).copied().unwrap_or((-1, 0));
    Ok(Json(json!({ "limits": { "rate": [], "absolute": {
        "maxTotalVolumes": of("volumes").0,
        "maxTotalSnapshots": of("snapshots").0,
        "maxTotalVolumeGigabytes": of("gigabytes").0,
        "maxTotalBackups": of("backups").0,
        "maxTotalBackupGigabytes": of("backup_gigabytes").0,
        "totalVolumesUsed": of("volumes").1,
        "totalGigabytesUsed": of("gigabytes").1,
        "totalSnapshotsUsed": of("snapshots").1,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    } } })))
}

fn own(caller: &Caller, project: &str) -> Answer<()> {
    if caller.sees(project) { Ok(()) } else { Err(Fault::forbidden("volume_extension:quotas:show")) }
}
