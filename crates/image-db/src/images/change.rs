// SPDX-License-Identifier: Apache-2.0
//! Changes of an image: a guard that is itself the first write, then every step, in one transaction.

use chrono::SubsecRound;
use scurry_image::Image;
use scurry_image::notice::Event;
use scurry_image::ports::{BaseFields, Change, Guard, Outcome};
use scurry_types::{BlockHashes, ImageId, ImageStatus};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, SqlErr,
};

use super::read::live;
use super::{RowError, children, delete, journal, nodes, pending, tasks, uploads};
use crate::connection::Database;
use crate::entity::{block_hash, image, property};
use crate::jobs;
use crate::outbox::Telling;
use crate::stamp::Stamp;

/// Adds an image with its properties, tags and locations.
pub(super) async fn create(db: &Database, new: &Image) -> Result<Outcome, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    if image::Entity::find_by_id(new.id.as_str()).one(transaction).await?.is_some() {
        writing.rollback().await?;
        return Ok(Outcome::Taken);
    }
    let row = image::ActiveModel {
        id: Set(new.id.as_str().to_owned()),
        name: Set(new.name.clone()),
        size: Set(new.size.map(column)),
        status: Set(new.status.as_str().to_owned()),
        disk_format: Set(new.disk_format.clone()),
        container_format: Set(new.container_format.clone()),
        checksum: Set(new.checksum.clone()),
        owner: Set(new.owner.as_ref().map(|owner| owner.as_str().to_owned())),
        min_disk: Set(small(new.min_disk)),
        min_ram: Set(small(new.min_ram)),
        protected: Set(new.protected),
        virtual_size: Set(new.virtual_size.map(column)),
        visibility: Set(new.visibility.into()),
        os_hidden: Set(new.os_hidden),
        os_hash_algo: Set(new.os_hash_algo.clone()),
        os_hash_value: Set(new.os_hash_value.clone()),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
        deleted_at: NotSet,
        deleted: Set(false),
    };
    match image::Entity::insert(row).exec_without_returning(transaction).await {
        // Another node was faster.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            writing.rollback().await?;
            return Ok(Outcome::Taken);
        }
        inserted => inserted?,
    };
    for (name, value) in &new.properties {
        children::set_property(transaction, &new.id, name, value).await?;
    }
    children::set_tags(transaction, &new.id, &new.tags).await?;
    for location in &new.locations {
        children::add_location(transaction, &new.id, location).await?;
    }
    if let Some(events) = &db.events {
        events.keep(transaction, &Event::from(new)).await?;
    }
    writing.commit().await?;
    Ok(Outcome::Done)
}

/// A number as Glance's columns of 32 bits hold it; what clients may set is no greater.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

/// A length as the databases hold it.
pub(super) fn column(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Makes all changes when the guard holds, else none.
pub(super) async fn change(
    db: &Database,
    id: &ImageId,
    guard: &Guard,
    changes: &[Change],
) -> Result<Outcome, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let mut outcome = check(transaction, id, guard).await?;
    let telling =
        if outcome == Outcome::Done { Telling::begin(db, transaction, id, changes).await? } else { None };
    for one in changes {
        if outcome != Outcome::Done {
            break;
        }
        outcome = step(transaction, id, one).await?;
    }
    match outcome {
        Outcome::Done => {
            if let Some(telling) = telling {
                telling.end(transaction, id, changes).await?;
            }
            writing.commit().await?;
        }
        Outcome::Refused | Outcome::Taken => writing.rollback().await?,
    }
    Ok(outcome)
}

/// Waits for whoever changes the image, so that all that is read from here on is what they left. SQLite has one writer.
pub(super) async fn lock<C: ConnectionTrait>(db: &C, id: &ImageId) -> Result<(), RowError> {
    if db.get_database_backend() != DbBackend::Sqlite {
        let row = image::Entity::find_by_id(id.as_str()).select_only().column(image::Column::Id);
        row.lock_exclusive().into_tuple::<String>().one(db).await?;
    }
    Ok(())
}

const fn is_mysql(backend: DbBackend) -> bool {
    matches!(backend, DbBackend::MySql)
}

