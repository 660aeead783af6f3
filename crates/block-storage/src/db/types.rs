// SPDX-License-Identifier: Apache-2.0
//! Volume types.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, Set,
};

use super::entity::{volume, volume_type};
use super::now;
use super::properties::{self, Properties, Space};

pub(crate) use super::entity::volume_type::Model as VolumeType;

/// A type by id, else by name.
pub(crate) async fn find(db: &impl ConnectionTrait, id_or_name: &str) -> Result<Option<VolumeType>, DbErr> {
    let found = volume_type::Entity::find()
        .filter(
            Condition::any()
                .add(volume_type::Column::Id.eq(id_or_name))
                .add(volume_type::Column::Name.eq(id_or_name)),
        )
        .all(db)
        .await?;
    Ok(found.iter().find(|t| t.id == id_or_name).or(found.first()).cloned())
}

/// May `project` see and use the type? Administrators may use every type.
pub(crate) async fn usable(
    db: &impl ConnectionTrait,
    kind: &VolumeType,
    project: &str,
) -> Result<bool, DbErr> {
    if kind.is_public {
        return Ok(true);
    }
    Ok(properties::get(db, &kind.id, Space::Access).await?.contains_key(project))
}

/// Every type, by name.
pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<VolumeType>, DbErr> {
    volume_type::Entity::find().order_by_asc(volume_type::Column::Name).all(db).await
}

/// Creates a type. Call it inside a transaction.
pub(crate) async fn create(
    db: &impl ConnectionTrait,
    name: &str,
    description: Option<&str>,
    is_public: bool,
    specs: &Properties,
) -> Result<VolumeType, DbErr> {
    let id = uuid::Uuid::new_v4().to_string();
    let row = volume_type::ActiveModel {
        id: Set(id.clone()),
        name: Set(name.to_owned()),
        description: Set(description.map(str::to_owned)),
        is_public: Set(is_public),
        created_at: Set(now()),
        updated_at: Set(None),
    };
    let row = row.insert(db).await?;
    properties::merge(db, &id, Space::Specs, specs).await?;
    Ok(row)
}

/// How many volumes are of the type.
pub(crate) async fn volumes_of(db: &impl ConnectionTrait, id: &str) -> Result<u64, DbErr> {
    volume::Entity::find().filter(volume::Column::VolumeTypeId.eq(id)).count(db).await
}

/// Removes a type with its specs. Call it inside a transaction.
pub(crate) async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    volume_type::Entity::delete_by_id(id.to_owned()).exec(db).await?;
    properties::forget(db, id).await
}
