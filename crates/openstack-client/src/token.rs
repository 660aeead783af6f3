// SPDX-License-Identifier: Apache-2.0
//! A token this process holds.

use chrono::{DateTime, TimeDelta, Utc};
use scurry_types::Secret;

use crate::catalog::Catalog;
use crate::identity::ValidatedToken;

/// A token is replaced this long before it expires, so that no call leaves with one about to die.
const EARLY: TimeDelta = TimeDelta::seconds(60);

/// A token with what Keystone said about it.
#[derive(Debug, Clone)]
pub struct Token {
    /// The text sent as `X-Auth-Token`.
    pub id: Secret,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// The user it belongs to.
    pub user_id: String,
    /// The project it is scoped to.
    pub project_id: Option<String>,
    /// The names of its roles.
    pub roles: Vec<String>,
    /// The services it may use.
    pub catalog: Catalog,
}

impl Token {
    pub(crate) fn new(id: Secret, body: ValidatedToken) -> Self {
        Self {
            id,
            expires_at: body.expires_at,
            user_id: body.user.id,
            project_id: body.project.map(|project| project.id),
            roles: body.roles.into_iter().map(|role| role.name).collect(),
            catalog: body.catalog,
        }
    }

    /// Whether it should be replaced before the next call.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        now + EARLY >= self.expires_at
    }
}
