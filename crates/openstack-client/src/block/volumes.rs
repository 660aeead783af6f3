// SPDX-License-Identifier: Apache-2.0
//! Volumes: create, look, change, delete.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::BlockClient;
use super::model::{Extension, Pool, ServiceState, Volume, VolumeCreate};
use crate::error::ClientError;
use crate::service::segment;

#[derive(Deserialize)]
struct VolumeBody {
    volume: Volume,
}

fn path(id: &str) -> String {
    format!("/volumes/{}", segment(id))
}

impl BlockClient {
    /// Starts making a volume; it is `creating` when this returns.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OverLimit`] over a quota, [`crate::ErrorKind::BadRequest`] for what the service refuses.
    pub async fn create_volume(&self, volume: &VolumeCreate) -> Result<Volume, ClientError> {
        let body: VolumeBody =
            self.call(Method::POST, "/volumes").json(&json!({ "volume": volume })).fetch().await?;
        Ok(body.volume)
    }

    /// One volume.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is none.
    pub async fn volume(&self, id: &str) -> Result<Volume, ClientError> {
        let body: VolumeBody = self.call(Method::GET, path(id)).fetch().await?;
        Ok(body.volume)
    }

    /// Starts deleting a volume; `force` (admins only) whatever state it is in.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is none, [`crate::ErrorKind::BadRequest`] while it is in use.
    pub async fn delete_volume(&self, id: &str, force: bool) -> Result<(), ClientError> {
        if force {
            return self.action(id, json!({ "os-force_delete": {} })).await;
        }
        self.call(Method::DELETE, path(id)).done().await
    }

    /// Adds to the volume's metadata; the keys not named stay.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is no such volume.
    pub async fn set_metadata(
        &self,
        id: &str,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), ClientError> {
        self.call(Method::POST, format!("{}/metadata", path(id)))
            .json(&json!({ "metadata": metadata }))
            .done()
            .await
    }

    /// Takes one key away from the volume's metadata.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is no such volume or key.
    pub async fn delete_metadata(&self, id: &str, key: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, format!("{}/metadata/{}", path(id), segment(key))).done().await
    }

    /// Says whether later attachments may write.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn update_readonly(&self, id: &str, readonly: bool) -> Result<(), ClientError> {
        self.action(id, json!({ "os-update_readonly_flag": { "readonly": readonly } })).await
    }

    /// Starts growing the volume to `size` GiB.
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] when it is not larger or the volume is busy, [`crate::ErrorKind::OverLimit`].
    pub async fn extend(&self, id: &str, size: u64) -> Result<(), ClientError> {
        self.action(id, json!({ "os-extend": { "new_size": size } })).await
    }

    /// Makes the volume smaller, in GiB: only the embedded service can, see [`BlockClient::extensions`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] from services without it.
    pub async fn shrink(&self, id: &str, size: u64) -> Result<(), ClientError> {
        self.action(id, json!({ "os-scurry-shrink": { "new_size": size } })).await
    }

    /// Sets the state without doing anything (admins only).
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn reset_status(
        &self,
        id: &str,
        status: &str,
        attach_status: Option<&str>,
    ) -> Result<(), ClientError> {
        let mut reset = json!({ "status": status });
        if let Some(attach_status) = attach_status {
            reset["attach_status"] = json!(attach_status);
        }
        self.action(id, json!({ "os-reset_status": reset })).await
    }

    /// Says whether servers may boot from it.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn set_bootable(&self, id: &str, bootable: bool) -> Result<(), ClientError> {
        self.action(id, json!({ "os-set_bootable": { "bootable": bootable } })).await
    }

    /// The volumes with this name, of the token's project.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn volumes_by_name(&self, name: &str) -> Result<Vec<Volume>, ClientError> {
        self.volumes(&[("name", name)]).await
    }

    /// The volumes with this key and value in their metadata, of the token's project.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn volumes_by_metadata(&self, key: &str, value: &str) -> Result<Vec<Volume>, ClientError> {
        // Cinder reads this filter as a Python dictionary; JSON with string values is one.
        self.volumes(&[("metadata", &json!({ key: value }).to_string())]).await
    }

    /// All volumes that pass the filters, page by page.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn volumes(&self, filters: &[(&str, &str)]) -> Result<Vec<Volume>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            volumes: Vec<Volume>,
            #[serde(default)]
            volumes_links: Vec<Value>,
        }
        let mut all: Vec<Volume> = Vec::new();
        loop {
            let marker = all.last().map(|volume| volume.id.clone());
            let mut call = self.call(Method::GET, "/volumes/detail").query_opt("marker", marker.as_deref());
            for (name, value) in filters {
                call = call.query(name, *value);
            }
            let body: Body = call.fetch().await?;
            let more =
                body.volumes_links.iter().any(|link| link["rel"] == "next") && !body.volumes.is_empty();
            all.extend(body.volumes);
            if !more {
                return Ok(all);
            }
        }
    }

    /// The API extensions the service says it has.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn extensions(&self) -> Result<Vec<Extension>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            extensions: Vec<Extension>,
        }
        let body: Body = self.call(Method::GET, "/extensions").fetch().await?;
        Ok(body.extensions)
    }

    /// The scheduler's pools with what they report (admins only).
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn pools(&self) -> Result<Vec<Pool>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            pools: Vec<Pool>,
        }
        let body: Body =
            self.call(Method::GET, "/scheduler-stats/get_pools").query("detail", "true").fetch().await?;
        Ok(body.pools)
    }

    /// The service's processes (admins only).
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn services(&self) -> Result<Vec<ServiceState>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            services: Vec<ServiceState>,
        }
        let body: Body = self.call(Method::GET, "/os-services").fetch().await?;
        Ok(body.services)
    }

    async fn action(&self, id: &str, body: Value) -> Result<(), ClientError> {
        self.call(Method::POST, format!("{}/action", path(id))).json(&body).done().await
    }
}
