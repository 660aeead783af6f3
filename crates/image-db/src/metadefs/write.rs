// SPDX-License-Identifier: Apache-2.0
//! Changes of metadata definitions, each in one transaction that is rolled back when it cannot be done whole.

use scurry_image::metadef::{Contents, Item, Namespace, Part};
use scurry_image::ports::MetadefOutcome;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::{parts, read, told};
use crate::connection::{Database, Writing};
use crate::entity::metadef_namespace as namespace;
use crate::images::RowError;
use crate::stamp::Stamp;

/// Ends a transaction: committed when all was done, else rolled back.
async fn end(writing: Writing, outcome: MetadefOutcome) -> Result<MetadefOutcome, RowError> {
    if outcome == MetadefOutcome::Done {
        writing.commit().await?;
    } else {
        writing.rollback().await?;
    }
    Ok(outcome)
}

pub(super) async fn create(
    db: &Database,
    new: &Namespace,
    contents: &Contents,
) -> Result<MetadefOutcome, RowError> {
    let writing = db.write().await?;
    let outcome = match insert(&writing.transaction, new).await? {
        None => MetadefOutcome::NamespaceTaken,
        Some(id) => taken_or_done(parts::insert_all(&writing.transaction, id, contents).await?),
    };
    if let (Some(events), MetadefOutcome::Done) = (&db.events, &outcome) {
        told::namespace(events, &writing.transaction, "metadef_namespace.create", new, &new.name).await?;
        told::created(events, &writing.transaction, &new.name, contents).await?;
    }
    end(writing, outcome).await
}

fn taken_or_done(taken: Option<(Part, String)>) -> MetadefOutcome {
    taken.map_or(MetadefOutcome::Done, |(part, name)| MetadefOutcome::Taken(part, name))
}

/// Adds a namespace's row; `None` when its name is taken.
pub(super) async fn insert<C: ConnectionTrait>(db: &C, new: &Namespace) -> Result<Option<i32>, DbErr> {
    let row = namespace::ActiveModel {
        id: NotSet,
        namespace: Set(new.name.clone()),
        display_name: Set(new.display_name.clone()),
        description: Set(new.description.clone()),
        visibility: Set(Some(new.visibility().to_owned())),
        protected: Set(Some(new.protected)),
        owner: Set(new.owner.clone()),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
    };
    let inserted = namespace::Entity::insert(row).exec(db).await;
    let id = inserted.as_ref().map(|inserted| inserted.last_insert_id).unwrap_or_default();
    Ok(parts::unless_taken(inserted)?.then_some(id))
}

/// Rewrites a namespace's row; `false` when its new name is taken.
pub(super) async fn update<C: ConnectionTrait>(db: &C, id: i32, new: &Namespace) -> Result<bool, DbErr> {
    let result = namespace::Entity::update_many()
        .col_expr(namespace::Column::Namespace, Expr::value(new.name.as_str()))
        .col_expr(namespace::Column::DisplayName, Expr::value(new.display_name.clone()))
        .col_expr(namespace::Column::Description, Expr::value(new.description.clone()))
        .col_expr(namespace::Column::Visibility, Expr::value(new.visibility()))
        .col_expr(namespace::Column::Protected, Expr::value(new.protected))
        .col_expr(namespace::Column::Owner, Expr::value(new.owner.as_str()))
        .col_expr(namespace::Column::UpdatedAt, Expr::value(Stamp::from(new.updated_at)))
        .filter(namespace::Column::Id.eq(id))
        .exec(db)
        .await;
    parts::unless_taken(result)
}

