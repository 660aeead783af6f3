// SPDX-License-Identifier: Apache-2.0
//! Rows of tasks and their texts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use scurry_image::ports::TaskChange;
use scurry_image::{Direction, Task, TaskQuery, TaskSortKey};
use scurry_jobs::NewJob;
use scurry_types::{ImageId, JobId, ProjectId, TaskStatus};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, Order, QueryFilter, QueryOrder,
    QuerySelect, Value,
};

use super::RowError;
use super::read::content;
use super::read::live;
use crate::connection::Database;
use crate::entity::{task, task_text};
use crate::jobs;
use crate::outbox::{task_added, task_changed};
use crate::stamp::Stamp;

pub(super) async fn add<C: ConnectionTrait>(db: &C, new: &Task) -> Result<(), RowError> {
    let row = task::ActiveModel {
        id: Set(new.id.as_str().to_owned()),
        kind: Set(Some(new.kind.clone())),
        status: Set(Some(new.status.as_str().to_owned())),
        owner: Set(new.owner.as_ref().map(|owner| owner.as_str().to_owned()).unwrap_or_default()),
        expires_at: Set(new.expires_at.map(Into::into)),
        image_id: Set(new.image_id.as_ref().map(|id| id.as_str().to_owned())),
        request_id: Set(new.request_id.clone()),
        user_id: Set(new.user_id.as_ref().map(|id| id.as_str().to_owned())),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
        deleted_at: Set(None),
        deleted: Set(false),
    };
    task::Entity::insert(row).exec_without_returning(db).await?;
    let text = task_text::ActiveModel {
        task_id: Set(new.id.as_str().to_owned()),
        input: Set(new.input.as_ref().map(ToString::to_string)),
        result: Set(new.result.as_ref().map(ToString::to_string)),
        message: Set(Some(new.message.clone())),
    };
    task_text::Entity::insert(text).exec_without_returning(db).await?;
    Ok(())
}

/// Changes a task that has not ended.
pub(super) async fn change<C: ConnectionTrait>(
    db: &C,
    id: &JobId,
    change: &TaskChange,
) -> Result<(), RowError> {
    let changed = task::Entity::update_many()
        .col_expr(task::Column::Status, Expr::value(change.status.as_str()))
        .col_expr(task::Column::UpdatedAt, Expr::value(Stamp::now()))
        .col_expr(task::Column::ExpiresAt, Expr::value(change.expires_at.map(Stamp::from)))
        .filter(task::Column::Id.eq(id.as_str()))
        .filter(task::Column::Status.is_not_in([TaskStatus::Success.as_str(), TaskStatus::Failure.as_str()]))
        .exec(db)
        .await?;
    if changed.rows_affected == 0 {
        return Ok(());
    }
    let mut text = task_text::Entity::update_many()
        .col_expr(task_text::Column::Message, Expr::value(change.message.as_str()))
        .filter(task_text::Column::TaskId.eq(id.as_str()));
    if let Some(result) = &change.result {
        text = text.col_expr(task_text::Column::Result, Expr::value(result.to_string()));
    }
    text.exec(db).await?;
    Ok(())
}

pub(super) async fn change_alone(db: &Database, id: &JobId, new: &TaskChange) -> Result<(), RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let before = match &db.events {
        Some(events) => one(transaction, id).await?.map(|task| (events, task.status)),
        None => None,
    };
    change(transaction, id, new).await?;
    if let Some((events, status)) = before {
        task_changed(events, transaction, id, status).await?;
    }
    Ok(writing.commit().await?)
}

