// SPDX-License-Identifier: Apache-2.0
//! Small lists: availability zones, extensions, messages, and kinds of things there are none of.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::Shared;
use super::caller::Caller;
use super::fault::{Answer, Fault};
use super::paging::{Key, Page, Query};
use super::view;
use crate::db::entity::message::Model as Message;
use crate::db::messages;
use crate::service::Service;

/// `GET /os-availability-zone`
pub(crate) async fn zones(State(service): State<Shared>, _caller: Caller) -> Json<Value> {
    Json(json!({ "availabilityZoneInfo": [
        { "zoneName": service.conf.storage_availability_zone, "zoneState": { "available": true } },
    ] }))
}

/// Alias, name, when it came, what it does.
const EXTENSIONS: &[(&str, &str, &str, &str)] = &[
    ("os-availability-zone", "AvailabilityZones", "2013-06-27", "Lists availability zones."),
    ("os-extended-services", "ExtendedServices", "2014-01-10", "Shows why services are disabled."),
    (
        "os-extended-snapshot-attributes",
        "ExtendedSnapshotAttributes",
        "2012-06-19",
        "Shows progress and project of snapshots.",
    ),
    ("os-hosts", "Hosts", "2011-06-29", "Lists hosts."),
    ("os-admin-actions", "AdminActions", "2012-08-25", "Resets states and deletes by force."),
    ("os-quota-sets", "Quotas", "2011-08-08", "Shows and sets quotas."),
    ("os-services", "Services", "2012-10-28", "Lists and disables services."),
    ("os-types-extra-specs", "TypesExtraSpecs", "2011-08-24", "Manages extra specs of volume types."),
    ("os-types-manage", "TypesManage", "2011-08-24", "Manages volume types."),
    ("os-used-limits", "UsedLimits", "2013-10-03", "Shows what of the limits is used."),
    ("os-vol-host-attr", "VolumeHostAttribute", "2011-11-03", "Shows the host of volumes."),
    ("os-vol-image-meta", "VolumeImageMetadata", "2012-12-07", "Shows the image metadata of volumes."),
    ("os-vol-mig-status-attr", "VolumeMigStatusAttribute", "2013-08-08", "Shows migrations of volumes."),
    ("os-vol-tenant-attr", "VolumeTenantAttribute", "2011-11-03", "Shows the project of volumes."),
    ("os-volume-actions", "VolumeActions", "2012-05-31", "Attaches, extends, uploads and retypes volumes."),
    (
        "os-volume-encryption-metadata",
        "VolumeEncryptionMetadata",
        "2013-07-10",
        "Shows the encryption of volumes.",
    ),
    ("os-volume-type-access", "VolumeTypeAccess", "2014-06-26", "Manages who may use private volume types."),
    ("os-snapshot-actions", "SnapshotActions", "2013-07-16", "Resets states of snapshots."),
    ("scheduler-stats", "Scheduler_stats", "2014-09-07", "Lists pools."),
    (
        "scurry-shrink",
        "ScurryShrink",
        "2026-11-22",
        "The action os-scurry-shrink {\"new_size\": GiB} cuts a volume to a smaller size.",
    ),
];

fn extension(of: &(&str, &str, &str, &str)) -> Value {
    json!({
        "alias": of.0, "name": of.1, "updated": format!("{}T00:00:00+00:00", of.2), "description": of.3, "links": [],
    })
}

/// `GET /extensions`
pub(crate) async fn extensions(_caller: Caller) -> Json<Value> {
    Json(json!({ "extensions": EXTENSIONS.iter().map(extension).collect::<Vec<_>>() }))
}

/// `GET /extensions/{alias}`
pub(crate) async fn extension_of(_caller: Caller, Path(alias): Path<String>) -> Answer<Json<Value>> {
    let found = EXTENSIONS.iter().find(|(known, ..)| *known == alias);
    let found = found.ok_or_else(|| Fault::not_found("The resource could not be found."))?;
    Ok(Json(json!({ "extension": extension(found) })))
}

