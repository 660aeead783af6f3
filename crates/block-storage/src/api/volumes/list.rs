// SPDX-License-Identifier: Apache-2.0
//! Lists of volumes.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{RawQuery, State};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::filter::Filter;
use crate::api::Shared;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::paging::{Key, Page, Query};
use crate::api::view::{self, Around};
use crate::db::entity::volume;
use crate::db::volumes::{Column, Volume};
use crate::service::Service;

/// `GET /volumes`
pub(crate) async fn brief(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    list(&service, &caller, query.as_deref(), false).await
}

/// `GET /volumes/detail`
pub(crate) async fn detail(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    list(&service, &caller, query.as_deref(), true).await
}

/// `GET /volumes/summary`
pub(crate) async fn summary(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    caller.since(12)?;
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let (volumes, around) = matching(&service, &caller, &query).await?;
    let size: i64 = volumes.iter().map(|v| v.size).sum();
    let mut summary = json!({ "total_count": volumes.len(), "total_size": size });
    if caller.from(36) {
        let mut distinct: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for volume in &volumes {
            for (key, value) in around.metadata(&volume.id) {
                distinct.entry(key).or_default().insert(value);
            }
        }
        summary["metadata"] = json!(distinct);
    }
    Ok(Json(json!({ "volume-summary": summary })))
}

async fn list(service: &Service, caller: &Caller, query: Option<&str>, detail: bool) -> Answer<Json<Value>> {
    let query = Query::parse(query.unwrap_or_default());
    let page = Page::of(&query)?;
    let (volumes, around) = matching(service, caller, &query).await?;
    let cut = page.cut(volumes, |v| &v.id, sort_key, Fault::no_volume)?;
    let views: Vec<Value> = cut
        .items
        .iter()
        .map(|v| {
            if detail {
                view::volume(service, caller, v, &around)
            } else {
                view::volume_brief(service, caller, v)
            }
        })
        .collect();
    let mut answer = json!({ "volumes": views });
    let path = if detail { "volumes/detail" } else { "volumes" };
    if let Some(links) = cut.links(&view::collection(service, &caller.project, path), &query) {
        answer["volumes_links"] = links;
    }
    if caller.from(45) && query.flag("with_count") {
        answer["count"] = cut.total.into();
    }
    Ok(Json(answer))
}

async fn matching(service: &Service, caller: &Caller, query: &Query) -> Answer<(Vec<Volume>, Around)> {
    let filter = Filter::of(query, caller.is_admin)?;
    let mut select = volume::Entity::find();
    if let Some(project) = caller.listed_project(query.flag("all_tenants")) {
        select = select.filter(Column::ProjectId.eq(project));
    }
    let mut volumes = select.all(service.db.pool()).await?;
    let around = Around::load(service, &volumes).await?;
    volumes.retain(|v| filter.passes(v, &around));
    Ok((volumes, around))
}

fn sort_key(volume: &Volume, key: &str) -> Option<Key> {
    Some(match key {
        "id" => volume.id.as_str().into(),
        "name" => volume.name.as_deref().into(),
        "status" => volume.status.as_str().into(),
        "size" => volume.size.into(),
        "availability_zone" => volume.availability_zone.as_str().into(),
        "created_at" => volume.created_at.into(),
        "updated_at" => volume.updated_at.into(),
        "bootable" => i64::from(volume.bootable).into(),
        "host" => volume.host.as_deref().into(),
        "volume_type_id" => volume.volume_type_id.as_str().into(),
        "project_id" => volume.project_id.as_str().into(),
        _ => return None,
    })
}
