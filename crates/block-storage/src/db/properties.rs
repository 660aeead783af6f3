// SPDX-License-Identifier: Apache-2.0
//! Key/value sets of volumes, snapshots and types.

use std::collections::{BTreeMap, HashMap};

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Set};

use super::entity::property;

/// A key/value set, ordered by key.
pub(crate) type Properties = BTreeMap<String, String>;

/// Which set of its owner a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    /// The user's metadata.
    User,
    /// Metadata the service keeps, of which users see `readonly` and `attached_mode`.
    Admin,
    /// What a bootable volume inherited from its image.
    Image,
    /// A type's extra specs.
    Specs,
    /// Projects that may use a private type (keys; values are empty).
    Access,
}

impl Space {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Image => "image",
            Self::Specs => "specs",
            Self::Access => "access",
        }
    }
}

/// The set of one owner.
pub(crate) async fn get(db: &impl ConnectionTrait, owner: &str, space: Space) -> Result<Properties, DbErr> {
    Ok(of_many(db, &[owner.to_owned()], space).await?.remove(owner).unwrap_or_default())
}

/// The sets of many owners; owners without a key are absent.
pub(crate) async fn of_many(
    db: &impl ConnectionTrait,
    owners: &[String],
    space: Space,
) -> Result<HashMap<String, Properties>, DbErr> {
    let mut sets: HashMap<String, Properties> = HashMap::new();
    // SQLite bounds the number of parameters of a statement.
    for owners in owners.chunks(5000) {
        let rows = property::Entity::find()
            .filter(property::Column::Space.eq(space.name()))
            .filter(property::Column::OwnerId.is_in(owners.iter().cloned()))
            .order_by_asc(property::Column::Name)
            .all(db)
            .await?;
        for row in rows {
            sets.entry(row.owner_id).or_default().insert(row.name, row.value);
        }
    }
    Ok(sets)
}

/// Adds and overwrites keys.
pub(crate) async fn merge(
    db: &impl ConnectionTrait,
    owner: &str,
    space: Space,
    set: &Properties,
) -> Result<(), DbErr> {
    if set.is_empty() {
        return Ok(());
    }
    let rows = set.iter().map(|(name, value)| property::ActiveModel {
        owner_id: Set(owner.to_owned()),
        space: Set(space.name().to_owned()),
        name: Set(name.clone()),
        value: Set(value.clone()),
    });
    property::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([property::Column::OwnerId, property::Column::Space, property::Column::Name])
                .update_column(property::Column::Value)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// Removes every key of the set, then writes `set`. Call it inside a transaction.
pub(crate) async fn replace(
    db: &impl ConnectionTrait,
    owner: &str,
    space: Space,
    set: &Properties,
) -> Result<(), DbErr> {
    property::Entity::delete_many()
        .filter(property::Column::OwnerId.eq(owner))
        .filter(property::Column::Space.eq(space.name()))
        .exec(db)
        .await?;
    merge(db, owner, space, set).await
}

/// Removes one key; false when there was none.
pub(crate) async fn remove(
    db: &impl ConnectionTrait,
    owner: &str,
    space: Space,
    name: &str,
) -> Result<bool, DbErr> {
    let done = property::Entity::delete_many()
        .filter(property::Column::OwnerId.eq(owner))
        .filter(property::Column::Space.eq(space.name()))
        .filter(property::Column::Name.eq(name))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Removes every set of an owner that goes away.
pub(crate) async fn forget(db: &impl ConnectionTrait, owner: &str) -> Result<(), DbErr> {
    property::Entity::delete_many().filter(property::Column::OwnerId.eq(owner)).exec(db).await.map(|_| ())
}
