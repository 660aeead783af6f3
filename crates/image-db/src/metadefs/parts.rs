// SPDX-License-Identifier: Apache-2.0
//! Rows of what namespaces hold: found, added, rewritten, removed. `namespace` is a namespace's id.

use scurry_image::metadef::{Association, Contents, Item, Object, Part, Property, Tag};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, SqlErr,
};
use serde_json::{Map, Value};

use crate::entity::{
    metadef_association as association, metadef_object as object, metadef_property as property,
    metadef_resource_type as resource_type, metadef_tag as tag,
};
use crate::stamp::Stamp;

/// Whether a statement was carried out; `false` when a name is taken.
pub(super) fn unless_taken<T>(result: Result<T, DbErr>) -> Result<bool, DbErr> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

fn text(definition: &Map<String, Value>) -> String {
    serde_json::to_string(definition).unwrap_or_else(|_| "{}".to_owned())
}

fn required(object: &Object) -> Option<String> {
    (!object.required.is_empty()).then(|| object.required.join(","))
}

/// Adds everything; the first whose name is taken ends it.
pub(super) async fn insert_all<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    contents: &Contents,
) -> Result<Option<(Part, String)>, DbErr> {
    for one in &contents.associations {
        let id = resource_type_id(db, &one.name, false).await?;
        if !insert_association(db, namespace, id, one).await? {
            return Ok(Some((Part::Associations, one.name.clone())));
        }
    }
    for one in &contents.objects {
        if !insert_object(db, namespace, one).await? {
            return Ok(Some((Part::Objects, one.name.clone())));
        }
    }
    for one in &contents.tags {
        if !insert_tag(db, namespace, one).await? {
            return Ok(Some((Part::Tags, one.name.clone())));
        }
    }
    for one in &contents.properties {
        if !insert_property(db, namespace, one).await? {
            return Ok(Some((Part::Properties, one.name.clone())));
        }
    }
    Ok(None)
}

pub(super) async fn insert_object<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    new: &Object,
) -> Result<bool, DbErr> {
    let row = object::ActiveModel {
        id: NotSet,
        namespace_id: Set(namespace),
        name: Set(new.name.clone()),
        description: Set(new.description.clone()),
        required: Set(required(new)),
        json_schema: Set(text(&new.properties)),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
    };
    unless_taken(object::Entity::insert(row).exec_without_returning(db).await)
}

pub(super) async fn insert_property<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    new: &Property,
) -> Result<bool, DbErr> {
    let now = Stamp::now();
    let row = property::ActiveModel {
        id: NotSet,
        namespace_id: Set(namespace),
        name: Set(new.name.clone()),
        json_schema: Set(text(&new.schema)),
        created_at: Set(now),
        updated_at: Set(Some(now)),
    };
    unless_taken(property::Entity::insert(row).exec_without_returning(db).await)
}

pub(super) async fn insert_tag<C: ConnectionTrait>(db: &C, namespace: i32, new: &Tag) -> Result<bool, DbErr> {
    let row = tag::ActiveModel {
        id: NotSet,
        namespace_id: Set(namespace),
        name: Set(new.name.clone()),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
    };
    unless_taken(tag::Entity::insert(row).exec_without_returning(db).await)
}

pub(super) async fn insert_association<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    resource_type: i32,
    new: &Association,
) -> Result<bool, DbErr> {
    let row = association::ActiveModel {
        resource_type_id: Set(resource_type),
        namespace_id: Set(namespace),
        properties_target: Set(new.properties_target.clone()),
        prefix: Set(new.prefix.clone()),
        created_at: Set(new.created_at.into()),
        updated_at: Set(Some(new.updated_at.into())),
    };
    unless_taken(association::Entity::insert(row).exec_without_returning(db).await)
}

/// Id of a resource type, which is made when missing. Operators' own are protected.
pub(super) async fn resource_type_id<C: ConnectionTrait>(
    db: &C,
    name: &str,
    protected: bool,
) -> Result<i32, DbErr> {
    let find = || resource_type::Entity::find().filter(resource_type::Column::Name.eq(name));
    if let Some(row) = find().one(db).await? {
        return Ok(row.id);
    }
    let now = Stamp::now();
    let row = resource_type::ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        protected: Set(protected),
        created_at: Set(now),
        updated_at: Set(Some(now)),
    };
    // Another transaction may be faster; whose row it is does not matter.
    resource_type::Entity::insert(row).on_conflict_do_nothing().exec_without_returning(db).await?;
    let row = find().one(db).await?;
    row.map(|row| row.id).ok_or_else(|| DbErr::RecordNotFound("a resource type".to_owned()))
}

