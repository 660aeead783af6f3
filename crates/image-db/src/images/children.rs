// SPDX-License-Identifier: Apache-2.0
//! Properties, tags and locations: rows that are marked as deleted, never removed.

use std::collections::{BTreeMap, BTreeSet};

use scurry_image::ImageLocation;
use scurry_image::ports::Outcome;
use scurry_types::ImageId;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::RowError;
use super::read::live;
use crate::entity::{location, property, tag};
use crate::stamp::Stamp;

/// Prefix of properties that belong to the service.
const RESERVED: &str = "os_glance";

async fn property_row<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    name: &str,
) -> Result<Option<property::Model>, RowError> {
    let find = property::Entity::find()
        .filter(property::Column::ImageId.eq(id.as_str()))
        .filter(property::Column::Name.eq(name));
    Ok(find.one(db).await?)
}

pub(super) async fn deleted_property<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    name: &str,
) -> Result<Option<String>, RowError> {
    Ok(property_row(db, id, name).await?.filter(|row| row.deleted).and_then(|row| row.value))
}

/// Adds a property that must not be there. A row marked as deleted keeps its unique name and comes back.
pub(super) async fn claim_property<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    name: &str,
    value: &str,
) -> Result<Outcome, RowError> {
    if property_row(db, id, name).await?.is_some_and(|row| !row.deleted) {
        return Ok(Outcome::Taken);
    }
    set_property(db, id, name, value).await?;
    Ok(Outcome::Done)
}

pub(super) async fn set_property<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    name: &str,
    value: &str,
) -> Result<(), RowError> {
    let now = Stamp::now();
    let Some(row) = property_row(db, id, name).await? else {
        let row = property::ActiveModel {
            id: NotSet,
            image_id: Set(id.as_str().to_owned()),
            name: Set(name.to_owned()),
            value: Set(Some(value.to_owned())),
            created_at: Set(now),
            updated_at: Set(Some(now)),
            deleted_at: Set(None),
            deleted: Set(false),
        };
        property::Entity::insert(row).exec_without_returning(db).await?;
        return Ok(());
    };
    property::Entity::update_many()
        .col_expr(property::Column::Value, Expr::value(value))
        .col_expr(property::Column::UpdatedAt, Expr::value(now))
        .col_expr(property::Column::DeletedAt, Expr::value(None::<Stamp>))
        .col_expr(property::Column::Deleted, Expr::value(false))
        .filter(property::Column::Id.eq(row.id))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn remove_property<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    name: &str,
) -> Result<(), RowError> {
    property::Entity::update_many()
        .col_expr(property::Column::DeletedAt, Expr::value(Stamp::now()))
        .col_expr(property::Column::Deleted, Expr::value(true))
        .filter(property::Column::ImageId.eq(id.as_str()))
        .filter(property::Column::Name.eq(name))
        .filter(live(property::Column::Deleted))
        .exec(db)
        .await?;
    Ok(())
}

/// Puts a word into a comma separated property, or takes it out.
pub(super) async fn list_property<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    name: &str,
    word: &str,
    present: bool,
) -> Result<(), RowError> {
    let row = property_row(db, id, name).await?.filter(|row| !row.deleted);
    let text = row.and_then(|row| row.value).unwrap_or_default();
    let mut words: Vec<&str> = text.split(',').filter(|one| !one.is_empty() && *one != word).collect();
    if present {
        words.push(word);
    }
    set_property(db, id, name, &words.join(",")).await
}

/// Makes these all properties a client has set.
pub(super) async fn set_properties<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    properties: &BTreeMap<String, String>,
) -> Result<(), RowError> {
    let rows = property::Entity::find()
        .filter(property::Column::ImageId.eq(id.as_str()))
        .filter(live(property::Column::Deleted))
        .all(db)
        .await?;
    let mut there = BTreeMap::new();
    for row in rows {
        if row.name.starts_with(RESERVED) {
            continue;
        }
        if properties.contains_key(&row.name) {
            there.insert(row.name, row.value);
        } else {
            remove_property(db, id, &row.name).await?;
        }
    }
    for (name, value) in properties.iter().filter(|(name, _)| !name.starts_with(RESERVED)) {
        if there.get(name).and_then(Option::as_deref) != Some(value) {
            set_property(db, id, name, value).await?;
        }
    }
    Ok(())
}