/// The stamp of a change. Glance's columns in MySQL hold whole seconds: there each change counts at least one on, so
/// that two in one second can be told apart.
fn touched(backend: DbBackend) -> Expr {
    let now = Expr::value(Stamp::now());
    if !is_mysql(backend) {
        return now;
    }
    let next = "GREATEST(?, COALESCE(updated_at, created_at) + INTERVAL 1 SECOND)";
    Expr::cust_with_exprs(next, [now])
}

async fn check<C: ConnectionTrait>(db: &C, id: &ImageId, guard: &Guard) -> Result<Outcome, RowError> {
    lock(db, id).await?;
    let mut touch = image::Entity::update_many()
        .col_expr(image::Column::UpdatedAt, touched(db.get_database_backend()))
        .filter(image::Column::Id.eq(id.as_str()));
    if matches!(guard.states.as_slice(), [ImageStatus::Deleted | ImageStatus::PendingDelete]) {
        touch = touch.filter(image::Column::Deleted.eq(true));
    } else {
        touch = touch.filter(live(image::Column::Deleted));
    }
    if !guard.states.is_empty() {
        let states = guard.states.iter().map(|status| status.as_str());
        touch = touch.filter(image::Column::Status.is_in(states));
    }
    if guard.unprotected {
        touch = touch.filter(image::Column::Protected.eq(false));
    }
    if let Some(time) = guard.unchanged_since {
        let time = if is_mysql(db.get_database_backend()) { time.trunc_subsecs(0) } else { time };
        let columns =
            [image::Column::UpdatedAt, image::Column::CreatedAt].map(IntoSimpleExpr::into_simple_expr);
        touch = touch.filter(Expr::from(Func::coalesce(columns)).eq(Stamp::from(time)));
    }
    let mut holder = Query::select();
    holder
        .column(property::Column::ImageId)
        .from(property::Entity)
        .and_where(live(property::Column::Deleted))
        .and_where(property::Column::Name.eq(super::read::HOLD));
    if let Some(task) = &guard.held_by {
        let mut ours = holder.clone();
        ours.and_where(property::Column::Value.eq(task.as_str()));
        touch = touch.filter(Expr::col(image::Column::Id).in_subquery(ours));
    }
    if guard.free {
        touch = touch.filter(Expr::col(image::Column::Id).not_in_subquery(holder));
    }
    let touched = touch.exec(db).await?.rows_affected;
    Ok(if touched == 1 { Outcome::Done } else { Outcome::Refused })
}

