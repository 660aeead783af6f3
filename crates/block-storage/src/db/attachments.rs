// SPDX-License-Identifier: Apache-2.0
//! Attachments.

use std::collections::HashMap;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::entity::attachment;

pub(crate) use super::entity::attachment::{ActiveModel, Column, Model as Attachment};

/// An attachment by id, whoever owns it.
pub(crate) async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Attachment>, DbErr> {
    attachment::Entity::find_by_id(id.to_owned()).one(db).await
}

/// Attachments of a volume, oldest first.
pub(crate) async fn of_volume(db: &impl ConnectionTrait, volume: &str) -> Result<Vec<Attachment>, DbErr> {
    Ok(of_volumes(db, &[volume.to_owned()]).await?.remove(volume).unwrap_or_default())
}

/// Attachments of many volumes.
pub(crate) async fn of_volumes(
    db: &impl ConnectionTrait,
    volumes: &[String],
) -> Result<HashMap<String, Vec<Attachment>>, DbErr> {
    let mut found: HashMap<String, Vec<Attachment>> = HashMap::new();
    for volumes in volumes.chunks(5000) {
        let rows = attachment::Entity::find()
            .filter(Column::VolumeId.is_in(volumes.iter().cloned()))
            .order_by_asc(Column::CreatedAt)
            .all(db)
            .await?;
        for row in rows {
            found.entry(row.volume_id.clone()).or_default().push(row);
        }
    }
    Ok(found)
}

/// A project's attachments, or everyone's, newest first.
pub(crate) async fn list(db: &impl ConnectionTrait, project: Option<&str>) -> Result<Vec<Attachment>, DbErr> {
    let mut query = attachment::Entity::find();
    if let Some(project) = project {
        query = query.filter(Column::ProjectId.eq(project));
    }
    query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).all(db).await
}

/// Inserts a row.
pub(crate) async fn insert(db: &impl ConnectionTrait, row: ActiveModel) -> Result<Attachment, DbErr> {
    row.insert(db).await
}

/// Writes the changed columns of a row.
pub(crate) async fn update(db: &impl ConnectionTrait, row: ActiveModel) -> Result<Attachment, DbErr> {
    row.update(db).await
}

/// Removes an attachment; false when it was gone already.
pub(crate) async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    Ok(attachment::Entity::delete_by_id(id.to_owned()).exec(db).await?.rows_affected > 0)
}
