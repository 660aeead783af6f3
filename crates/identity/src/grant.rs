// SPDX-License-Identifier: Apache-2.0
//! Which roles a user has where, with the roles these imply.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use crate::entity::{assignment, implied_role, role};

/// What a role is granted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Project(String),
    Domain(String),
    System,
}

impl Target {
    pub(crate) fn of(assignment: &assignment::Model) -> Self {
        match (&assignment.project_id, &assignment.domain_id) {
            (Some(project), _) => Self::Project(project.clone()),
            (None, Some(domain)) => Self::Domain(domain.clone()),
            (None, None) => Self::System,
        }
    }

    pub(crate) fn project_id(&self) -> Option<String> {
        if let Self::Project(id) = self { Some(id.clone()) } else { None }
    }

    pub(crate) fn domain_id(&self) -> Option<String> {
        if let Self::Domain(id) = self { Some(id.clone()) } else { None }
    }

    pub(crate) fn condition(&self) -> Condition {
        use assignment::Column::{DomainId, ProjectId};
        match self {
            Self::Project(id) => Condition::all().add(ProjectId.eq(id)),
            Self::Domain(id) => Condition::all().add(DomainId.eq(id)),
            Self::System => Condition::all().add(ProjectId.is_null()).add(DomainId.is_null()),
        }
    }
}

/// Which roles come with which.
#[derive(Debug)]
pub(crate) struct Implications(BTreeMap<String, Vec<String>>);

impl Implications {
    pub(crate) async fn load(database: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let mut implied: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in implied_role::Entity::find().all(database).await? {
            implied.entry(row.prior_role_id).or_default().push(row.implied_role_id);
        }
        Ok(Self(implied))
    }

    /// The roles given and all they imply; a ring of implications does no harm.
    pub(crate) fn expand(&self, roles: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut todo: Vec<String> = roles.into_iter().collect();
        let mut found = BTreeSet::new();
        while let Some(role) = todo.pop() {
            if found.insert(role.clone()) {
                todo.extend(self.0.get(&role).into_iter().flatten().cloned());
            }
        }
        found
    }

    /// Every implied role with the role that directly brings it, starting from `role`.
    pub(crate) fn below(&self, role: &str) -> Vec<(String, String)> {
        let mut seen = BTreeSet::from([role.to_owned()]);
        let mut todo = vec![role.to_owned()];
        let mut pairs = Vec::new();
        while let Some(prior) = todo.pop() {
            for implied in self.0.get(&prior).into_iter().flatten() {
                if seen.insert(implied.clone()) {
                    pairs.push((prior.clone(), implied.clone()));
                    todo.push(implied.clone());
                }
            }
        }
        pairs
    }
}

/// The ids of the roles granted to the user on `target`, with all they imply.
pub(crate) async fn effective_role_ids(
    database: &impl ConnectionTrait,
    user_id: &str,
    target: &Target,
) -> Result<BTreeSet<String>, DbErr> {
    let granted = assignment::Entity::find()
        .filter(assignment::Column::UserId.eq(user_id))
        .filter(target.condition())
        .all(database)
        .await?;
    if granted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let implications = Implications::load(database).await?;
    Ok(implications.expand(granted.into_iter().map(|row| row.role_id)))
}

/// The roles with these ids, by name.
pub(crate) async fn roles(
    database: &impl ConnectionTrait,
    ids: BTreeSet<String>,
) -> Result<Vec<role::Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    role::Entity::find()
        .filter(role::Column::Id.is_in(ids))
        .order_by_asc(role::Column::Name)
        .all(database)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implications(pairs: &[(&str, &str)]) -> Implications {
        let mut implied: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (prior, below) in pairs {
            implied.entry((*prior).into()).or_default().push((*below).into());
        }
        Implications(implied)
    }

    #[test]
    fn implied_roles_are_followed_to_the_end() {
        let implications = implications(&[("admin", "manager"), ("manager", "member"), ("member", "reader")]);
        let all = implications.expand(["manager".to_owned()]);
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["manager", "member", "reader"]);
        assert_eq!(implications.below("member"), [("member".to_owned(), "reader".to_owned())]);
    }

    #[test]
    fn a_ring_of_implications_ends() {
        let implications = implications(&[("a", "b"), ("b", "a")]);
        assert_eq!(implications.expand(["a".to_owned()]).len(), 2);
        assert_eq!(implications.below("a").len(), 1);
    }
}
