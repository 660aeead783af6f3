// SPDX-License-Identifier: Apache-2.0
//! How resources look on the wire.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use sea_orm::DbErr;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use crate::db::attachments::{self, Attachment};
use crate::db::properties::{self, Properties, Space};
use crate::db::snapshots::Snapshot;
use crate::db::types;
use crate::db::volumes::Volume;
use crate::service::Service;

/// A moment as Cinder writes it.
pub(crate) fn time(moment: NaiveDateTime) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// A moment that may not have come.
pub(crate) fn maybe_time(moment: Option<NaiveDateTime>) -> Value {
    moment.map_or(Value::Null, |moment| time(moment).into())
}

/// `self` and `bookmark` of a resource.
pub(crate) fn links(service: &Service, project: &str, collection: &str, id: &str) -> Value {
    let base = &service.public_url;
    json!([
        { "rel": "self", "href": format!("{base}/v3/{project}/{collection}/{id}") },
        { "rel": "bookmark", "href": format!("{base}/{project}/{collection}/{id}") },
    ])
}

/// The address of a collection.
pub(crate) fn collection(service: &Service, project: &str, path: &str) -> String {
    format!("{}/v3/{project}/{path}", service.public_url)
}

/// What views of volumes need beside their rows.
#[derive(Debug, Default)]
pub(crate) struct Around {
    metadata: HashMap<String, Properties>,
    admin: HashMap<String, Properties>,
    image: HashMap<String, Properties>,
    attachments: HashMap<String, Vec<Attachment>>,
    types: HashMap<String, String>,
}

impl Around {
    /// Loads it for some volumes.
    pub(crate) async fn load(service: &Service, volumes: &[Volume]) -> Result<Self, DbErr> {
        let db = service.db.pool();
        let ids: Vec<String> = volumes.iter().map(|v| v.id.clone()).collect();
        Ok(Self {
            metadata: properties::of_many(db, &ids, Space::User).await?,
            admin: properties::of_many(db, &ids, Space::Admin).await?,
            image: properties::of_many(db, &ids, Space::Image).await?,
            attachments: attachments::of_volumes(db, &ids).await?,
            types: types::all(db).await?.into_iter().map(|t| (t.id, t.name)).collect(),
        })
    }

    /// The user's metadata.
    pub(crate) fn metadata(&self, volume: &str) -> Properties {
        self.metadata.get(volume).cloned().unwrap_or_default()
    }

