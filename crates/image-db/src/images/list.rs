// SPDX-License-Identifier: Apache-2.0
//! The image list: filters, visibility, order and pages, all of it in SQL.

mod filter;
mod order;

use scurry_image::ports::{DEFAULT_MEMBER_STATUS, Viewer};
use scurry_image::{Filter, Image, ListQuery, MemberStatusFilter, VisibilityFilter};
use scurry_types::{ImageStatus, ProjectId, Visibility};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::RowError;
use super::read::with_children;
use crate::entity::{image, member};

/// A page of images; `None` when the marker is no image.
pub(super) async fn images<C: ConnectionTrait>(
    db: &C,
    viewer: Viewer<'_>,
    query: &ListQuery,
) -> Result<Option<Vec<Image>>, RowError> {
    let mut wanted = Condition::all()
        .add(image::Column::Deleted.eq(false))
        .add(image::Column::Status.ne(ImageStatus::Killed.as_str()))
        .add(visible(viewer, &query.filters));
    for one in &query.filters {
        wanted = wanted.add(filter::condition(one));
    }
    if !query.filters.iter().any(|one| matches!(one, Filter::OsHidden(_))) {
        wanted = wanted.add(image::Column::OsHidden.eq(false));
    }
    let keys = order::keys(&query.sort);
    if let Some(marker) = &query.marker {
        let row = image::Entity::find_by_id(marker.as_str());
        let Some(row) = row.filter(image::Column::Deleted.eq(false)).one(db).await? else { return Ok(None) };
        wanted = wanted.add(order::behind(&keys, &row));
    }
    let mut select = image::Entity::find().filter(wanted).limit(u64::from(query.limit));
    for (key, direction) in &keys {
        select = select.order_by(order::expression(*key), order::sea_order(*direction));
    }
    let rows = select.all(db).await?;
    Ok(Some(with_children(db, rows).await?))
}

/// What the viewer may see of what the query asks for.
fn visible(viewer: Viewer<'_>, filters: &[Filter]) -> Condition {
    let asked = filters.iter().find_map(|one| match one {
        Filter::Visibility(visibility) => Some(*visibility),
        _ => None,
    });
    let project = match viewer {
        Viewer::Admin { project } | Viewer::Project(project) => project,
    };
    let mut condition = Condition::all();
    if let Viewer::Project(project) = viewer {
        let mut may = Condition::any().add(
            image::Column::Visibility.is_in([Visibility::Public.as_str(), Visibility::Community.as_str()]),
        );
        if let Some(project) = project {
            let answer = filters.iter().find_map(|one| match one {
                Filter::MemberStatus(status) => Some(*status),
                _ => None,
            });
            may = may
                .add(image::Column::Owner.eq(project.as_str()))
                .add(shared_with(project, answer.unwrap_or(DEFAULT_MEMBER_STATUS)));
        }
        condition = condition.add(may);
    }
    match asked {
        Some(VisibilityFilter::All) => condition,
        Some(VisibilityFilter::Is(visibility)) => {
            condition.add(image::Column::Visibility.eq(visibility.as_str()))
        }
        // Other projects' community images are listed only on request.
        None => {
            let mut usual =
                Condition::any().add(image::Column::Visibility.ne(Visibility::Community.as_str()));
            if let Some(project) = project {
                usual = usual.add(image::Column::Owner.eq(project.as_str()));
            }
            condition.add(usual)
        }
    }
}

fn shared_with(project: &ProjectId, answer: MemberStatusFilter) -> Condition {
    let mut members = Query::select();
    members
        .column(member::Column::ImageId)
        .from(member::Entity)
        .and_where(member::Column::Deleted.eq(false))
        .and_where(member::Column::Member.eq(project.as_str()));
    if let MemberStatusFilter::Is(status) = answer {
        members.and_where(member::Column::Status.eq(status.as_str()));
    }
    Condition::all()
        .add(image::Column::Visibility.eq(Visibility::Shared.as_str()))
        .add(Expr::col((image::Entity, image::Column::Id)).in_subquery(members))
}
