// SPDX-License-Identifier: Apache-2.0
//! Another type, where the volume need not move for it.

use sea_orm::sea_query::Expr;

use super::Action;
use crate::api::fault::{Answer, Fault};
use crate::db::properties::{self, Space};
use crate::db::types;
use crate::db::volumes::{self, Column};
use crate::scheduler;

/// `os-retype`
pub(super) async fn retype(action: Action<'_>) -> Answer<()> {
    let Action { service, caller, volume, fields } = action;
    let name = fields.required_text("new_type")?;
    let unknown = || Fault::invalid_input(format!("Invalid volume_type passed: {name}."));
    let kind = types::find(service.db.pool(), name).await?.ok_or_else(unknown)?;
    if !caller.is_admin && !types::usable(service.db.pool(), &kind, &caller.project).await? {
        return Err(unknown());
    }
    let specs = properties::get(service.db.pool(), &kind.id, Space::Specs).await?;
    let here = volume.host.as_deref().and_then(|host| service.backends.at(host));
    let stays = here.is_some_and(|backend| scheduler::fits(service, backend, &specs).is_ok())
        && scheduler::is_replicated(&specs) == volume.replica_host.is_some();
    if !stays {
        return Err(Fault::invalid_volume(format!(
            "Volume {} would have to move for type {}: migration is not supported.",
            volume.id, kind.name
        )));
    }
    let changed = kind.id != volume.volume_type_id
        && volumes::change(
            service.db.pool(),
            &volume.id,
            &["available", "in-use"],
            [(Column::VolumeTypeId, Expr::value(kind.id.clone()))],
        )
        .await?;
    if changed {
        return Ok(());
    }
    Err(Fault::invalid_volume(
        "Retype needs volume to be in available or in-use state, not be part of an active migration or a \
         consistency group, requested type has to be different that the one from the volume, and for in-use \
         volumes front-end qos specs cannot change.",
    ))
}
