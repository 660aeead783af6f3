// SPDX-License-Identifier: Apache-2.0
//! The job engine's port on top of the table of jobs.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_jobs::{Job, JobRepository, JobState, JobStoreError, NewJob};
use scurry_types::{ImageId, JobId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;

use crate::connection::Database;
use crate::entity::job;
use crate::images::RowError;
use crate::retry::again;
use crate::stamp::Stamp;

fn failed<E: Into<RowError>>(action: &'static str) -> impl FnOnce(E) -> JobStoreError {
    move |error| JobStoreError { action, source: Box::new(error.into()) }
}

/// Adds a job inside a transaction of the caller's.
pub(crate) async fn insert<C: ConnectionTrait>(db: &C, new: &NewJob) -> Result<(), RowError> {
    let now = Stamp::now();
    let holder = new.claimed.as_ref().or(new.kept_for.as_ref());
    let state = if new.claimed.is_some() { JobState::Running } else { JobState::Pending };
    let row = job::ActiveModel {
        id: Set(new.id.as_str().to_owned()),
        kind: Set(new.kind.clone()),
        image_id: Set(new.image_id.as_ref().map(|id| id.as_str().to_owned())),
        state: Set(state.as_str().to_owned()),
        payload: Set(new.payload.to_string()),
        checkpoint: Set(Value::Null.to_string()),
        lease_owner: Set(holder.map(|(owner, _)| owner.clone())),
        lease_expires_at: Set(holder.map(|(_, until)| (*until).into())),
        attempts: Set(i64::from(new.claimed.is_some())),
        last_error: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    };
    job::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Takes back every open job of an image of that kind, inside a transaction of the caller's.
pub(crate) async fn cancel<C: ConnectionTrait>(db: &C, image: &ImageId, kind: &str) -> Result<(), RowError> {
    job::Entity::update_many()
        .col_expr(job::Column::State, Expr::value(JobState::Cancelled.as_str()))
        .col_expr(job::Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(job::Column::UpdatedAt, Expr::value(Stamp::now()))
        .filter(job::Column::ImageId.eq(image.as_str()))
        .filter(job::Column::Kind.eq(kind))
        .filter(job::Column::State.is_in([JobState::Pending.as_str(), JobState::Running.as_str()]))
        .exec(db)
        .await?;
    Ok(())
}

fn as_job(row: job::Model) -> Result<Job, RowError> {
    let wrong =
        |column, value: &str| RowError::Content { table: "scurry_jobs", column, value: value.to_owned() };
    Ok(Job {
        image_id: row.image_id.map(|id| id.parse().map_err(|_| wrong("image_id", &id))).transpose()?,
        state: JobState::from_word(&row.state).ok_or_else(|| wrong("state", &row.state))?,
        payload: serde_json::from_str(&row.payload).map_err(|_| wrong("payload", &row.payload))?,
        checkpoint: serde_json::from_str(&row.checkpoint)
            .map_err(|_| wrong("checkpoint", &row.checkpoint))?,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        id: row.id.into(),
        kind: row.kind,
        last_error: row.last_error,
        lease_owner: row.lease_owner,
        lease_expires_at: row.lease_expires_at.map(|stamp| stamp.0),
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

impl Database {
    /// Changes a job this owner has leased.
    async fn change_leased(
        &self,
        id: &JobId,
        owner: &str,
        columns: Vec<(job::Column, Expr)>,
    ) -> Result<bool, RowError> {
        let writing = self.write().await?;
        let mut update = job::Entity::update_many()
            .col_expr(job::Column::UpdatedAt, Expr::value(Stamp::now()))
            .filter(job::Column::Id.eq(id.as_str()))
            .filter(job::Column::LeaseOwner.eq(owner))
            .filter(job::Column::State.eq(JobState::Running.as_str()));
        for (column, value) in columns {
            update = update.col_expr(column, value);
        }
        let changed = update.exec(&writing.transaction).await?.rows_affected;
        writing.commit().await?;
        Ok(changed == 1)
    }

    async fn claim_due(
        &self,
        owner: &str,
        kinds: &[String],
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, RowError> {
        self.clock.look(&self.connection).await?;
        let now = Stamp::from(now);
        let kept_for_us = Condition::all()
            .add(job::Column::State.eq(JobState::Pending.as_str()))
            .add(job::Column::LeaseOwner.eq(owner));
        let due = Condition::any()
            .add(job::Column::LeaseExpiresAt.is_null())
            .add(job::Column::LeaseExpiresAt.lte(now))
            .add(kept_for_us);
        let find = job::Entity::find()
            .filter(job::Column::State.is_in([JobState::Pending.as_str(), JobState::Running.as_str()]))
            .filter(job::Column::Kind.is_in(kinds.iter().map(String::as_str)))
            .filter(due.clone())
            .order_by_asc(job::Column::CreatedAt)
            .order_by_asc(job::Column::Id);
        // Looking first without the write lock: most of the time there is nothing.
        if find.clone().one(&self.connection).await?.is_none() {
            return Ok(None);
        }
        let writing = self.write().await?;
        let Some(row) = find.one(&writing.transaction).await? else { return Ok(None) };
        // Another node may have been faster: it is claimed as it was found, or not at all.
        let claimed = job::Entity::update_many()
            .col_expr(job::Column::State, Expr::value(JobState::Running.as_str()))
            .col_expr(job::Column::LeaseOwner, Expr::value(owner))
            .col_expr(job::Column::LeaseExpiresAt, Expr::value(Stamp::from(until)))
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
            .col_expr(job::Column::UpdatedAt, Expr::value(Stamp::now()))
            .filter(job::Column::Id.eq(row.id.as_str()))
            .filter(job::Column::State.eq(row.state.as_str()))
            .filter(job::Column::Attempts.eq(row.attempts))
            .filter(due)
            .exec(&writing.transaction)
            .await?;
        if claimed.rows_affected == 0 {
            writing.rollback().await?;
            return Ok(None);
        }
        let row = job::Entity::find_by_id(row.id.as_str()).one(&writing.transaction).await?;
        writing.commit().await?;
        row.map(as_job).transpose()
    }
}

#[async_trait]
impl JobRepository for Database {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn enqueue(&self, job: &NewJob) -> Result<(), JobStoreError> {
        let insert = async || {
            let writing = self.write().await?;
            insert(&writing.transaction, job).await?;
            Ok::<(), RowError>(writing.commit().await?)
        };
        again!(insert()).map_err(failed("enqueue"))
    }

    async fn claim(
        &self,
        owner: &str,
        kinds: &[String],
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, JobStoreError> {
        again!(self.claim_due(owner, kinds, now, until)).map_err(failed("claim"))
    }

    async fn heartbeat(&self, id: &JobId, owner: &str, until: DateTime<Utc>) -> Result<bool, JobStoreError> {
        let columns = vec![(job::Column::LeaseExpiresAt, Expr::value(Stamp::from(until)))];
        again!(self.change_leased(id, owner, columns.clone())).map_err(failed("prolong the lease of"))
    }

    async fn checkpoint(&self, id: &JobId, owner: &str, checkpoint: &Value) -> Result<bool, JobStoreError> {
        let columns = vec![(job::Column::Checkpoint, Expr::value(checkpoint.to_string()))];
        again!(self.change_leased(id, owner, columns.clone())).map_err(failed("note the progress of"))
    }

    async fn finish(
        &self,
        id: &JobId,
        owner: &str,
        state: JobState,
        error: Option<&str>,
    ) -> Result<bool, JobStoreError> {
        let columns = vec![
            (job::Column::State, Expr::value(state.as_str())),
            (job::Column::LeaseOwner, Expr::value(None::<String>)),
            (job::Column::LeaseExpiresAt, Expr::value(None::<Stamp>)),
            (job::Column::LastError, Expr::value(error.map(str::to_owned))),
        ];
        again!(self.change_leased(id, owner, columns.clone())).map_err(failed("finish"))
    }

    async fn put_back(
        &self,
        id: &JobId,
        owner: &str,
        due: DateTime<Utc>,
        error: Option<&str>,
        counts: bool,
    ) -> Result<bool, JobStoreError> {
        let mut columns = vec![
            (job::Column::State, Expr::value(JobState::Pending.as_str())),
            (job::Column::LeaseOwner, Expr::value(None::<String>)),
            (job::Column::LeaseExpiresAt, Expr::value(Stamp::from(due))),
        ];
        if let Some(error) = error {
            columns.push((job::Column::LastError, Expr::value(error)));
        }
        if !counts {
            columns.push((job::Column::Attempts, Expr::col(job::Column::Attempts).sub(1)));
        }
        again!(self.change_leased(id, owner, columns.clone())).map_err(failed("put back"))
    }

    async fn hand_over(
        &self,
        id: &JobId,
        owner: &str,
        node: &str,
        until: DateTime<Utc>,
    ) -> Result<bool, JobStoreError> {
        let columns = vec![
            (job::Column::State, Expr::value(JobState::Pending.as_str())),
            (job::Column::LeaseOwner, Expr::value(node)),
            (job::Column::LeaseExpiresAt, Expr::value(Stamp::from(until))),
            (job::Column::Attempts, Expr::col(job::Column::Attempts).sub(1)),
        ];
        again!(self.change_leased(id, owner, columns.clone())).map_err(failed("hand over"))
    }

    async fn drop_leases(&self, owner: &str) -> Result<u64, JobStoreError> {
        let drop_all = async || {
            let writing = self.write().await?;
            let dropped = job::Entity::update_many()
                .col_expr(job::Column::State, Expr::value(JobState::Pending.as_str()))
                .col_expr(job::Column::LeaseOwner, Expr::value(None::<String>))
                .col_expr(job::Column::LeaseExpiresAt, Expr::value(None::<Stamp>))
                .filter(job::Column::LeaseOwner.eq(owner))
                .filter(job::Column::State.eq(JobState::Running.as_str()))
                .exec(&writing.transaction)
                .await?;
            writing.commit().await?;
            Ok::<u64, RowError>(dropped.rows_affected)
        };
        again!(drop_all()).map_err(failed("drop the leases of"))
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>, JobStoreError> {
        let find = job::Entity::find_by_id(id.as_str());
        let row = again!(find.clone().one(&self.connection)).map_err(failed("read"))?;
        row.map(as_job).transpose().map_err(failed("read"))
    }

    async fn open_jobs(&self, image: &ImageId) -> Result<Vec<Job>, JobStoreError> {
        let rows = job::Entity::find()
            .filter(job::Column::ImageId.eq(image.as_str()))
            .filter(job::Column::State.is_in([JobState::Pending.as_str(), JobState::Running.as_str()]))
            .order_by_asc(job::Column::CreatedAt);
        let rows = again!(rows.clone().all(&self.connection)).map_err(failed("read"))?;
        rows.into_iter().map(as_job).collect::<Result<_, _>>().map_err(failed("read"))
    }

    async fn forget_ended(&self, before: DateTime<Utc>) -> Result<u64, JobStoreError> {
        let forget = async || {
            let writing = self.write().await?;
            let ended = [JobState::Succeeded, JobState::Failed, JobState::Cancelled].map(JobState::as_str);
            let removed = job::Entity::delete_many()
                .filter(job::Column::State.is_in(ended))
                .filter(job::Column::UpdatedAt.lt(Stamp::from(before)))
                .exec(&writing.transaction)
                .await?;
            writing.commit().await?;
            Ok::<u64, RowError>(removed.rows_affected)
        };
        again!(forget()).map_err(failed("forget ended"))
    }
}