/// Id of the row of that name; for associations that of the resource type.
pub(super) async fn find<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    part: Part,
    name: &str,
) -> Result<Option<i32>, DbErr> {
    match part {
        Part::Objects => {
            let query = object::Entity::find().select_only().column(object::Column::Id);
            let query = query.filter(object::Column::NamespaceId.eq(namespace));
            query.filter(object::Column::Name.eq(name)).into_tuple().one(db).await
        }
        Part::Properties => {
            let query = property::Entity::find().select_only().column(property::Column::Id);
            let query = query.filter(property::Column::NamespaceId.eq(namespace));
            query.filter(property::Column::Name.eq(name)).into_tuple().one(db).await
        }
        Part::Tags => {
            let query = tag::Entity::find().select_only().column(tag::Column::Id);
            let query = query.filter(tag::Column::NamespaceId.eq(namespace));
            query.filter(tag::Column::Name.eq(name)).into_tuple().one(db).await
        }
        Part::Associations => {
            let kind = resource_type::Entity::find().filter(resource_type::Column::Name.eq(name));
            let Some(kind) = kind.one(db).await? else { return Ok(None) };
            let row = association::Entity::find_by_id((kind.id, namespace)).one(db).await?;
            Ok(row.map(|row| row.resource_type_id))
        }
    }
}

/// Rewrites a row; `false` when its new name is taken.
pub(super) async fn update<C: ConnectionTrait>(db: &C, id: i32, new: &Item) -> Result<bool, DbErr> {
    let now = Expr::value(Stamp::now());
    let result = match new {
        Item::Object(new) => {
            object::Entity::update_many()
                .col_expr(object::Column::Name, Expr::value(new.name.as_str()))
                .col_expr(object::Column::Description, Expr::value(new.description.clone()))
                .col_expr(object::Column::Required, Expr::value(required(new)))
                .col_expr(object::Column::JsonSchema, Expr::value(text(&new.properties)))
                .col_expr(object::Column::UpdatedAt, now)
                .filter(object::Column::Id.eq(id))
                .exec(db)
                .await
        }
        Item::Property(new) => {
            property::Entity::update_many()
                .col_expr(property::Column::Name, Expr::value(new.name.as_str()))
                .col_expr(property::Column::JsonSchema, Expr::value(text(&new.schema)))
                .col_expr(property::Column::UpdatedAt, now)
                .filter(property::Column::Id.eq(id))
                .exec(db)
                .await
        }
        Item::Tag(new) => {
            tag::Entity::update_many()
                .col_expr(tag::Column::Name, Expr::value(new.name.as_str()))
                .col_expr(tag::Column::UpdatedAt, now)
                .filter(tag::Column::Id.eq(id))
                .exec(db)
                .await
        }
    };
    unless_taken(result)
}

/// Rewrites an association.
pub(super) async fn update_association<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    resource_type: i32,
    new: &Association,
) -> Result<(), DbErr> {
    association::Entity::update_many()
        .col_expr(association::Column::Prefix, Expr::value(new.prefix.clone()))
        .col_expr(association::Column::PropertiesTarget, Expr::value(new.properties_target.clone()))
        .col_expr(association::Column::UpdatedAt, Expr::value(Stamp::now()))
        .filter(association::Column::NamespaceId.eq(namespace))
        .filter(association::Column::ResourceTypeId.eq(resource_type))
        .exec(db)
        .await?;
    Ok(())
}

fn only(id: Option<i32>, column: impl ColumnTrait) -> Condition {
    id.map_or_else(Condition::all, |id| Condition::all().add(column.eq(id)))
}

/// Removes one row (see [`find`]) or all of a namespace.
pub(super) async fn delete<C: ConnectionTrait>(
    db: &C,
    namespace: i32,
    part: Part,
    id: Option<i32>,
) -> Result<(), DbErr> {
    match part {
        Part::Objects => {
            let all = object::Entity::delete_many().filter(object::Column::NamespaceId.eq(namespace));
            all.filter(only(id, object::Column::Id)).exec(db).await?
        }
        Part::Properties => {
            let all = property::Entity::delete_many().filter(property::Column::NamespaceId.eq(namespace));
            all.filter(only(id, property::Column::Id)).exec(db).await?
        }
        Part::Tags => {
            let all = tag::Entity::delete_many().filter(tag::Column::NamespaceId.eq(namespace));
            all.filter(only(id, tag::Column::Id)).exec(db).await?
        }
        Part::Associations => {
            let all =
                association::Entity::delete_many().filter(association::Column::NamespaceId.eq(namespace));
            all.filter(only(id, association::Column::ResourceTypeId)).exec(db).await?
        }
    };
    Ok(())
}