/// Marks tasks as deleted whose time has run out.
pub(super) async fn expire(db: &Database, now: DateTime<Utc>) -> Result<u64, RowError> {
    let writing = db.write().await?;
    let stamp = Stamp::from(now);
    let expired = task::Entity::update_many()
        .col_expr(task::Column::Deleted, Expr::value(true))
        .col_expr(task::Column::DeletedAt, Expr::value(stamp))
        .filter(live(task::Column::Deleted))
        .filter(task::Column::ExpiresAt.lte(stamp))
        .exec(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(expired.rows_affected)
}

/// A task and the job that does it, without an image.
pub(super) async fn add_alone(db: &Database, task: &Task, job: Option<&NewJob>) -> Result<(), RowError> {
    let writing = db.write().await?;
    add(&writing.transaction, task).await?;
    if let Some(job) = job {
        jobs::insert(&writing.transaction, job).await?;
    }
    if let Some(events) = &db.events {
        task_added(events, &writing.transaction, task).await?;
    }
    Ok(writing.commit().await?)
}

pub(crate) async fn one<C: ConnectionTrait>(db: &C, id: &JobId) -> Result<Option<Task>, RowError> {
    let row = task::Entity::find_by_id(id.as_str()).filter(live(task::Column::Deleted)).one(db).await?;
    Ok(with_texts(db, row.into_iter().collect()).await?.pop())
}

pub(super) async fn of_image<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<Vec<Task>, RowError> {
    let rows = task::Entity::find()
        .filter(task::Column::ImageId.eq(id.as_str()))
        .filter(live(task::Column::Deleted))
        .order_by_desc(task::Column::CreatedAt)
        .order_by_desc(task::Column::Id)
        .all(db)
        .await?;
    with_texts(db, rows).await
}

fn expression(key: TaskSortKey) -> Expr {
    match key {
        TaskSortKey::Id => task::Column::Id.into_simple_expr(),
        TaskSortKey::Kind => task::Column::Kind.into_simple_expr(),
        TaskSortKey::Status => task::Column::Status.into_simple_expr(),
        TaskSortKey::CreatedAt => task::Column::CreatedAt.into_simple_expr(),
        TaskSortKey::UpdatedAt => task::Column::UpdatedAt.into_simple_expr(),
        TaskSortKey::ExpiresAt => {
            Func::coalesce([task::Column::ExpiresAt.into_simple_expr(), Expr::value(Stamp::LEAST)]).into()
        }
    }
}

fn value(key: TaskSortKey, row: &task::Model) -> Value {
    match key {
        TaskSortKey::Id => row.id.clone().into(),
        TaskSortKey::Kind => row.kind.clone().into(),
        TaskSortKey::Status => row.status.clone().into(),
        TaskSortKey::CreatedAt => row.created_at.into(),
        TaskSortKey::UpdatedAt => row.updated_at.unwrap_or(row.created_at).into(),
        TaskSortKey::ExpiresAt => row.expires_at.unwrap_or(Stamp::LEAST).into(),
    }
}

pub(super) async fn page<C: ConnectionTrait>(
    db: &C,
    owner: Option<&ProjectId>,
    query: &TaskQuery,
) -> Result<Option<Vec<Task>>, RowError> {
    let (first, direction) = query.sort;
    let mut keys = vec![first];
    keys.extend([TaskSortKey::CreatedAt, TaskSortKey::Id].into_iter().filter(|key| *key != first));
    let mut wanted = Condition::all().add(live(task::Column::Deleted));
    if let Some(owner) = owner {
        wanted = wanted.add(task::Column::Owner.eq(owner.as_str()));
    }
    if let Some(status) = query.status {
        wanted = wanted.add(task::Column::Status.eq(status.as_str()));
    }
    if let Some(kind) = &query.kind {
        wanted = wanted.add(task::Column::Kind.eq(kind.as_str()));
    }
    if let Some(marker) = &query.marker {
        let Some(row) = task::Entity::find_by_id(marker.as_str()).one(db).await? else { return Ok(None) };
        let mut any = Condition::any();
        for (at, key) in keys.iter().enumerate() {
            let mut all = Condition::all();
            for before in &keys[..at] {
                all = all.add(expression(*before).eq(value(*before, &row)));
            }
            any = any.add(all.add(match direction {
                Direction::Asc => expression(*key).gt(value(*key, &row)),
                Direction::Desc => expression(*key).lt(value(*key, &row)),
            }));
        }
        wanted = wanted.add(any);
    }
    let order = || if direction == Direction::Asc { Order::Asc } else { Order::Desc };
    let mut select = task::Entity::find().filter(wanted).limit(u64::from(query.limit));
    for key in keys {
        select = select.order_by(expression(key), order());
    }
    Ok(Some(with_texts(db, select.all(db).await?).await?))
}

async fn with_texts<C: ConnectionTrait>(db: &C, rows: Vec<task::Model>) -> Result<Vec<Task>, RowError> {
    let texts = task_text::Entity::find()
        .filter(task_text::Column::TaskId.is_in(rows.iter().map(|row| row.id.as_str())))
        .all(db)
        .await?;
    let mut texts: HashMap<String, task_text::Model> =
        texts.into_iter().map(|text| (text.task_id.clone(), text)).collect();
    rows.into_iter()
        .map(|row| {
            let text = texts.remove(&row.id);
            as_task(row, text)
        })
        .collect()
}

fn as_task(row: task::Model, text: Option<task_text::Model>) -> Result<Task, RowError> {
    let status = row.status.unwrap_or_default();
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    let (input, result, message) = match text {
        Some(text) => (json(text.input), json(text.result), text.message.unwrap_or_default()),
        None => (None, None, String::new()),
    };
    Ok(Task {
        status: status.parse().map_err(|_| content("tasks", "status", &status))?,
        id: row.id.into(),
        kind: row.kind.unwrap_or_default(),
        owner: (!row.owner.is_empty()).then(|| row.owner.into()),
        image_id: row.image_id.and_then(|id| id.parse().ok()),
        request_id: row.request_id,
        user_id: row.user_id.map(Into::into),
        input,
        result,
        message,
        expires_at: row.expires_at.map(|stamp| stamp.0),
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
    })
}