pub(super) async fn change_namespace(
    db: &Database,
    name: &str,
    new: &Namespace,
) -> Result<MetadefOutcome, RowError> {
    let writing = db.write().await?;
    let outcome = match read::held(&writing.transaction, name).await? {
        None => MetadefOutcome::NoNamespace,
        Some(row) if update(&writing.transaction, row.id, new).await? => MetadefOutcome::Done,
        Some(_) => MetadefOutcome::NamespaceTaken,
    };
    if let (Some(events), MetadefOutcome::Done) = (&db.events, &outcome) {
        told::namespace(events, &writing.transaction, "metadef_namespace.update", new, name).await?;
    }
    end(writing, outcome).await
}

/// Removes a namespace's row and all that belongs to it.
pub(super) async fn delete_row<C: ConnectionTrait>(db: &C, id: i32) -> Result<(), DbErr> {
    for part in Part::ALL {
        parts::delete(db, id, part, None).await?;
    }
    namespace::Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

pub(super) async fn delete(db: &Database, name: &str) -> Result<MetadefOutcome, RowError> {
    let writing = db.write().await?;
    let outcome = match read::held(&writing.transaction, name).await? {
        None => MetadefOutcome::NoNamespace,
        Some(row) if row.protected == Some(true) => MetadefOutcome::Protected,
        Some(row) => {
            delete_row(&writing.transaction, row.id).await?;
            if let Some(events) = &db.events {
                let gone = read::as_namespace(row);
                told::namespace_deleted(events, &writing.transaction, &gone).await?;
            }
            MetadefOutcome::Done
        }
    };
    end(writing, outcome).await
}

pub(super) async fn add(
    db: &Database,
    name: &str,
    contents: &Contents,
    replace_tags: bool,
) -> Result<MetadefOutcome, RowError> {
    let writing = db.write().await?;
    let outcome = match read::held(&writing.transaction, name).await? {
        None => MetadefOutcome::NoNamespace,
        Some(row) => {
            if replace_tags {
                parts::delete(&writing.transaction, row.id, Part::Tags, None).await?;
            }
            taken_or_done(parts::insert_all(&writing.transaction, row.id, contents).await?)
        }
    };
    if let (Some(events), MetadefOutcome::Done) = (&db.events, &outcome) {
        told::created(events, &writing.transaction, name, contents).await?;
    }
    end(writing, outcome).await
}

pub(super) async fn change(
    db: &Database,
    name: &str,
    old: &str,
    new: &Item,
) -> Result<MetadefOutcome, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let outcome = match read::held(transaction, name).await? {
        None => MetadefOutcome::NoNamespace,
        Some(row) => match parts::find(transaction, row.id, new.part(), old).await? {
            None => MetadefOutcome::NoItem,
            Some(id) if parts::update(transaction, id, new).await? => MetadefOutcome::Done,
            Some(_) => MetadefOutcome::Taken(new.part(), new.name().to_owned()),
        },
    };
    if let (Some(events), MetadefOutcome::Done) = (&db.events, &outcome) {
        told::changed(events, transaction, name, old, new).await?;
    }
    end(writing, outcome).await
}

/// Removes one thing or, without a name, everything of its kind.
pub(super) async fn remove(
    db: &Database,
    name: &str,
    part: Part,
    item: Option<&str>,
) -> Result<MetadefOutcome, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let Some(row) = read::held(transaction, name).await? else {
        return end(writing, MetadefOutcome::NoNamespace).await;
    };
    let id = match item {
        None => None,
        Some(item) => match parts::find(transaction, row.id, part, item).await? {
            None => return end(writing, MetadefOutcome::NoItem).await,
            found => found,
        },
    };
    let outcome = if row.protected == Some(true) {
        MetadefOutcome::Protected
    } else {
        if let Some(events) = &db.events {
            match item {
                None => told::cleared(events, transaction, part, &read::as_namespace(row.clone())).await?,
                Some(item) => {
                    let contents = read::contents_of(transaction, row.id, &[part]).await?;
                    told::removed(events, transaction, name, item, &contents).await?;
                }
            }
        }
        parts::delete(transaction, row.id, part, id).await?;
        MetadefOutcome::Done
    };
    end(writing, outcome).await
}
