// SPDX-License-Identifier: Apache-2.0
//! Rows of metadata definitions as the use cases see them.

use std::collections::HashMap;

use scurry_image::metadef::{Association, Contents, Namespace, Object, Part, Property, ResourceType, Tag};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};

use crate::entity::{
    metadef_association, metadef_namespace, metadef_object, metadef_property, metadef_resource_type,
    metadef_tag,
};
use crate::images::RowError;

pub(super) async fn row<C: ConnectionTrait>(
    db: &C,
    name: &str,
) -> Result<Option<metadef_namespace::Model>, RowError> {
    let query = metadef_namespace::Entity::find().filter(metadef_namespace::Column::Namespace.eq(name));
    Ok(query.one(db).await?)
}

/// The row, held until the transaction ends.
pub(super) async fn held<C: ConnectionTrait>(
    db: &C,
    name: &str,
) -> Result<Option<metadef_namespace::Model>, RowError> {
    let query = metadef_namespace::Entity::find().filter(metadef_namespace::Column::Namespace.eq(name));
    Ok(query.lock_exclusive().one(db).await?)
}

pub(super) fn as_namespace(row: metadef_namespace::Model) -> Namespace {
    Namespace {
        name: row.namespace,
        display_name: row.display_name,
        description: row.description,
        public: row.visibility.as_deref() == Some("public"),
        protected: row.protected.unwrap_or(false),
        owner: row.owner,
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
    }
}

pub(super) async fn contents<C: ConnectionTrait>(
    db: &C,
    namespace: &str,
    parts: &[Part],
) -> Result<Contents, RowError> {
    let Some(row) = row(db, namespace).await? else { return Ok(Contents::default()) };
    contents_of(db, row.id, parts).await
}

pub(super) async fn contents_of<C: ConnectionTrait>(
    db: &C,
    id: i32,
    parts: &[Part],
) -> Result<Contents, RowError> {
    let mut contents = Contents::default();
    for part in parts {
        match part {
            Part::Objects => contents.objects = objects(db, id).await?,
            Part::Properties => contents.properties = properties(db, id).await?,
            Part::Tags => contents.tags = tags(db, id).await?,
            Part::Associations => {
                contents.associations = associations(db, &[id]).await?.remove(&id).unwrap_or_default();
            }
        }
    }
    Ok(contents)
}

pub(super) async fn export<C: ConnectionTrait>(db: &C) -> Result<Vec<(Namespace, Contents)>, RowError> {
    let rows = metadef_namespace::Entity::find().order_by_asc(metadef_namespace::Column::Id).all(db).await?;
    let mut all = Vec::new();
    for row in rows {
        let contents = contents_of(db, row.id, &Part::ALL).await?;
        all.push((as_namespace(row), contents));
    }
    Ok(all)
}

/// A definition's JSON; what is no object (Glance's loader writes `null`) defines nothing.
fn definition(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

async fn objects<C: ConnectionTrait>(db: &C, id: i32) -> Result<Vec<Object>, RowError> {
    let rows = metadef_object::Entity::find()
        .filter(metadef_object::Column::NamespaceId.eq(id))
        .order_by_asc(metadef_object::Column::Id)
        .all(db)
        .await?;
    let object = |row: metadef_object::Model| Object {
        name: row.name,
        description: row.description,
        required: row
            .required
            .filter(|names| !names.is_empty())
            .map(|names| names.split(',').map(str::to_owned).collect())
            .unwrap_or_default(),
        properties: definition(&row.json_schema),
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
    };
    Ok(rows.into_iter().map(object).collect())
}

async fn properties<C: ConnectionTrait>(db: &C, id: i32) -> Result<Vec<Property>, RowError> {
    let rows = metadef_property::Entity::find()
        .filter(metadef_property::Column::NamespaceId.eq(id))
        .order_by_asc(metadef_property::Column::Id)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Property { name: row.name, schema: definition(&row.json_schema) })
        .collect())
}

async fn tags<C: ConnectionTrait>(db: &C, id: i32) -> Result<Vec<Tag>, RowError> {
    let rows = metadef_tag::Entity::find()
        .filter(metadef_tag::Column::NamespaceId.eq(id))
        .order_by_asc(metadef_tag::Column::Id)
        .all(db)
        .await?;
    let tag = |row: metadef_tag::Model| Tag {
        name: row.name,
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
    };
    Ok(rows.into_iter().map(tag).collect())
}

/// Associations by namespace.
pub(super) async fn associations<C: ConnectionTrait>(
    db: &C,
    namespaces: &[i32],
) -> Result<HashMap<i32, Vec<Association>>, RowError> {
    let rows = metadef_association::Entity::find()
        .filter(metadef_association::Column::NamespaceId.is_in(namespaces.iter().copied()))
        .order_by_asc(metadef_association::Column::CreatedAt)
        .order_by_asc(metadef_association::Column::ResourceTypeId)
        .all(db)
        .await?;
    let types = metadef_resource_type::Entity::find()
        .filter(metadef_resource_type::Column::Id.is_in(rows.iter().map(|row| row.resource_type_id)))
        .all(db)
        .await?;
    let names: HashMap<i32, String> = types.into_iter().map(|row| (row.id, row.name)).collect();
    let mut found: HashMap<i32, Vec<Association>> = HashMap::new();
    for row in rows {
        let Some(name) = names.get(&row.resource_type_id) else { continue };
        found.entry(row.namespace_id).or_default().push(Association {
            name: name.clone(),
            prefix: row.prefix,
            properties_target: row.properties_target,
            created_at: row.created_at.0,
            updated_at: row.updated_at.unwrap_or(row.created_at).0,
        });
    }
    Ok(found)
}

pub(super) async fn resource_types<C: ConnectionTrait>(db: &C) -> Result<Vec<ResourceType>, RowError> {
    let rows =
        metadef_resource_type::Entity::find().order_by_asc(metadef_resource_type::Column::Id).all(db).await?;
    let resource_type = |row: metadef_resource_type::Model| ResourceType {
        name: row.name,
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
    };
    Ok(rows.into_iter().map(resource_type).collect())
}
