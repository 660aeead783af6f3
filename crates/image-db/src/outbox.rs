// SPDX-License-Identifier: Apache-2.0
//! Notifications kept with the changes they tell of, until they are published: see `schema/outbox.sql`.

mod lease;
mod telling;

use chrono::{DateTime, Utc};
use scurry_image::notice::Event;
use scurry_notifications::{Outbox, OutboxError, Waiting};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::Notify;

pub(crate) use self::telling::{Telling, task_added, task_changed};
use crate::connection::Database;
use crate::entity::outbox;
use crate::images::RowError;
use crate::stamp::Stamp;

/// Which events are kept.
#[derive(Debug)]
pub(crate) struct Events {
    disabled: Vec<String>,
    /// Told after each commit: something may be there to be published.
    pub(crate) added: Notify,
}

impl Events {
    /// Whether nobody turned it off, by its name or by what that begins with: `image.member`.
    pub(crate) fn tells(&self, kind: &str) -> bool {
        !self.disabled.iter().any(|disabled| {
            kind.strip_prefix(disabled.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Keeps an event, inside a transaction of the caller's.
    pub(crate) async fn keep<C: ConnectionTrait>(&self, db: &C, event: &Event) -> Result<(), RowError> {
        if !self.tells(event.kind) {
            return Ok(());
        }
        let row = outbox::ActiveModel {
            id: NotSet,
            message_id: Set(uuid::Uuid::new_v4().to_string()),
            event_type: Set(event.kind.to_owned()),
            priority: Set(event.priority.as_str().to_owned()),
            payload: Set(event.payload.to_string()),
            created_at: Set(Stamp::now()),
        };
        outbox::Entity::insert(row).exec_without_returning(db).await?;
        Ok(())
    }
}

impl Database {
    /// Keeps events for a message bus from now on, but not those turned off.
    #[must_use]
    pub fn telling(mut self, disabled: Vec<String>) -> Self {
        self.events = Some(std::sync::Arc::new(Events { disabled, added: Notify::new() }));
        self
    }

    pub(crate) async fn tell_alone(&self, event: &Event) -> Result<(), RowError> {
        let Some(events) = self.events.as_deref().filter(|events| events.tells(event.kind)) else {
            return Ok(());
        };
        let writing = self.write().await?;
        events.keep(&writing.transaction, event).await?;
        Ok(writing.commit().await?)
    }

    async fn oldest_waiting(&self, most: u64) -> Result<Vec<Waiting>, RowError> {
        let rows =
            outbox::Entity::find().order_by_asc(outbox::Column::Id).limit(most).all(&self.connection).await?;
        let wrong = |value: &str| RowError::Content {
            table: "scurry_outbox",
            column: "payload",
            value: value.to_owned(),
        };
        rows.into_iter()
            .map(|row| {
                Ok(Waiting {
                    payload: serde_json::from_str(&row.payload).map_err(|_| wrong(&row.payload))?,
                    id: row.id,
                    message_id: row.message_id,
                    event_type: row.event_type,
                    priority: row.priority,
                    created_at: row.created_at.0,
                })
            })
            .collect()
    }

    async fn forget_events(&self, ids: &[i64]) -> Result<(), RowError> {
        let writing = self.write().await?;
        outbox::Entity::delete_many()
            .filter(outbox::Column::Id.is_in(ids.iter().copied()))
            .exec(&writing.transaction)
            .await?;
        Ok(writing.commit().await?)
    }

    /// Drops the oldest beyond so many, and those kept before a point in time.
    async fn trim_events(&self, most: u64, before: DateTime<Utc>) -> Result<u64, RowError> {
        let newest_beyond: Option<i64> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Id)
            .order_by_desc(outbox::Column::Id)
            .offset(most)
            .limit(1)
            .into_tuple()
            .one(&self.connection)
            .await?;
        let newest_old: Option<i64> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Id)
            .filter(outbox::Column::CreatedAt.lt(Stamp::from(before)))
            .order_by_desc(outbox::Column::Id)
            .limit(1)
            .into_tuple()
            .one(&self.connection)
            .await?;
        let Some(last) = newest_beyond.max(newest_old) else { return Ok(0) };
        let writing = self.write().await?;
        let dropped = outbox::Entity::delete_many()
            .filter(outbox::Column::Id.lte(last))
            .exec(&writing.transaction)
            .await?;
        writing.commit().await?;
        Ok(dropped.rows_affected)
    }
}

fn failed(error: RowError) -> OutboxError {
    OutboxError(Box::new(error))
}

#[async_trait::async_trait]
impl Outbox for Database {
    async fn lease(&self, owner: &str, until: DateTime<Utc>) -> Result<bool, OutboxError> {
        lease::take(self, owner, until).await.map_err(failed)
    }

    async fn release(&self, owner: &str) -> Result<(), OutboxError> {
        lease::give_back(self, owner).await.map_err(failed)
    }

    async fn oldest(&self, most: u64) -> Result<Vec<Waiting>, OutboxError> {
        self.oldest_waiting(most).await.map_err(failed)
    }

    async fn remove(&self, ids: &[i64]) -> Result<(), OutboxError> {
        self.forget_events(ids).await.map_err(failed)
    }

    async fn trim(&self, most: u64, before: DateTime<Utc>) -> Result<u64, OutboxError> {
        self.trim_events(most, before).await.map_err(failed)
    }

    async fn added(&self) {
        match &self.events {
            Some(events) => events.added.notified().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_turns_off_what_begins_with_it() {
        let disabled = ["image.member", "task.success", "metadef_tag"].map(str::to_owned).to_vec();
        let events = Events { disabled, added: Notify::new() };
        let told = ["image.create", "task.create", "metadef_namespace.create", "task.successful"];
        assert!(told.iter().all(|kind| events.tells(kind)));
        let quiet = ["image.member.create", "task.success", "metadef_tag.delete"];
        assert!(!quiet.iter().any(|kind| events.tells(kind)));
    }
}
