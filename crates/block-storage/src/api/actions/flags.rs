// SPDX-License-Identifier: Apache-2.0
//! Bootable and read-only.

use sea_orm::sea_query::Expr;

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::db::properties::{self, Properties, Space};
use crate::db::volumes::{self, Column};

/// `os-set_bootable`
pub(super) async fn set_bootable(action: Action<'_>) -> Answer<()> {
    let bootable = action.fields.required_flag("bootable")?;
    let set = [(Column::Bootable, Expr::value(bootable))];
    if volumes::change(action.service.db.pool(), &action.volume.id, &[], set).await? {
        Ok(())
    } else {
        Err(Fault::no_volume(&action.volume.id))
    }
}

/// `os-update_readonly_flag`: later attachments are read-only, whatever they ask for.
pub(super) async fn update_readonly(action: Action<'_>) -> Answer<()> {
    let readonly = action.fields.required_flag("readonly")?;
    if action.volume.status != "available" {
        return Err(Fault::invalid_volume(format!(
            "Volume {} status must be available to update readonly flag, but current status is: {}.",
            action.volume.id, action.volume.status
        )));
    }
    let text = if readonly { "True" } else { "False" };
    let set = Properties::from([("readonly".to_owned(), text.to_owned())]);
    properties::merge(action.service.db.pool(), &action.volume.id, Space::Admin, &set).await?;
    Ok(())
}