fn message(service: &Service, caller: &Caller, message: &Message) -> Value {
    json!({
        "id": message.id,
        "event_id": message.event_id,
        "user_message": message.user_message,
        "message_level": message.message_level,
        "created_at": view::time(message.created_at),
        "guaranteed_until": view::time(message.expires_at),
        "request_id": message.request_id,
        "resource_type": message.resource_type,
        "resource_uuid": message.resource_uuid,
        "links": view::links(service, &caller.project, "messages", &message.id),
    })
}

/// A value of a message that lists are filtered by.
type MessageColumn = fn(&Message) -> Option<&str>;

/// `GET /messages`
pub(crate) async fn message_list(
    State(service): State<Shared>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Answer<Json<Value>> {
    caller.since(3)?;
    let query = Query::parse(query.as_deref().unwrap_or_default());
    let mut found = messages::list(&service.db, Some(&caller.project)).await?;
    let filters: [(&str, MessageColumn); 5] = [
        ("resource_uuid", |m| m.resource_uuid.as_deref()),
        ("resource_type", |m| m.resource_type.as_deref()),
        ("event_id", |m| Some(&m.event_id)),
        ("message_level", |m| Some(&m.message_level)),
        ("request_id", |m| m.request_id.as_deref()),
    ];
    found.retain(|m| filters.iter().all(|(key, value)| query.get(key).is_none_or(|w| value(m) == Some(w))));
    let page = Page::of(&query)?;
    let cut = page.cut(found, |m| &m.id, sort_key, no_message)?;
    let views: Vec<Value> = cut.items.iter().map(|m| message(&service, &caller, m)).collect();
    let mut answer = json!({ "messages": views });
    if let Some(links) = cut.links(&view::collection(&service, &caller.project, "messages"), &query) {
        answer["messages_links"] = links;
    }
    Ok(Json(answer))
}

fn sort_key(message: &Message, key: &str) -> Option<Key> {
    Some(match key {
        "id" => message.id.as_str().into(),
        "created_at" => message.created_at.into(),
        "guaranteed_until" => message.expires_at.into(),
        "event_id" => message.event_id.as_str().into(),
        "message_level" => message.message_level.as_str().into(),
        "resource_type" => message.resource_type.as_deref().into(),
        "resource_uuid" => message.resource_uuid.as_deref().into(),
        "request_id" => message.request_id.as_deref().into(),
        _ => return None,
    })
}

async fn find_message(service: &Service, caller: &Caller, id: &str) -> Answer<Message> {
    let project = if caller.is_admin { None } else { Some(caller.project.as_str()) };
    let found = messages::list(&service.db, project).await?;
    found.into_iter().find(|m| m.id == id).ok_or_else(|| no_message(id))
}

/// `GET /messages/{id}`
pub(crate) async fn message_show(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    caller.since(3)?;
    let found = find_message(&service, &caller, &id).await?;
    Ok(Json(json!({ "message": message(&service, &caller, &found) })))
}

/// `DELETE /messages/{id}`
pub(crate) async fn message_delete(
    State(service): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    caller.since(3)?;
    find_message(&service, &caller, &id).await?;
    messages::remove(&service.db, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_message(id: &str) -> Fault {
    Fault::not_found(format!("Message {id} could not be found."))
}

/// `GET /clusters`
pub(crate) async fn clusters(caller: Caller) -> Answer<Json<Value>> {
    caller.since(7)?;
    Ok(Json(json!({ "clusters": [] })))
}

/// `GET /backups`
pub(crate) async fn backups(_caller: Caller) -> Json<Value> {
    Json(json!({ "backups": [] }))
}

/// `GET /groups`
pub(crate) async fn groups(caller: Caller) -> Answer<Json<Value>> {
    caller.since(13)?;
    Ok(Json(json!({ "groups": [] })))
}

/// `GET /group_snapshots`
pub(crate) async fn group_snapshots(caller: Caller) -> Answer<Json<Value>> {
    caller.since(14)?;
    Ok(Json(json!({ "group_snapshots": [] })))
}

/// `GET /volume-transfers`
pub(crate) async fn transfers(_caller: Caller) -> Json<Value> {
    Json(json!({ "transfers": [] }))
}

/// `GET /qos-specs`
pub(crate) async fn qos_specs(_caller: Caller) -> Json<Value> {
    Json(json!({ "qos_specs": [] }))
}
