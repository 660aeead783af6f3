// SPDX-License-Identifier: Apache-2.0
//! The metadata a bootable volume has of its image.

use serde_json::{Value, json};

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::db::properties::{self, Space};

/// `os-set_image_metadata`
pub(super) async fn set(action: Action<'_>) -> Answer<Value> {
    if action.fields.get("metadata").is_none() {
        return Err(Fault::bad_request("Malformed request body."));
    }
    let set = action.fields.properties("metadata")?;
    properties::merge(action.service.db.pool(), &action.volume.id, Space::Image, &set).await?;
    show(action).await
}

/// `os-unset_image_metadata`
pub(super) async fn unset(action: Action<'_>) -> Answer<()> {
    let key = action.fields.required_text("key")?;
    if properties::remove(action.service.db.pool(), &action.volume.id, Space::Image, key).await? {
        return Ok(());
    }
    Err(Fault::not_found(format!(
        "Glance metadata for volume/snapshot {} cannot be found.",
        action.volume.id
    )))
}

/// `os-show_image_metadata`
pub(super) async fn show(action: Action<'_>) -> Answer<Value> {
    let set = properties::get(action.service.db.pool(), &action.volume.id, Space::Image).await?;
    Ok(json!({ "metadata": set }))
}