pub(super) async fn add_tag<C: ConnectionTrait>(db: &C, id: &ImageId, text: &str) -> Result<(), RowError> {
    let there = tag::Entity::find()
        .filter(tag::Column::ImageId.eq(id.as_str()))
        .filter(tag::Column::Value.eq(text))
        .filter(live(tag::Column::Deleted))
        .one(db)
        .await?;
    if there.is_some() {
        return Ok(());
    }
    let now = Stamp::now();
    let row = tag::ActiveModel {
        id: NotSet,
        image_id: Set(id.as_str().to_owned()),
        value: Set(text.to_owned()),
        created_at: Set(now),
        updated_at: Set(Some(now)),
        deleted_at: Set(None),
        deleted: Set(false),
    };
    tag::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn remove_tag<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    text: &str,
) -> Result<Outcome, RowError> {
    let removed = tag::Entity::update_many()
        .col_expr(tag::Column::DeletedAt, Expr::value(Stamp::now()))
        .col_expr(tag::Column::Deleted, Expr::value(true))
        .filter(tag::Column::ImageId.eq(id.as_str()))
        .filter(tag::Column::Value.eq(text))
        .filter(live(tag::Column::Deleted))
        .exec(db)
        .await?;
    Ok(if removed.rows_affected > 0 { Outcome::Done } else { Outcome::Refused })
}

pub(super) async fn set_tags<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    tags: &BTreeSet<String>,
) -> Result<(), RowError> {
    let rows = tag::Entity::find()
        .filter(tag::Column::ImageId.eq(id.as_str()))
        .filter(live(tag::Column::Deleted))
        .all(db)
        .await?;
    for row in rows.iter().filter(|row| !tags.contains(&row.value)) {
        let _ = remove_tag(db, id, &row.value).await?;
    }
    for text in tags {
        add_tag(db, id, text).await?;
    }
    Ok(())
}

pub(super) async fn add_location<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    new: &ImageLocation,
) -> Result<(), RowError> {
    let now = Stamp::now();
    let row = location::ActiveModel {
        id: NotSet,
        image_id: Set(id.as_str().to_owned()),
        value: Set(new.url.clone()),
        meta_data: Set(Some(serde_json::Value::Object(new.metadata.clone()).to_string())),
        status: Set(new.status.clone()),
        created_at: Set(now),
        updated_at: Set(Some(now)),
        deleted_at: Set(None),
        deleted: Set(false),
    };
    location::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn remove_location<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    url: &str,
) -> Result<Outcome, RowError> {
    let removed = location::Entity::update_many()
        .col_expr(location::Column::DeletedAt, Expr::value(Stamp::now()))
        .col_expr(location::Column::Deleted, Expr::value(true))
        .col_expr(location::Column::Status, Expr::value("deleted"))
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(location::Column::Value.eq(url))
        .filter(live(location::Column::Deleted))
        .exec(db)
        .await?;
    Ok(if removed.rows_affected > 0 { Outcome::Done } else { Outcome::Refused })
}

/// Makes these all locations, in this order.
pub(super) async fn set_locations<C: ConnectionTrait>(
    db: &C,
    id: &ImageId,
    locations: &[ImageLocation],
) -> Result<(), RowError> {
    location::Entity::update_many()
        .col_expr(location::Column::DeletedAt, Expr::value(Stamp::now()))
        .col_expr(location::Column::Deleted, Expr::value(true))
        .col_expr(location::Column::Status, Expr::value("deleted"))
        .filter(location::Column::ImageId.eq(id.as_str()))
        .filter(live(location::Column::Deleted))
        .exec(db)
        .await?;
    for one in locations {
        add_location(db, id, one).await?;
    }
    Ok(())
}
