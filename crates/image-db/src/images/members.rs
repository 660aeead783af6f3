// SPDX-License-Identifier: Apache-2.0
//! Rows of members.

use chrono::Utc;
use scurry_image::Member;
use scurry_image::notice::{deletion, member_event};
use scurry_image::ports::Outcome;
use scurry_types::{ImageId, MemberStatus};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::RowError;
use super::read::content;
use super::read::live;
use crate::connection::Database;
use crate::entity::member;
use crate::stamp::Stamp;

fn as_member(row: member::Model) -> Result<Member, RowError> {
    Ok(Member {
        image_id: row.image_id.parse().map_err(|_| content("image_members", "image_id", &row.image_id))?,
        status: row.status.parse().map_err(|_| content("image_members", "status", &row.status))?,
        member: row.member,
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
    })
}

pub(super) async fn all<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<Vec<Member>, RowError> {
    let rows = member::Entity::find()
        .filter(member::Column::ImageId.eq(id.as_str()))
        .filter(live(member::Column::Deleted))
        .order_by_asc(member::Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(as_member).collect()
}

pub(super) async fn one<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    project: &str,
) -> Result<Option<Member>, RowError> {
    let row = member::Entity::find()
        .filter(member::Column::ImageId.eq(id.as_str()))
        .filter(member::Column::Member.eq(project))
        .filter(live(member::Column::Deleted))
        .one(db)
        .await?;
    row.map(as_member).transpose()
}

pub(super) async fn add(db: &Database, new: &Member) -> Result<Outcome, RowError> {
    let writing = db.write().await?;
    super::change::lock(&writing.transaction, &new.image_id).await?;
    // The unique index lets rows without a deletion stamp through twice: SQL's nulls are all different.
    if one(&writing.transaction, &new.image_id, &new.member).await?.is_some() {
        writing.rollback().await?;
        return Ok(Outcome::Taken);
    }
    let row = member::ActiveModel {
        id: NotSet,
        image_id: Set(new.image_id.as_str().to_owned()),
        member: Set(new.member.clone()),
        can_share: Set(false),
        status: Set(new.status.as_str().to_owned()),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
        deleted_at: Set(None),
        deleted: Set(false),
    };
    member::Entity::insert(row).exec_without_returning(&writing.transaction).await?;
    if let Some(events) = &db.events {
        events.keep(&writing.transaction, &member_event("image.member.create", new)).await?;
    }
    writing.commit().await?;
    Ok(Outcome::Done)
}

pub(super) async fn set_status(
    db: &Database,
    id: &ImageId,
    project: &str,
    status: MemberStatus,
) -> Result<bool, RowError> {
    let writing = db.write().await?;
    let changed = member::Entity::update_many()
        .col_expr(member::Column::Status, Expr::value(status.as_str()))
        .col_expr(member::Column::UpdatedAt, Expr::value(Stamp::now()))
        .filter(member::Column::ImageId.eq(id.as_str()))
        .filter(member::Column::Member.eq(project))
        .filter(live(member::Column::Deleted))
        .exec(&writing.transaction)
        .await?;
    if let Some(events) = &db.events
        && let Some(member) = one(&writing.transaction, id, project).await?
    {
        events.keep(&writing.transaction, &member_event("image.member.update", &member)).await?;
    }
    writing.commit().await?;
    Ok(changed.rows_affected > 0)
}

pub(super) async fn remove(db: &Database, id: &ImageId, project: &str) -> Result<bool, RowError> {
    let writing = db.write().await?;
    if let Some(events) = &db.events
        && let Some(member) = one(&writing.transaction, id, project).await?
    {
        let gone = deletion(member_event("image.member.delete", &member), Utc::now());
        events.keep(&writing.transaction, &gone).await?;
    }
    let removed = member::Entity::update_many()
        .col_expr(member::Column::DeletedAt, Expr::value(Stamp::now()))
        .col_expr(member::Column::Deleted, Expr::value(true))
        .filter(member::Column::ImageId.eq(id.as_str()))
        .filter(member::Column::Member.eq(project))
        .filter(live(member::Column::Deleted))
        .exec(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(removed.rows_affected > 0)
}
