// SPDX-License-Identifier: Apache-2.0
//! The metadata of volumes and snapshots: what their routes do once the caller may.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::body::{self, Body};
use crate::api::fault::{Answer, Fault};
use crate::db::properties::{self, Properties, Space};
use crate::service::Service;

/// What has the metadata; its name stands in refusals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) kind: &'static str,
    pub(super) id: &'a str,
}

impl Owner<'_> {
    pub(super) async fn index(self, service: &Service) -> Answer<Json<Value>> {
        let set = properties::get(service.db.pool(), self.id, Space::User).await?;
        Ok(Json(json!({ "metadata": set })))
    }

    /// Adds and overwrites keys.
    pub(super) async fn merge(self, service: &Service, body: &Body) -> Answer<Json<Value>> {
        properties::merge(service.db.pool(), self.id, Space::User, &given(body)?).await?;
        self.index(service).await
    }

    /// Replaces all keys.
    pub(super) async fn replace(self, service: &Service, body: &Body) -> Answer<Json<Value>> {
        let set = given(body)?;
        let tx = service.db.begin().await?;
        properties::replace(&tx, self.id, Space::User, &set).await?;
        tx.commit().await?;
        self.index(service).await
    }

    pub(super) async fn show(self, service: &Service, key: String) -> Answer<Json<Value>> {
        let set = properties::get(service.db.pool(), self.id, Space::User).await?;
        let value = set.get(&key).ok_or_else(|| self.no_key(&key))?;
        Ok(Json(json!({ "meta": { key: value } })))
    }

    pub(super) async fn put(self, service: &Service, key: &str, body: &Body) -> Answer<Json<Value>> {
        let set = one(body, key)?;
        properties::merge(service.db.pool(), self.id, Space::User, &set).await?;
        Ok(Json(json!({ "meta": set })))
    }

    pub(super) async fn delete(self, service: &Service, key: &str) -> Answer<StatusCode> {
        if properties::remove(service.db.pool(), self.id, Space::User, key).await? {
            Ok(StatusCode::OK)
        } else {
            Err(self.no_key(key))
        }
    }

    fn no_key(self, key: &str) -> Fault {
        Fault::not_found(format!("{} {} has no metadata with key {key}.", self.kind, self.id))
    }
}

/// The `metadata` of a body.
fn given(body: &Body) -> Answer<Properties> {
    body::properties(body.0.get("metadata").ok_or_else(|| Fault::bad_request("Malformed request body"))?)
}

/// The one key of a `meta` body, which must be the one in the URL.
fn one(body: &Body, key: &str) -> Answer<Properties> {
    let set =
        body::properties(body.0.get("meta").ok_or_else(|| Fault::bad_request("Malformed request body"))?)?;
    if !set.contains_key(key) {
        return Err(Fault::bad_request("Request body and URI mismatch"));
    }
    if set.len() > 1 {
        return Err(Fault::bad_request("Request body contains too many items"));
    }
    Ok(set)
}
