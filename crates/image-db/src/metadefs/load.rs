// SPDX-License-Identifier: Apache-2.0
//! Taking in operators' definitions, and removing all.

use scurry_image::metadef::{Contents, Item, Namespace, Part};
use scurry_image::ports::{Existing, Loaded};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::{parts, read, write};
use crate::connection::Database;
use crate::entity::{
    metadef_association, metadef_namespace, metadef_object, metadef_property, metadef_resource_type,
    metadef_tag,
};
use crate::images::RowError;
use crate::stamp::Stamp;

pub(super) async fn load(
    db: &Database,
    new: &Namespace,
    contents: &Contents,
    existing: Existing,
) -> Result<Loaded, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    let there = read::held(transaction, &new.name).await?;
    let (id, loaded) = match (there, existing) {
        (Some(_), Existing::Skip) => {
            writing.rollback().await?;
            return Ok(Loaded::Skipped);
        }
        (Some(row), Existing::Complete) => (row.id, Loaded::Merged),
        (Some(row), Existing::Update) => {
            write::update(transaction, row.id, new).await?;
            (row.id, Loaded::Merged)
        }
        (Some(row), Existing::Replace) => {
            write::delete_row(transaction, row.id).await?;
            (insert(transaction, new).await?, Loaded::Replaced)
        }
        (None, _) => (insert(transaction, new).await?, Loaded::Created),
    };
    merge(transaction, id, contents, existing == Existing::Update).await?;
    writing.commit().await?;
    Ok(loaded)
}

async fn insert<C: ConnectionTrait>(db: &C, new: &Namespace) -> Result<i32, DbErr> {
    write::insert(db, new).await?.ok_or_else(|| DbErr::RecordNotInserted)
}

/// Adds what the namespace lacks; with `rewrite`, what it has becomes as in `contents`. A name that comes twice counts
/// once.
async fn merge<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    contents: &Contents,
    rewrite: bool,
) -> Result<(), DbErr> {
    for one in &contents.associations {
        let id = parts::resource_type_id(db, &one.name, true).await?;
        let there = parts::find(db, namespace, Part::Associations, &one.name).await?.is_some();
        if !there {
            parts::insert_association(db, namespace, id, one).await?;
        } else if rewrite {
            touch(db, id).await?;
            parts::update_association(db, namespace, id, one).await?;
        }
    }
    let objects = contents.objects.iter().cloned().map(Item::Object);
    let properties = contents.properties.iter().cloned().map(Item::Property);
    let tags = contents.tags.iter().cloned().map(Item::Tag);
    for item in objects.chain(properties).chain(tags) {
        match parts::find(db, namespace, item.part(), item.name()).await? {
            Some(id) if rewrite => {
                parts::update(db, id, &item).await?;
            }
            Some(_) => {}
            None => {
                match &item {
                    Item::Object(object) => parts::insert_object(db, namespace, object).await?,
                    Item::Property(property) => parts::insert_property(db, namespace, property).await?,
                    Item::Tag(tag) => parts::insert_tag(db, namespace, tag).await?,
                };
            }
        }
    }
    Ok(())
}

async fn touch<C: ConnectionTrait>(db: &C, resource_type: i32) -> Result<(), DbErr> {
    metadef_resource_type::Entity::update_many()
        .col_expr(metadef_resource_type::Column::UpdatedAt, Expr::value(Stamp::now()))
        .filter(metadef_resource_type::Column::Id.eq(resource_type))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn unload(db: &Database) -> Result<u64, RowError> {
    let writing = db.write().await?;
    let transaction = &writing.transaction;
    metadef_property::Entity::delete_many().exec(transaction).await?;
    metadef_object::Entity::delete_many().exec(transaction).await?;
    metadef_tag::Entity::delete_many().exec(transaction).await?;
    metadef_association::Entity::delete_many().exec(transaction).await?;
    let namespaces = metadef_namespace::Entity::delete_many().exec(transaction).await?;
    metadef_resource_type::Entity::delete_many().exec(transaction).await?;
    writing.commit().await?;
    Ok(namespaces.rows_affected)
}
