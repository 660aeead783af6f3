// SPDX-License-Identifier: Apache-2.0
//! The image list: filters, visibility, order and pages, all of it in SQL, and every page by an index.
//!
//! What a viewer sees is a handful of branches (own, public, shared with …), each of which an index holds in the
//! list's order; the database merges their heads. A filter that few images pass is followed to those instead.

mod filter;
pub(crate) mod hints;
mod narrow;
mod order;
mod sparse;
mod terms;
mod visible;

use scurry_image::ports::Viewer;
use scurry_image::{Direction, Filter, Image, ListQuery, SortKey};
use scurry_types::ImageStatus;
use sea_orm::sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Query, SelectStatement, UnionType};
use sea_orm::{Condition, ConnectionTrait, DbBackend, EntityTrait, Order, QueryFilter};

use self::order::Step;
pub(super) use self::terms::checked;
use self::terms::plain;
use self::visible::{Branch, Lead, Sight};
use super::whole::{self, Found};
use super::{RowError, is_incomparable};
use crate::connection::Database;
use crate::entity::image::{self, Column};

/// A page of images; `None` when the marker is no image the viewer may see.
pub(super) async fn images(
    db: &Database,
    viewer: Viewer<'_>,
    query: &ListQuery,
) -> Result<Option<Vec<Image>>, RowError> {
    match page(db, viewer, query).await {
        Err(RowError::Database(error)) if is_incomparable(&error) => {
            page(db, viewer, &narrow::in_basic_plane(query)).await
        }
        answer => answer,
    }
}

/// One snapshot answers all of a page.
async fn page(db: &Database, viewer: Viewer<'_>, query: &ListQuery) -> Result<Option<Vec<Image>>, RowError> {
    let Some(mut steps) = statements(db, viewer, query).await? else { return Ok(None) };
    if let [only] = steps.as_mut_slice() {
        only.ids.limit(query.limit.into());
        return whole::read_alone(db, only).await.map(Some);
    }
    let snapshot = db.snapshot().await?;
    let limit = query.limit as usize;
    let mut images = Vec::new();
    for mut step in steps {
        step.ids.limit((limit - images.len()) as u64);
        images.extend(whole::read(&snapshot, &step).await?);
        if images.len() >= limit {
            break;
        }
    }
    Ok(Some(images))
}

/// The statements that find a page's ids, the next one when those before were not enough; `None` when the marker is
/// no image the viewer may see.
async fn statements(
    db: &Database,
    viewer: Viewer<'_>,
    query: &ListQuery,
) -> Result<Option<Vec<Found>>, RowError> {
    let connection = &db.connection;
    let backend = connection.get_database_backend();
    let mut keys = order::keys(&query.sort);
    let same: Vec<SortKey> = query.filters.iter().filter_map(sparse::fixed).collect();
    keys.retain(|(key, _)| !same.contains(key));
    let marker = match &query.marker {
        None => None,
        // An image deleted since is still a place to go on from.
        Some(id) => {
            let row = image::Entity::find_by_id(id.as_str()).filter(Sight::anything(viewer));
            let Some(row) = row.one(connection).await? else { return Ok(None) };
            Some(row)
        }
    };
    let page = Page {
        hidden: query.filters.iter().any(|one| matches!(one, Filter::OsHidden(true))),
        filters: &query.filters,
        steps: marker.map_or_else(Vec::new, |row| order::behind(&keys, &row, backend == DbBackend::MySql)),
        head: (backend != DbBackend::Sqlite).then_some(query.limit.into()),
        force: backend == DbBackend::MySql,
        keys,
    };
    let sight = Sight::new(viewer, &query.filters);
    if let Some(ids) = page.few(connection).await? {
        return Ok(Some(vec![page.among(ids, &sight)]));
    }
    let few = match sight.memberships() {
        Some((asked, ids)) => db.hints.few(asked, sparse::is_short(connection, &ids)).await?,
        None => false,
    };
    Ok(Some(page.walk(&sight.branches(few))))
}

/// What all branches of a page have in common.
struct Page<'a> {
    keys: Vec<(SortKey, Direction)>,
    filters: &'a [Filter],
    hidden: bool,
    /// Behind the marker; none from the start on.
    steps: Vec<Step>,
    /// As many as a page shows are taken of each branch, where the database would gather all of them before it sorts.
    head: Option<u64>,
    /// MariaDB would rather read all that is equal in the first columns of an index than a range of the next one.
    force: bool,
}

/// The rows of one branch, and the index they are to be read by.
#[derive(Debug, Clone)]
struct Part {
    wanted: Condition,
    index: Option<String>,
}

impl Part {
    fn new(wanted: Condition) -> Self {
        Self { wanted, index: None }
    }

    fn behind(&self, step: &Step) -> Self {
        Self { wanted: self.wanted.clone().add(step.rows.clone()), index: self.index.clone() }
    }
}