    /// The user's metadata with what the service adds for all to see.
    fn shown_metadata(&self, volume: &str) -> Properties {
        let mut shown = self.metadata(volume);
        if let Some(admin) = self.admin.get(volume) {
            let visible = ["readonly", "attached_mode"];
            shown.extend(
                admin
                    .iter()
                    .filter(|(k, _)| visible.contains(&k.as_str()))
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
        }
        shown
    }

    /// The metadata of the image a volume was made from.
    pub(crate) fn image(&self, volume: &str) -> Option<&Properties> {
        self.image.get(volume)
    }

    /// The name of a volume's type.
    pub(crate) fn type_name(&self, volume: &Volume) -> Option<&str> {
        self.types.get(&volume.volume_type_id).map(String::as_str)
    }

    fn attached(&self, caller: &Caller, volume: &Volume) -> Vec<Value> {
        let sees_host = caller.is_admin || caller.roles.iter().any(|role| role == "service");
        self.attachments
            .get(&volume.id)
            .into_iter()
            .flatten()
            .filter(|a| a.attach_status == "attached")
            .map(|a| {
                json!({
                    "id": a.volume_id, "attachment_id": a.id, "volume_id": a.volume_id,
                    "server_id": a.instance_uuid, "host_name": a.attached_host.as_ref().filter(|_| sees_host),
                    "device": a.mountpoint, "attached_at": maybe_time(a.attached_at),
                })
            })
            .collect()
    }
}

/// A volume in full.
pub(crate) fn volume(service: &Service, caller: &Caller, volume: &Volume, around: &Around) -> Value {
    let mut view = json!({
        "id": volume.id,
        "status": volume.status,
        "size": volume.size,
        "availability_zone": volume.availability_zone,
        "created_at": time(volume.created_at),
        "updated_at": maybe_time(volume.updated_at),
        "name": volume.name,
        "description": volume.description,
        "volume_type": around.type_name(volume),
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volid,
        "metadata": around.shown_metadata(&volume.id),
        "links": links(service, &caller.project, "volumes", &volume.id),
        "user_id": volume.user_id,
        "bootable": volume.bootable.to_string(),
        "encrypted": false,
        "replication_status": volume.replication_status,
        "consistencygroup_id": null,
        "multiattach": volume.multiattach,
        "attachments": around.attached(caller, volume),
        "os-vol-tenant-attr:tenant_id": volume.project_id,
    });
    let mut add = |key: &str, value: Value| {
        if let Some(view) = view.as_object_mut() {
            view.insert(key.to_owned(), value);
        }
    };
    if let Some(image) = around.image(&volume.id) {
        add("volume_image_metadata", json!(image));
    }
    if caller.is_admin {
        add("migration_status", Value::Null);
        add("os-vol-host-attr:host", json!(volume.host));
        add("os-vol-mig-status-attr:migstat", Value::Null);
        add("os-vol-mig-status-attr:name_id", Value::Null);
    }
    if caller.from(13) {
        add("group_id", Value::Null);
    }
    if caller.is_admin && caller.from(21) {
        add("provider_id", Value::Null);
    }
    if caller.from(48) {
        add("shared_targets", false.into());
        add("service_uuid", json!(volume.host.as_deref().map(service_uuid)));
    }
    if caller.is_admin && caller.from(61) {
        add("cluster_name", Value::Null);
    }
    if caller.from(63) {
        add("volume_type_id", volume.volume_type_id.as_str().into());
    }
    if caller.from(65) {
        add("consumes_quota", volume.consumes_quota.into());
    }
    view
}

/// A volume in short.
pub(crate) fn volume_brief(service: &Service, caller: &Caller, volume: &Volume) -> Value {
    json!({
        "id": volume.id, "name": volume.name, "links": links(service, &caller.project, "volumes", &volume.id),
    })
}

/// An id of the service that serves `host@backend#pool`, the same after each restart.
fn service_uuid(host: &str) -> String {
    let host = host.split('#').next().unwrap_or(host);
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("scurry cinder-volume {host}").as_bytes())
        .to_string()
}

/// A snapshot; in detail with the attributes extensions add.
pub(crate) fn snapshot(caller: &Caller, snapshot: &Snapshot, metadata: &Properties, detail: bool) -> Value {
    let mut view = json!({
        "id": snapshot.id,
        "created_at": time(snapshot.created_at),
        "updated_at": maybe_time(snapshot.updated_at),
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": snapshot.volume_id,
        "status": snapshot.status,
        "size": snapshot.size,
        "metadata": metadata,
    });
    let mut add = |key: &str, value: Value| {
        if let Some(view) = view.as_object_mut() {
            view.insert(key.to_owned(), value);
        }
    };
    if detail {
        add("os-extended-snapshot-attributes:progress", snapshot.progress.as_str().into());
        add("os-extended-snapshot-attributes:project_id", snapshot.project_id.as_str().into());
        if caller.from(14) {
            add("group_snapshot_id", Value::Null);
        }
        if caller.from(41) {
            add("user_id", snapshot.user_id.as_str().into());
        }
        if caller.from(65) {
            add("consumes_quota", snapshot.consumes_quota.into());
        }
    }
    view
}

/// An attachment; with the way to the data in detail.
pub(crate) fn attachment(attachment: &Attachment, detail: bool) -> Value {
    let mut view = json!({
        "id": attachment.id,
        "status": attachment.attach_status,
        "instance": attachment.instance_uuid,
        "volume_id": attachment.volume_id,
    });
    if detail {
        let moment = |moment: Option<NaiveDateTime>| moment.map(time).unwrap_or_default();
        view["attached_at"] = moment(attachment.attached_at).into();
        view["detached_at"] = moment(attachment.detached_at).into();
        view["attach_mode"] = json!(attachment.attach_mode);
        view["connection_info"] = attachment
            .connection_info
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_else(|| Value::Object(Map::new()));
    }
    view
}
