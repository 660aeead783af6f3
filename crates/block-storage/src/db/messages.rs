// SPDX-License-Identifier: Apache-2.0
//! Messages to users.

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Set};

use super::entity::message::{ActiveModel, Column, Entity, Model};
use super::{Db, now};

/// Leaves a message of level ERROR; it is shown for thirty days, as Cinder's are.
pub(crate) async fn record(
    db: &Db,
    project: &str,
    resource: (&str, &str),
    event: &str,
    text: &str,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(uuid::Uuid::new_v4().to_string()),
        project_id: Set(project.to_owned()),
        request_id: Set(None),
        resource_type: Set(Some(resource.0.to_owned())),
        resource_uuid: Set(Some(resource.1.to_owned())),
        event_id: Set(event.to_owned()),
        user_message: Set(text.to_owned()),
        message_level: Set("ERROR".to_owned()),
        created_at: Set(now()),
        expires_at: Set(now() + TimeDelta::days(30)),
    };
    row.insert(db.pool()).await.map(|_| ())
}

/// A project's messages that have not expired, newest first; all of them without a project.
pub(crate) async fn list(db: &Db, project: Option<&str>) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find().filter(Column::ExpiresAt.gt(now()));
    if let Some(project) = project {
        query = query.filter(Column::ProjectId.eq(project));
    }
    query.order_by_desc(Column::CreatedAt).order_by_asc(Column::Id).all(db.pool()).await
}

/// Removes a message.
pub(crate) async fn remove(db: &Db, id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id.to_owned()).exec(db.pool()).await.map(|_| ())
}

/// Removes messages past their time.
pub(crate) async fn expire(db: &Db) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now())).exec(db.pool()).await.map(|_| ())
}
