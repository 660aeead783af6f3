// SPDX-License-Identifier: Apache-2.0
//! Rows of uploads that can be gone on with. Whoever changes one shows that it holds it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use scurry_image::ports::{
    Claim, Hold, Holder, Outcome, Renewal, RepositoryError, UploadSession, UploadSessions,
};
use scurry_types::ImageId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, UpdateMany};

use super::change::column;
use super::read::content;
use super::{RowError, failed};
use crate::connection::Database;
use crate::entity::upload::{ActiveModel, Column, Entity, Model};
use crate::entity::write;
use crate::retry::again;
use crate::stamp::Stamp;

#[async_trait]
impl UploadSessions for Database {
    async fn upload_session(&self, image: &ImageId) -> Result<Option<UploadSession>, RepositoryError> {
        again!(one(&self.connection, image)).map_err(failed("read an upload"))
    }

    async fn claim_session(
        &self,
        image: &ImageId,
        holder: &Holder,
        now: DateTime<Utc>,
    ) -> Result<Claim, RepositoryError> {
        again!(claim(self, image, holder, now.into())).map_err(failed("take hold of an upload"))
    }

    async fn renew_session(&self, hold: &Hold, until: DateTime<Utc>) -> Result<Renewal, RepositoryError> {
        again!(renew(self, hold, until.into())).map_err(failed("keep hold of an upload"))
    }

    async fn declare_session(&self, hold: &Hold, len: u64) -> Result<bool, RepositoryError> {
        let set = [(Column::DeclaredLen, Expr::value(column(len)))];
        again!(alone(self, held(hold), set.clone())).map_err(failed("note the length of an upload"))
    }

    async fn keep_session(
        &self,
        hold: &Hold,
        offset: u64,
        checkpoint: &[u8],
    ) -> Result<bool, RepositoryError> {
        let set = [
            (Column::Durable, Expr::value(column(offset))),
            (Column::Checkpoint, Expr::value(checkpoint.to_vec())),
        ];
        again!(alone(self, held(hold), set.clone())).map_err(failed("note how far an upload is"))
    }

    async fn release_session(&self, hold: &Hold) -> Result<(), RepositoryError> {
        again!(alone(self, held(hold), free())).map(drop).map_err(failed("let go of an upload"))
    }

    async fn forget_session(&self, hold: &Hold) -> Result<bool, RepositoryError> {
        again!(forget(self, hold)).map_err(failed("forget an upload"))
    }

    async fn release_sessions_of(&self, node: &str) -> Result<(), RepositoryError> {
        let theirs = Entity::update_many().filter(Column::Node.eq(node)).filter(Column::Holder.is_not_null());
        again!(alone(self, theirs.clone(), free())).map(drop).map_err(failed("let go of uploads"))
    }

    async fn idle_sessions(&self, since: DateTime<Utc>) -> Result<Vec<ImageId>, RepositoryError> {
        again!(idle(self, since.into())).map_err(failed("list idle uploads"))
    }
}

pub(super) async fn open<C: ConnectionTrait>(db: &C, session: &UploadSession) -> Result<(), RowError> {
    let holder = session.holder.clone();
    let row = ActiveModel {
        image_id: Set(session.image.as_str().to_owned()),
        id: Set(session.id.clone()),
        write_id: Set(session.write.clone()),
        store_id: Set(session.store.as_str().to_owned()),
        declared_len: Set(session.declared_len.map(column)),
        durable: Set(column(session.offset)),
        checkpoint: Set(session.checkpoint.clone()),
        complete: Set(session.complete),
        lease_expires_at: Set(holder.as_ref().map(|holder| holder.until.into())),
        node: Set(holder.as_ref().map(|holder| holder.node.clone())),
        holder: Set(holder.map(|holder| holder.id)),
        wanted: Set(false),
        touched_at: Set(Stamp::now()),
    };
    Entity::delete_by_id(session.image.as_str()).exec(db).await?;
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn close<C: ConnectionTrait>(
    db: &C,
    image: &ImageId,
    hold: Option<&Hold>,
) -> Result<Outcome, RowError> {
    let mut gone = Entity::delete_many().filter(Column::ImageId.eq(image.as_str()));
    if let Some(hold) = hold {
        gone = gone.filter(Column::Id.eq(&hold.session)).filter(Column::Holder.eq(&hold.holder));
    }
    let closed = gone.exec(db).await?.rows_affected;
    Ok(if hold.is_none() || closed == 1 { Outcome::Done } else { Outcome::Refused })
}

pub(super) async fn complete<C: ConnectionTrait>(db: &C, hold: &Hold, len: u64) -> Result<Outcome, RowError> {
    let set = [
        (Column::Complete, Expr::value(true)),
        (Column::Durable, Expr::value(column(len))),
        (Column::DeclaredLen, Expr::value(column(len))),
        (Column::Checkpoint, Expr::value(None::<Vec<u8>>)),
    ];
    let done = change(db, held(hold), set.into_iter().chain(free())).await?;
    Ok(if done { Outcome::Done } else { Outcome::Refused })
}

fn held(hold: &Hold) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(&hold.session)).filter(Column::Holder.eq(&hold.holder))
}

