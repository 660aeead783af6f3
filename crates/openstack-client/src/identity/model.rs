// SPDX-License-Identifier: Apache-2.0
//! What the Identity service answers, as far as it is used.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::catalog::Catalog;

/// A domain with its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedDomain {
    /// The domain's id.
    pub id: String,
    /// The domain's name.
    #[serde(default)]
    pub name: String,
}

/// The scope of a domain token.
pub type DomainScope = NamedDomain;

/// The user of a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenUser {
    /// The user's id.
    pub id: String,
    /// The user's name.
    #[serde(default)]
    pub name: String,
    /// The domain the user is in.
    pub domain: NamedDomain,
}

/// The project of a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenProject {
    /// The project's id.
    pub id: String,
    /// The project's name.
    #[serde(default)]
    pub name: String,
    /// The domain the project is in.
    pub domain: NamedDomain,
}

/// A role somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// The role's id.
    #[serde(default)]
    pub id: String,
    /// The role's name.
    pub name: String,
}

/// Scope of a system token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct SystemScope {
    #[serde(default)]
    all: bool,
}

/// A token as Keystone describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ValidatedToken {
    /// Whose token it is.
    pub user: TokenUser,
    /// The project it is for.
    #[serde(default)]
    pub project: Option<TokenProject>,
    /// The domain it is for.
    #[serde(default)]
    pub domain: Option<DomainScope>,
    #[serde(default)]
    pub(crate) system: Option<SystemScope>,
    /// The roles it carries.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    #[serde(default)]
    pub issued_at: Option<DateTime<Utc>>,
    /// The services it may use.
    #[serde(default)]
    pub catalog: Catalog,
}

impl ValidatedToken {
    /// `all` for a token of the whole system.
    #[must_use]
    pub fn system_scope(&self) -> Option<&'static str> {
        self.system.filter(|system| system.all).map(|_| "all")
    }
}

/// A default limit of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RegisteredLimit {
    /// The limit's id.
    pub id: String,
    /// The service the resource belongs to.
    pub service_id: String,
    /// The region it holds in; `None` for all.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The resource, such as `image_size_total`.
    pub resource_name: String,
    /// The limit; -1 is unlimited.
    pub default_limit: i64,
}

/// A limit of one project (or domain).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Limit {
    /// The limit's id.
    pub id: String,
    /// The project it is for.
    #[serde(default)]
    pub project_id: Option<String>,
    /// The domain it is for.
    #[serde(default)]
    pub domain_id: Option<String>,
    /// The service the resource belongs to.
    pub service_id: String,
    /// The region it holds in; `None` for all.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The resource.
    pub resource_name: String,
    /// The limit; -1 is unlimited.
    pub resource_limit: i64,
}

/// The enforcement model of limits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LimitsModel {
    /// `flat` or `strict_two_level`.
    pub name: String,
    /// What it means, in Keystone's words.
    #[serde(default)]
    pub description: String,
}

/// An endpoint as registered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// The endpoint's id.
    pub id: String,
    /// The service it belongs to.
    pub service_id: String,
    /// Its region.
    #[serde(default)]
    pub region_id: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Its address, possibly with places to fill in.
    pub url: String,
}

/// A service as registered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// The service's id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub service_type: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// The project's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The domain it is in.
    #[serde(default)]
    pub domain_id: Option<String>,
    /// Whether it may be used.
    #[serde(default)]
    pub enabled: Option<bool>,
}
