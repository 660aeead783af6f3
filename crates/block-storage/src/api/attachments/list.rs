// SPDX-License-Identifier: Apache-2.0
//! Looking at attachments.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use crate::api::Shared;
use crate::api::caller::Caller;
use crate::api::fault::{Answer, Fault};
use crate::api::paging::{Key, Page, Query};
use crate::api::view;
use crate::db::attachments::{self, Attachment};
use crate::service::Service;

/// A value of an attachment that lists are filtered by.
type Column = fn(&Attachment) -> Option<&str>;

/// `GET /attachments`
pub(crate) async fn brief(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    list(&service, &caller, query.as_deref(), false).await
}

/// `GET /attachments/detail`
pub(crate) async fn detail(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    list(&service, &caller, query.as_deref(), true).await
}

/// `GET /attachments/{id}`
pub(crate) async fn show(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    caller.since(27)?;
    let attachment = caller.attachment(&service, &id).await?;
    Ok(Json(json!({ "attachment": view::attachment(&attachment, true) })))
}

async fn list(service: &Service, caller: &Caller, query: Option<&str>, detail: bool) -> Answer<Json<Value>> {
    caller.since(27)?;
    let query = Query::parse(query.unwrap_or_default());
    let page = Page::of(&query)?;
    let project = caller.listed_project(query.flag("all_tenants"));
    let mut found = attachments::list(service.db.pool(), project).await?;
    let wanted = |key: &str| query.get(key).map(str::to_owned);
    let filters: [(Option<String>, Column); 5] = [
        (wanted("volume_id"), |a| Some(&a.volume_id)),
        (wanted("instance_id").or(wanted("instance_uuid")), |a| a.instance_uuid.as_deref()),
        (wanted("attach_status").or(wanted("status")), |a| Some(&a.attach_status)),
        (wanted("attached_host").filter(|_| caller.is_admin || is_service(caller)), |a| {
            a.attached_host.as_deref()
        }),
        (wanted("project_id").filter(|_| caller.is_admin), |a| Some(&a.project_id)),
    ];
    found.retain(|a| {
        filters.iter().all(|(wanted, value)| wanted.as_deref().is_none_or(|wanted| value(a) == Some(wanted)))
    });
    let cut = page.cut(found, |a| &a.id, sort_key, Fault::no_attachment)?;
    let views: Vec<Value> = cut.items.iter().map(|a| view::attachment(a, detail)).collect();
    Ok(Json(json!({ "attachments": views })))
}

fn is_service(caller: &Caller) -> bool {
    caller.roles.iter().any(|role| role == "service")
}

fn sort_key(attachment: &Attachment, key: &str) -> Option<Key> {
    Some(match key {
        "id" => attachment.id.as_str().into(),
        "created_at" => attachment.created_at.into(),
        "volume_id" => attachment.volume_id.as_str().into(),
        "attach_status" | "status" => attachment.attach_status.as_str().into(),
        _ => return None,
    })
}
