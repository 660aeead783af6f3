// SPDX-License-Identifier: Apache-2.0
//! The list of namespaces: visibility, filters, order and pages, all of it in SQL.

use scurry_image::Direction;
use scurry_image::metadef::{Association, Namespace, NamespaceQuery, NamespaceSortKey};
use scurry_image::ports::Viewer;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, Order, QueryFilter, QueryOrder,
    QuerySelect, Value,
};

use super::read;
use crate::entity::metadef_namespace::{Column, Entity, Model};
use crate::entity::{metadef_association, metadef_resource_type};
use crate::images::RowError;

/// A page of namespaces; `None` when the marker is none the viewer sees.
pub(super) async fn page<C: ConnectionTrait>(
    db: &C,
    viewer: Viewer<'_>,
    query: &NamespaceQuery,
) -> Result<Option<Vec<(Namespace, Vec<Association>)>>, RowError> {
    let (first, direction) = query.sort;
    let mut keys = vec![first];
    keys.extend([NamespaceSortKey::CreatedAt, NamespaceSortKey::Id].into_iter().filter(|key| *key != first));
    let mut wanted = visible(viewer);
    if let Some(marker) = &query.marker {
        let row = Entity::find().filter(Column::Namespace.eq(marker)).filter(wanted.clone());
        let Some(row) = row.one(db).await? else { return Ok(None) };
        wanted = wanted.add(behind(&keys, direction, &row));
    }
    if let Some(visibility) = &query.visibility {
        wanted = wanted.add(Column::Visibility.eq(visibility));
    }
    if let Some(types) = &query.resource_types {
        wanted = wanted.add(associated_with(types));
    }
    let order = || if direction == Direction::Asc { Order::Asc } else { Order::Desc };
    let mut select = Entity::find().filter(wanted).limit(u64::from(query.limit));
    for key in keys {
        select = select.order_by(expression(key), order());
    }
    let rows = select.all(db).await?;
    let ids: Vec<i32> = rows.iter().map(|row| row.id).collect();
    let mut associations = read::associations(db, &ids).await?;
    let with_associations = |row: Model| {
        let its = associations.remove(&row.id).unwrap_or_default();
        (read::as_namespace(row), its)
    };
    Ok(Some(rows.into_iter().map(with_associations).collect()))
}

fn visible(viewer: Viewer<'_>) -> Condition {
    let Viewer::Project(project) = viewer else { return Condition::all() };
    let mut may = Condition::any().add(Column::Visibility.eq("public"));
    if let Some(project) = project {
        may = may.add(Column::Owner.eq(project.as_str()));
    }
    Condition::all().add(may)
}

fn associated_with(types: &[String]) -> Condition {
    let mut named = Query::select();
    named
        .column(metadef_resource_type::Column::Id)
        .from(metadef_resource_type::Entity)
        .and_where(metadef_resource_type::Column::Name.is_in(types.iter().map(String::as_str)));
    let mut associated = Query::select();
    associated
        .column(metadef_association::Column::NamespaceId)
        .from(metadef_association::Entity)
        .and_where(metadef_association::Column::ResourceTypeId.in_subquery(named));
    Condition::all().add(Column::Id.in_subquery(associated))
}

/// What rows are compared by: a null counts as the least value, so that pages can go on behind one.
fn expression(key: NamespaceSortKey) -> Expr {
    let text = |column: Column| Func::coalesce([column.into_simple_expr(), Expr::val("")]).into();
    match key {
        NamespaceSortKey::Id => Column::Id.into_simple_expr(),
        NamespaceSortKey::Name => Column::Namespace.into_simple_expr(),
        NamespaceSortKey::DisplayName => text(Column::DisplayName),
        NamespaceSortKey::Description => text(Column::Description),
        NamespaceSortKey::Visibility => text(Column::Visibility),
        NamespaceSortKey::Protected => {
            Func::coalesce([Column::Protected.into_simple_expr(), Expr::val(false)]).into()
        }
        NamespaceSortKey::Owner => Column::Owner.into_simple_expr(),
        NamespaceSortKey::CreatedAt => Column::CreatedAt.into_simple_expr(),
        NamespaceSortKey::UpdatedAt => {
            Func::coalesce([Column::UpdatedAt.into_simple_expr(), Column::CreatedAt.into_simple_expr()])
                .into()
        }
    }
}

fn value(key: NamespaceSortKey, row: &Model) -> Value {
    match key {
        NamespaceSortKey::Id => row.id.into(),
        NamespaceSortKey::Name => row.namespace.clone().into(),
        NamespaceSortKey::DisplayName => row.display_name.clone().unwrap_or_default().into(),
        NamespaceSortKey::Description => row.description.clone().unwrap_or_default().into(),
        NamespaceSortKey::Visibility => row.visibility.clone().unwrap_or_default().into(),
        NamespaceSortKey::Protected => row.protected.unwrap_or(false).into(),
        NamespaceSortKey::Owner => row.owner.clone().into(),
        NamespaceSortKey::CreatedAt => row.created_at.into(),
        NamespaceSortKey::UpdatedAt => row.updated_at.unwrap_or(row.created_at).into(),
    }
}

/// Rows that come after `row`: further in some key and equal in all keys before it.
fn behind(keys: &[NamespaceSortKey], direction: Direction, row: &Model) -> Condition {
    let mut any = Condition::any();
    for (at, key) in keys.iter().enumerate() {
        let mut all = Condition::all();
        for before in &keys[..at] {
            all = all.add(expression(*before).eq(value(*before, row)));
        }
        let last = value(*key, row);
        any = any.add(all.add(match direction {
            Direction::Asc => expression(*key).gt(last),
            Direction::Desc => expression(*key).lt(last),
        }));
    }
    any
}
