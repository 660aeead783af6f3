// SPDX-License-Identifier: Apache-2.0
//! What the Block Storage service takes and gives.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A volume.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Volume {
    /// The volume's id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its size in GiB.
    pub size: u64,
    /// Its state, such as `available` or `error`.
    pub status: String,
    /// The name of its type.
    #[serde(default)]
    pub volume_type: Option<String>,
    /// What users wrote on it.
    #[serde(default, deserialize_with = "map_or_null")]
    pub metadata: BTreeMap<String, String>,
    /// The text `true` or `false`.
    #[serde(default)]
    pub bootable: Option<String>,
    /// Whether its data is encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// Whether several hosts may attach it.
    #[serde(default)]
    pub multiattach: bool,
    /// The volume it was cloned from.
    #[serde(default)]
    pub source_volid: Option<String>,
    /// The snapshot it was made from.
    #[serde(default)]
    pub snapshot_id: Option<String>,
    /// Where it may be used.
    #[serde(default)]
    pub availability_zone: Option<String>,
    /// State of its replica, such as `enabled`.
    #[serde(default)]
    pub replication_status: Option<String>,
    /// `host@backend#pool`, for admins.
    #[serde(default, rename = "os-vol-host-attr:host")]
    pub host: Option<String>,
    /// The owning project.
    #[serde(default, rename = "os-vol-tenant-attr:tenant_id")]
    pub project_id: Option<String>,
    /// Properties it got from an image.
    #[serde(default)]
    pub volume_image_metadata: BTreeMap<String, String>,
    /// Who has it attached: `attachment_id`, `server_id`, `host_name`, `device`.
    #[serde(default)]
    pub attachments: Vec<Map<String, Value>>,
    /// When it was made, as the service writes it.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// A volume to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VolumeCreate {
    /// Size in GiB.
    pub size: u64,
    /// Its name.
    pub name: String,
    /// The name or id of its type; the service's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// What to write on it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// A description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Clone of this volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_volid: Option<String>,
    /// Made from this snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Made from this image.
    #[serde(rename = "imageRef", skip_serializing_if = "Option::is_none")]
    pub image_ref: Option<String>,
}

/// One host's hold on a volume.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Attachment {
    /// The attachment's id.
    pub id: String,
    /// The volume.
    pub volume_id: String,
    /// `reserved`, `attaching`, `attached`, ...
    #[serde(default)]
    pub status: Option<String>,
    /// The server it is for.
    #[serde(default)]
    pub instance: Option<String>,
    /// `rw` or `ro`.
    #[serde(default)]
    pub attach_mode: Option<String>,
    /// When it was completed, as the service writes it.
    #[serde(default)]
    pub attached_at: Option<String>,
    /// How to reach the data; empty in lists and while only reserved.
    #[serde(default, deserialize_with = "connection_or_null")]
    pub connection_info: ConnectionInfo,
}

/// How to reach a volume's data. It may hold passwords, so `Debug` shows only the names of its fields.
#[derive(Clone, Default, PartialEq)]
pub struct ConnectionInfo(pub Map<String, Value>);

impl ConnectionInfo {
    /// The protocol: `iscsi`, `nvmeof`, `rbd`, `nfs`, `local`, ...
    #[must_use]
    pub fn driver_volume_type(&self) -> Option<&str> {
        self.0.get("driver_volume_type")?.as_str()
    }

    /// Whether there is nothing in it yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionInfo")
            .field("driver_volume_type", &self.driver_volume_type())
            .field("fields", &self.0.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// A volume type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VolumeType {
    /// The type's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its properties, such as `volume_backend_name`; empty for those who may not see them.
    #[serde(default, deserialize_with = "map_or_null")]
    pub extra_specs: BTreeMap<String, String>,
    /// Whether every project may use it.
    #[serde(default = "yes")]
    pub is_public: bool,
}

/// A pool as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Pool {
    /// `host@backend#pool`.
    pub name: String,
    /// What the driver reports.
    #[serde(default)]
    pub capabilities: Map<String, Value>,
}

/// One process of the service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceState {
    /// `cinder-volume`, `cinder-scheduler`, ...
    pub binary: String,
    /// `host@backend` or `host`.
    pub host: String,
    /// `enabled` or `disabled`.
    pub status: String,
    /// `up` or `down`.
    pub state: String,
}

/// An API extension the service has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Extension {
    /// The short name by which it is asked for.
    pub alias: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

fn yes() -> bool {
    true
}

fn map_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn connection_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<ConnectionInfo, D::Error> {
    Ok(ConnectionInfo(Option::deserialize(from)?.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_info_hides_its_values() {
        let attachment: Attachment = serde_json::from_value(serde_json::json!({
            "id": "a", "volume_id": "v", "connection_info": {
                "driver_volume_type": "iscsi", "auth_password": "geheim"},
        }))
        .unwrap();
        let shown = format!("{attachment:?}");
        assert!(
            shown.contains("iscsi") && shown.contains("auth_password") && !shown.contains("geheim"),
            "{shown}"
        );
    }

    #[test]
    fn null_maps_are_empty() {
        let volume: Volume = serde_json::from_value(
            serde_json::json!({"id": "v", "size": 3, "status": "available", "metadata": null, "name": null}),
        )
        .unwrap();
        assert!(volume.metadata.is_empty());
    }
}
