// SPDX-License-Identifier: Apache-2.0
//! What a viewer may see of what a query asks for: as one condition, and as branches an index can serve in order.

use scurry_image::ports::{DEFAULT_MEMBER_STATUS, Viewer};
use scurry_image::{Filter, MemberStatusFilter, VisibilityFilter};
use scurry_types::{ProjectId, Visibility};
use sea_orm::Condition;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::filter::of_this_image;
use super::terms::{checked, plain};
use crate::entity::image::{self, Column};
use crate::entity::member;

/// One part of what is seen.
#[derive(Debug, Clone)]
pub(super) enum Branch {
    /// An index that begins with that column holds it in the list's order.
    Ordered(Lead, Condition),
    /// Few images that are found one by one.
    Among(Condition),
}

/// What the indexes of lists begin with, as their names have it (`schema/indexes.sql`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Owner,
    Visibility,
}

/// The part of a query that says whose images, and which of them for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    project: Option<&'a ProjectId>,
    sees_all: bool,
    asked: Option<VisibilityFilter>,
    owner: Option<&'a str>,
    answer: MemberStatusFilter,
}

impl<'a> Sight<'a> {
    pub(super) fn new(viewer: Viewer<'a>, filters: &'a [Filter]) -> Self {
        let (project, sees_all) = match viewer {
            Viewer::Admin { project } => (project, true),
            Viewer::Project(project) => (project, false),
        };
        let asked = filters.iter().find_map(|one| match one {
            Filter::Visibility(visibility) => Some(*visibility),
            _ => None,
        });
        let owner = filters.iter().find_map(|one| match one {
            Filter::Owner(owner) => Some(owner.as_str()),
            _ => None,
        });
        let answer = filters.iter().find_map(|one| match one {
            Filter::MemberStatus(status) => Some(*status),
            _ => None,
        });
        Self { project, sees_all, asked, owner, answer: answer.unwrap_or(DEFAULT_MEMBER_STATUS) }
    }

    /// Everything the viewer may see, whatever the query asks for.
    pub(super) fn anything(viewer: Viewer<'a>) -> Condition {
        let all = Some(VisibilityFilter::All);
        Self { asked: all, answer: MemberStatusFilter::All, ..Self::new(viewer, &[]) }.condition()
    }

    /// The whole as one condition to check rows against.
    pub(super) fn condition(&self) -> Condition {
        let mut condition = Condition::all();
        if !self.sees_all {
            let open = [Visibility::Public, Visibility::Community].map(image::visibility);
            let mut may = Condition::any().add(checked(Column::Visibility).is_in(open));
            if let Some(project) = self.project {
                may = may
                    .add(owned(project))
                    .add(is(Visibility::Shared).and(shared(self.shared_with(project))));
            }
            condition = condition.add(may);
        }
        match self.asked {
            Some(VisibilityFilter::All) => condition,
            Some(VisibilityFilter::Is(visibility)) => condition.add(is(visibility)),
            // Other projects' community images are listed only on request.
            None => {
                let mut usual = Condition::any()
                    .add(checked(Column::Visibility).ne(image::visibility(Visibility::Community)));
                if let Some(project) = self.project {
                    usual = usual.add(owned(project));
                }
                condition.add(usual)
            }
        }
    }

    /// The same in parts of which no image is in two. `few` says that little is shared with the viewer.
    pub(super) fn branches(&self, few: bool) -> Vec<Branch> {
        if let Some(owner) = self.owner {
            let of_owner = plain(Column::Owner).eq(owner);
            return vec![Branch::Ordered(Lead::Owner, Condition::all().add(of_owner).add(self.condition()))];
        }
        let open = [Visibility::Public, Visibility::Community];
        let seen: Vec<Visibility> = Visibility::ALL.iter().copied().filter(|one| self.asks(*one)).collect();
        match self.project {
            _ if self.sees_all => self.of_an_administrator(&seen),
            Some(project) if !matches!(seen.as_slice(), [only] if open.contains(only)) => {
                let own =
                    Condition::all().add(plain(Column::Owner).eq(project.as_str())).add(self.condition());
                let mut branches = vec![Branch::Ordered(Lead::Owner, own)];
                branches.extend(seen.iter().filter_map(|one| self.of_others(project, *one, few)));
                branches
            }
            _ => seen
                .into_iter()
                .filter(|one| open.contains(one))
                .map(|one| Branch::Ordered(Lead::Visibility, of(one)))
                .collect(),
        }
    }

    fn asks(&self, visibility: Visibility) -> bool {
        match self.asked {
            None => visibility != Visibility::Community,
            Some(VisibilityFilter::All) => true,
            Some(VisibilityFilter::Is(only)) => only == visibility,
        }
    }

    fn of_an_administrator(&self, seen: &[Visibility]) -> Vec<Branch> {
        let mut branches: Vec<_> =
            seen.iter().map(|one| Branch::Ordered(Lead::Visibility, of(*one))).collect();
        if let (None, Some(project)) = (self.asked, self.project) {
            branches.push(Branch::Ordered(Lead::Visibility, of(Visibility::Community).add(owned(project))));
        }
        branches
    }

    fn of_others(&self, project: &ProjectId, visibility: Visibility, few: bool) -> Option<Branch> {
        let foreign = Condition::any()
            .add(checked(Column::Owner).is_null())
            .add(checked(Column::Owner).ne(project.as_str()));
        Some(match visibility {
            Visibility::Private => return None,
            Visibility::Public | Visibility::Community => {
                Branch::Ordered(Lead::Visibility, of(visibility).add(foreign))
            }
            Visibility::Shared if few => {
                let among = plain(Column::Id).in_subquery(self.shared_with(project));
                Branch::Among(Condition::all().add(among).add(is(visibility)).add(foreign))
            }
            Visibility::Shared => Branch::Ordered(
                Lead::Visibility,
                of(visibility).add(foreign).add(shared(self.shared_with(project))),
            ),
        })
    }

    /// Ids of what is shared with the viewer, and what they are known by; `None` when that is no branch of its own.
    pub(super) fn memberships(&self) -> Option<(String, SelectStatement)> {
        let project = self.project.filter(|_| !self.sees_all && self.owner.is_none())?;
        let asked = || (format!("{project} {:?}", self.answer), self.shared_with(project));
        self.asks(Visibility::Shared).then(asked)
    }

    fn shared_with(&self, project: &ProjectId) -> SelectStatement {
        let mut members = Query::select();
        members
            .column(member::Column::ImageId)
            .from(member::Entity)
            .and_where(Expr::col(member::Column::Deleted).eq(false))
            .and_where(Expr::col(member::Column::Member).eq(project.as_str()));
        if let MemberStatusFilter::Is(status) = self.answer {
            members.and_where(Expr::col(member::Column::Status).eq(status.as_str()));
        }
        members
    }
}

fn is(visibility: Visibility) -> Expr {
    checked(Column::Visibility).eq(image::visibility(visibility))
}

fn of(visibility: Visibility) -> Condition {
    Condition::all().add(plain(Column::Visibility).eq(image::visibility(visibility)))
}

fn owned(project: &ProjectId) -> Expr {
    checked(Column::Owner).eq(project.as_str())
}

fn shared(members: SelectStatement) -> Expr {
    Expr::exists(of_this_image(members, member::Column::ImageId))
}