/// What a row is like that nobody holds.
fn free() -> [(Column, Expr); 4] {
    [
        (Column::Holder, Expr::value(None::<String>)),
        (Column::Node, Expr::value(None::<String>)),
        (Column::LeaseExpiresAt, Expr::value(None::<Stamp>)),
        (Column::Wanted, Expr::value(false)),
    ]
}

async fn change<C: ConnectionTrait>(
    db: &C,
    mut rows: UpdateMany<Entity>,
    columns: impl IntoIterator<Item = (Column, Expr)>,
) -> Result<bool, RowError> {
    for (name, value) in columns {
        rows = rows.col_expr(name, value);
    }
    let changed = rows.col_expr(Column::TouchedAt, Expr::value(Stamp::now())).exec(db).await?;
    Ok(changed.rows_affected > 0)
}

async fn alone(
    db: &Database,
    rows: UpdateMany<Entity>,
    columns: impl IntoIterator<Item = (Column, Expr)>,
) -> Result<bool, RowError> {
    let writing = db.write().await?;
    let changed = change(&writing.transaction, rows, columns).await?;
    writing.commit().await?;
    Ok(changed)
}

async fn one<C: ConnectionTrait>(db: &C, image: &ImageId) -> Result<Option<UploadSession>, RowError> {
    Entity::find_by_id(image.as_str()).one(db).await?.map(as_session).transpose()
}

fn as_session(row: Model) -> Result<UploadSession, RowError> {
    let number = |name, value: i64| {
        u64::try_from(value).map_err(|_| content("scurry_uploads", name, &value.to_string()))
    };
    let holder = match (row.holder, row.node, row.lease_expires_at) {
        (Some(id), Some(node), Some(until)) => Some(Holder { id, node, until: until.0 }),
        _ => None,
    };
    Ok(UploadSession {
        image: row.image_id.parse().map_err(|_| content("scurry_uploads", "image_id", &row.image_id))?,
        declared_len: row.declared_len.map(|len| number("declared_len", len)).transpose()?,
        offset: number("durable", row.durable)?,
        id: row.id,
        write: row.write_id,
        store: row.store_id.into(),
        checkpoint: row.checkpoint,
        complete: row.complete,
        holder,
        touched_at: row.touched_at.0,
    })
}

async fn claim(db: &Database, image: &ImageId, holder: &Holder, now: Stamp) -> Result<Claim, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let own = || Entity::update_many().filter(Column::ImageId.eq(image.as_str()));
    let unheld = Column::Holder.is_null().or(Column::LeaseExpiresAt.lt(now));
    let hold = [
        (Column::Holder, Expr::value(holder.id.as_str())),
        (Column::Node, Expr::value(holder.node.as_str())),
        (Column::LeaseExpiresAt, Expr::value(Stamp::from(holder.until))),
        (Column::Wanted, Expr::value(false)),
    ];
    let claim = if change(transaction, own().filter(unheld), hold).await? {
        match one(transaction, image).await? {
            Some(session) => {
                write::Entity::update_many()
                    .col_expr(write::Column::Node, Expr::value(holder.node.as_str()))
                    .filter(write::Column::Id.eq(&session.write))
                    .exec(transaction)
                    .await?;
                Claim::Held(Box::new(session))
            }
            None => Claim::Gone,
        }
    } else {
        let wanted = own().col_expr(Column::Wanted, Expr::value(true)).exec(transaction).await?;
        if wanted.rows_affected > 0 { Claim::Busy } else { Claim::Gone }
    };
    writing.commit().await?;
    Ok(claim)
}

async fn renew(db: &Database, hold: &Hold, until: Stamp) -> Result<Renewal, RowError> {
    let writing = db.write().await?;
    let renewed =
        change(&writing.transaction, held(hold), [(Column::LeaseExpiresAt, Expr::value(until))]).await?;
    let wanted = Entity::find()
        .select_only()
        .column(Column::Wanted)
        .filter(Column::Id.eq(&hold.session))
        .into_tuple::<bool>()
        .one(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(match (renewed, wanted) {
        (true, Some(true)) => Renewal::Wanted,
        (true, _) => Renewal::Kept,
        (false, _) => Renewal::Lost,
    })
}

async fn forget(db: &Database, hold: &Hold) -> Result<bool, RowError> {
    let writing = db.write().await?;
    let gone = Entity::delete_many()
        .filter(Column::Id.eq(&hold.session))
        .filter(Column::Holder.eq(&hold.holder))
        .exec(&writing.transaction)
        .await?;
    writing.commit().await?;
    Ok(gone.rows_affected > 0)
}

async fn idle(db: &Database, since: Stamp) -> Result<Vec<ImageId>, RowError> {
    let ids: Vec<String> = Entity::find()
        .select_only()
        .column(Column::ImageId)
        .filter(Column::TouchedAt.lt(since))
        .filter(Column::Holder.is_null().or(Column::LeaseExpiresAt.lt(Stamp::now())))
        .into_tuple()
        .all(&db.connection)
        .await?;
    ids.into_iter().map(|id| id.parse().map_err(|_| content("scurry_uploads", "image_id", &id))).collect()
}
