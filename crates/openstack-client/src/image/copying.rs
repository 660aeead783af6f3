// SPDX-License-Identifier: Apache-2.0
//! Copies of an image between stores: the plan Scurry shows, and how far one is.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ImageClient, path};
use crate::error::ClientError;

/// What a copy would do, or does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CopyPlan {
    /// Length of the image in bytes.
    pub size: u64,
    /// The store that is read, where bytes are.
    pub source: Option<String>,
    /// What is there to read, as far as anybody has looked.
    pub extents: Option<CopyExtents>,
    /// One a store.
    pub targets: Vec<CopyTarget>,
    /// The task, when the copy is under way.
    pub task: Option<String>,
    /// Bytes it has gone through.
    pub done_bytes: Option<u64>,
}

/// What a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct CopyExtents {
    /// Stretches of data.
    pub count: u64,
    /// Bytes of data.
    pub data_bytes: u64,
    /// Bytes known to be zero.
    pub zero_bytes: u64,
}

/// How one store gets the image.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CopyTarget {
    /// The store.
    pub store: String,
    /// Such as `backend_clone`.
    pub strategy: String,
    /// The store that is cloned or read from.
    pub source: Option<String>,
    /// Better ways, and why they are not taken.
    pub refused: Vec<CopyRefusal>,
    /// Whether the image is there.
    pub done: bool,
}

/// A way that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CopyRefusal {
    /// Such as `backend_clone`.
    pub strategy: String,
    /// The store it was asked about.
    pub source: Option<String>,
    /// Why not.
    pub reason: String,
}

impl ImageClient {
    /// The plan for copying the image to these stores (all, when none is named), as the service sent it; that of the copy
    /// that is under way, if there is one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] from a service that is not Scurry.
    pub async fn copy_plan(&self, id: &str, stores: &[String]) -> Result<Value, ClientError> {
        let call = self.call(Method::GET, format!("{}/copy-plan", path(id)));
        let call = if stores.is_empty() {
            call.query("all", "true")
        } else {
            call.query("stores", stores.join(","))
        };
        call.fetch().await
    }

    /// Has the service copy the image to these stores (all, when none is named); with `must_succeed` one that fails
    /// undoes the others.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] while another task holds the image.
    pub async fn start_copy(
        &self,
        id: &str,
        stores: &[String],
        must_succeed: bool,
    ) -> Result<(), ClientError> {
        let mut body = json!({"method": {"name": "copy-image"}, "all_stores_must_succeed": must_succeed});
        if stores.is_empty() {
            body["all_stores"] = json!(true);
        } else {
            body["stores"] = json!(stores);
        }
        self.call(Method::POST, format!("{}/import", path(id))).json(&body).done().await
    }

    /// What the image's newest task had to say.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn last_message(&self, id: &str) -> Result<Option<String>, ClientError> {
        let answer: Value = self.call(Method::GET, format!("{}/tasks", path(id))).fetch().await?;
        let message = answer["tasks"].get(0).and_then(|task| task["message"].as_str());
        Ok(message.filter(|text| !text.is_empty()).map(str::to_owned))
    }
}