async fn step<C: ConnectionTrait>(db: &C, id: &ImageId, change: &Change) -> Result<Outcome, RowError> {
    match change {
        Change::Status(status) => {
            set(db, id, [(image::Column::Status, Expr::value(status.as_str()))]).await?;
            if !matches!(status, ImageStatus::Uploading | ImageStatus::Importing) {
                nodes::unstage(db, id).await?;
            }
        }
        Change::Staged(node) => nodes::stage(db, id, node).await?,
        Change::ClaimObject(url) => return nodes::claim_object(db, id, url).await,
        Change::Base(fields) => base(db, id, fields).await?,
        Change::Formats { disk, container } => {
            let columns = [
                (image::Column::DiskFormat, Expr::value(disk.clone())),
                (image::Column::ContainerFormat, Expr::value(container.clone())),
            ];
            set(db, id, columns).await?;
        }
        Change::Sizes { size, virtual_size } => {
            let columns = [
                (image::Column::Size, Expr::value(size.map(column))),
                (image::Column::VirtualSize, Expr::value(virtual_size.map(column))),
            ];
            set(db, id, columns).await?;
        }
        Change::Hashes { checksum, os_hash_algo, os_hash_value } => {
            let columns = [
                (image::Column::Checksum, Expr::value(checksum.clone())),
                (image::Column::OsHashAlgo, Expr::value(os_hash_algo.clone())),
                (image::Column::OsHashValue, Expr::value(os_hash_value.clone())),
            ];
            set(db, id, columns).await?;
        }
        Change::BlockHashes(hashes) => block_hashes(db, id, hashes.as_ref()).await?,
        Change::ClaimProperty(name, value) => return children::claim_property(db, id, name, value).await,
        Change::SetProperty(name, value) => children::set_property(db, id, name, value).await?,
        Change::RemoveProperty(name) => children::remove_property(db, id, name).await?,
        Change::ListProperty { name, store, present } => {
            children::list_property(db, id, name, store.as_str(), *present).await?;
        }
        Change::Properties(properties) => children::set_properties(db, id, properties).await?,
        Change::Tags(tags) => children::set_tags(db, id, tags).await?,
        Change::AddTag(tag) => children::add_tag(db, id, tag).await?,
        Change::RemoveTag(tag) => return children::remove_tag(db, id, tag).await,
        Change::AddLocation(location) => children::add_location(db, id, location).await?,
        Change::RemoveLocation(url) => return children::remove_location(db, id, url).await,
        Change::Locations(locations) => children::set_locations(db, id, locations).await?,
        Change::Journal(row) => journal::add(db, row).await?,
        Change::JournalClear(write) => {
            let ours = journal::clear(db, write).await?;
            return Ok(if ours { Outcome::Done } else { Outcome::Refused });
        }
        Change::OpenSession(session) => uploads::open(db, session).await?,
        Change::CloseSession(hold) => return uploads::close(db, id, hold.as_ref()).await,
        Change::CompleteSession(hold, len) => return uploads::complete(db, hold, *len).await,
        Change::Enqueue(job) => jobs::insert(db, job).await?,
        Change::CancelJobs(kind) => jobs::cancel(db, id, kind).await?,
        Change::AddTask(task) => tasks::add(db, task).await?,
        Change::Task(task, change) => tasks::change(db, task, change).await?,
        // Only told: see `Telling`.
        Change::UploadFailed(_) => {}
        Change::Delete => delete::delete(db, id).await?,
        Change::DeletePending => pending::delete(db, id).await?,
        Change::Restore(status) => pending::restore(db, id, *status).await?,
        Change::PendingLocation { url, waits } => return pending::move_location(db, id, url, *waits).await,
        Change::Undelete(status, locations) => delete::undelete(db, id, *status, locations).await?,
    }
    Ok(Outcome::Done)
}

pub(super) async fn set<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    columns: impl IntoIterator<Item = (image::Column, Expr)>,
) -> Result<(), RowError> {
    let mut update = image::Entity::update_many().filter(image::Column::Id.eq(id.as_str()));
    for (name, value) in columns {
        update = update.col_expr(name, value);
    }
    update.exec(db).await?;
    Ok(())
}

async fn base<C: ConnectionTrait>(db: &C, id: &ImageId, fields: &BaseFields) -> Result<(), RowError> {
    let owner = fields.owner.as_ref().map(|owner| owner.as_str().to_owned());
    let columns = [
        (image::Column::Name, Expr::value(fields.name.clone())),
        (image::Column::Visibility, image::visibility(fields.visibility)),
        (image::Column::Protected, Expr::value(fields.protected)),
        (image::Column::OsHidden, Expr::value(fields.os_hidden)),
        (image::Column::Owner, Expr::value(owner)),
        (image::Column::ContainerFormat, Expr::value(fields.container_format.clone())),
        (image::Column::DiskFormat, Expr::value(fields.disk_format.clone())),
        (image::Column::MinDisk, Expr::value(small(fields.min_disk))),
        (image::Column::MinRam, Expr::value(small(fields.min_ram))),
    ];
    set(db, id, columns).await
}

async fn block_hashes<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    hashes: Option<&BlockHashes>,
) -> Result<(), RowError> {
    let Some(hashes) = hashes else {
        block_hash::Entity::delete_by_id(id.as_str()).exec(db).await?;
        return Ok(());
    };
    let row = block_hash::ActiveModel {
        image_id: Set(id.as_str().to_owned()),
        image_len: Set(column(hashes.image_len)),
        hashes: Set(hashes.to_bytes()),
    };
    let replace = OnConflict::column(block_hash::Column::ImageId)
        .update_columns([block_hash::Column::ImageLen, block_hash::Column::Hashes])
        .to_owned();
    block_hash::Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}
