// SPDX-License-Identifier: Apache-2.0
//! Looking at snapshots.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::paging::{Key, Page, Query};
use crate::api::view;
use crate::db::properties::{self, Space};
use crate::db::snapshots::{self, Snapshot};
use crate::service::Service;

/// A value of a snapshot that lists are filtered by.
type Column = fn(&Snapshot) -> Option<&str>;

/// `GET /snapshots`
pub(crate) async fn brief(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    list(&service, &caller, query.as_deref(), false).await
}

/// `GET /snapshots/detail`
pub(crate) async fn detail(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    list(&service, &caller, query.as_deref(), true).await
}

/// `GET /snapshots/{id}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let snapshot = caller.snapshot(&service, &id).await?;
    let metadata = properties::get(service.db.pool(), &id, Space::User).await?;
    Ok(Json(json!({ "snapshot": view::snapshot(&caller, &snapshot, &metadata, true) })))
}

async fn list(service: &Service, caller: &Caller, query: Option<&str>, detail: bool) -> Answer<Json<Value>> {
    let query = Query::parse(query.unwrap_or_default());
    let page = Page::of(&query)?;
    let project = caller.listed_project(query.flag("all_tenants"));
    let mut found = snapshots::list(service.db.pool(), project).await?;
    let wanted = |key: &str| query.get(key).map(str::to_owned);
    let filters: [(Option<String>, Column); 5] = [
        (wanted("volume_id"), |s| Some(&s.volume_id)),
        (wanted("status"), |s| Some(&s.status)),
        (wanted("name").or(wanted("display_name")), |s| s.name.as_deref()),
        (wanted("id"), |s| Some(&s.id)),
        (wanted("project_id").filter(|_| caller.is_admin), |s| Some(&s.project_id)),
    ];
    found.retain(|s| {
        filters.iter().all(|(wanted, value)| wanted.as_deref().is_none_or(|wanted| value(s) == Some(wanted)))
    });
    let cut = page.cut(found, |s| &s.id, sort_key, Fault::no_snapshot)?;
    let ids: Vec<String> = cut.items.iter().map(|s| s.id.clone()).collect();
    let metadata = properties::of_many(service.db.pool(), &ids, Space::User).await?;
    let none = properties::Properties::new();
    let views: Vec<Value> = cut
        .items
        .iter()
        .map(|s| view::snapshot(caller, s, metadata.get(&s.id).unwrap_or(&none), detail))
        .collect();
    let mut answer = json!({ "snapshots": views });
    let path = if detail { "snapshots/detail" } else { "snapshots" };
    if let Some(links) = cut.links(&view::collection(service, &caller.project, path), &query) {
        answer["snapshots_links"] = links;
    }
    if caller.from(45) && query.flag("with_count") {
        answer["count"] = cut.total.into();
    }
    Ok(Json(answer))
}

fn sort_key(snapshot: &Snapshot, key: &str) -> Option<Key> {
    Some(match key {
        "id" => snapshot.id.as_str().into(),
        "name" => snapshot.name.as_deref().into(),
        "status" => snapshot.status.as_str().into(),
        "size" | "volume_size" => snapshot.size.into(),
        "created_at" => snapshot.created_at.into(),
        "volume_id" => snapshot.volume_id.as_str().into(),
        _ => return None,
    })
}