impl Page<'_> {
    /// The ids of the first filter, or span of sizes, that few images pass.
    async fn few<C: ConnectionTrait>(&self, db: &C) -> Result<Option<SelectStatement>, RowError> {
        let leading = self.keys.first().map_or(SortKey::CreatedAt, |(key, _)| *key);
        let alone = self.filters.iter().filter_map(|filter| sparse::ids(filter, self.hidden, leading));
        for ids in sparse::between_sizes(self.filters, self.hidden, leading).into_iter().chain(alone) {
            if sparse::is_short(db, &ids).await? {
                return Ok(Some(ids));
            }
        }
        Ok(None)
    }

    fn among(&self, ids: SelectStatement, sight: &Sight<'_>) -> Found {
        let mut wanted = self.checks().add(plain(Column::Id).in_subquery(ids)).add(sight.condition());
        if !self.steps.is_empty() {
            wanted =
                wanted.add(self.steps.iter().fold(Condition::any(), |any, step| any.add(step.rows.clone())));
        }
        self.merged([Part::new(wanted)], 0)
    }

    /// All branches merged, for each step behind the marker: a branch's part of a step is one range of an index.
    fn walk(&self, branches: &[Branch]) -> Vec<Found> {
        let branches: Vec<_> = branches.iter().map(|branch| self.branch(branch)).collect();
        if branches.is_empty() {
            return Vec::new(); // nothing of what is asked for can be seen
        }
        if self.steps.is_empty() {
            return vec![self.merged(branches, 0)];
        }
        let step = |step: &Step| self.merged(branches.iter().map(|branch| branch.behind(step)), step.equal);
        self.steps.iter().map(step).collect()
    }

    fn branch(&self, branch: &Branch) -> Part {
        match branch {
            Branch::Among(wanted) => Part::new(wanted.clone().add(self.checks())),
            Branch::Ordered(lead, wanted) => {
                let wanted = wanted
                    .clone()
                    .add(plain(Column::Deleted).eq(false))
                    .add(plain(Column::OsHidden).eq(self.hidden))
                    .add(self.checks());
                let narrowing: Vec<_> =
                    self.filters.iter().filter_map(|one| sparse::narrowing(one, &self.keys)).collect();
                let index = narrowing.is_empty().then(|| self.index(*lead)).flatten();
                Part { wanted: narrowing.into_iter().fold(wanted, Condition::add), index }
            }
        }
    }

    /// The index a page that goes on behind a marker is to be read by.
    fn index(&self, lead: Lead) -> Option<String> {
        let lead = match lead {
            Lead::Owner => "owner",
            Lead::Visibility => "visibility",
        };
        let (key, _) = self.keys.first().filter(|_| self.force && !self.steps.is_empty())?;
        Some(format!("scurry_images_{lead}_{}", order::index(*key)))
    }

    fn checks(&self) -> Condition {
        let wanted = Condition::all()
            .add(checked(Column::Deleted).eq(false))
            .add(checked(Column::OsHidden).eq(self.hidden))
            .add(checked(Column::Status).ne(ImageStatus::Killed.as_str()));
        self.filters.iter().fold(wanted, |wanted, one| wanted.add(filter::check(one)))
    }

    /// Ids with what they are sorted by (the order of a union can name nothing else), but for the first keys.
    fn select(&self, part: Part, equal: usize) -> SelectStatement {
        let mut select = Query::select();
        select.expr_as(plain(Column::Id), "id").from(image::Entity).cond_where(part.wanted);
        if let Some(index) = part.index {
            select.force_index(Alias::new(index), IndexHintScope::All);
        }
        for (at, (key, _)) in
            self.keys.iter().enumerate().skip(equal).filter(|(_, (key, _))| *key != SortKey::Id)
        {
            select.expr_as(order::expression(*key), format!("k{at}"));
        }
        select
    }

    fn merged(&self, parts: impl IntoIterator<Item = Part>, equal: usize) -> Found {
        let names = self.keys.iter().enumerate().skip(equal).map(|(at, (key, direction))| {
            let name = if *key == SortKey::Id { "id".to_owned() } else { format!("k{at}") };
            (name, order::sea_order(*direction))
        });
        let order: Vec<(String, Order)> = names.collect();
        let ordered = |select: &mut SelectStatement| {
            for (name, direction) in &order {
                select.order_by_expr(Expr::col(Alias::new(name)), direction.clone());
            }
        };
        let mut selects: Vec<_> = parts.into_iter().map(|part| self.select(part, equal)).collect();
        if let (Some(limit), true) = (self.head, selects.len() > 1) {
            for (at, select) in selects.iter_mut().enumerate() {
                ordered(select.limit(limit));
                let head = std::mem::take(select);
                select.column(Asterisk).from_subquery(head, format!("b{at}"));
            }
        }
        let mut selects = selects.into_iter();
        let nothing = || self.select(Part::new(Condition::all().add(Expr::val(1).eq(0))), equal);
        let mut ids = selects.next().unwrap_or_else(nothing);
        ids.unions(selects.map(|select| (UnionType::All, select)));
        ordered(&mut ids);
        Found { ids, order }
    }
}

#[cfg(test)]
mod tests;
