// SPDX-License-Identifier: Apache-2.0
//! Who asks: what a valid token says, and the request it came with.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scurry_openstack_client::identity::ValidatedToken;
use scurry_openstack_client::{Catalog, Token};
use scurry_types::{ProjectId, Secret, UserId};

/// What a valid token says about its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub user_name: Option<String>,
    /// The domain the user is in.
    pub user_domain_id: Option<String>,
    /// The project the token is for; none for domain, system and unscoped tokens.
    pub project_id: Option<ProjectId>,
    /// The project's name.
    pub project_name: Option<String>,
    /// The domain the project is in.
    pub project_domain_id: Option<String>,
    /// The domain the token is for.
    pub domain_id: Option<String>,
    /// `all` for a token of the whole system.
    pub system_scope: Option<String>,
    /// The names of the token's roles.
    pub roles: Vec<String>,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// The services the token may use.
    pub catalog: Arc<Catalog>,
}

impl From<ValidatedToken> for Identity {
    fn from(token: ValidatedToken) -> Self {
        let system_scope = token.system_scope().map(str::to_owned);
        let named = |name: String| (!name.is_empty()).then_some(name);
        let (project_id, project_name, project_domain_id) = match token.project {
            Some(project) => (Some(ProjectId::new(project.id)), named(project.name), Some(project.domain.id)),
            None => (None, None, None),
        };
        Self {
            user_id: UserId::new(token.user.id),
            user_name: named(token.user.name),
            user_domain_id: Some(token.user.domain.id),
            project_id,
            project_name,
            project_domain_id,
            domain_id: token.domain.map(|domain| domain.id),
            system_scope,
            roles: token.roles.into_iter().map(|role| role.name).collect(),
            expires_at: token.expires_at,
            catalog: Arc::new(token.catalog),
        }
    }
}

/// The service that passes a call on, from a valid `X-Service-Token`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceCaller {
    /// Its user.
    pub user_id: Option<String>,
    /// The domain of its user.
    pub user_domain_id: Option<String>,
    /// Its project.
    pub project_id: Option<String>,
    /// The domain of its project.
    pub project_domain_id: Option<String>,
}

impl From<&Identity> for ServiceCaller {
    fn from(identity: &Identity) -> Self {
        Self {
            user_id: Some(identity.user_id.as_str().to_owned()),
            user_domain_id: identity.user_domain_id.clone(),
            project_id: identity.project_id.as_ref().map(|id| id.as_str().to_owned()),
            project_domain_id: identity.project_domain_id.clone(),
        }
    }
}

/// The caller of one request, put into the request's extensions by [`crate::middleware`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub user_name: Option<String>,
    /// The domain the user is in.
    pub user_domain_id: Option<String>,
    /// The project the token is for.
    pub project_id: Option<ProjectId>,
    /// The project's name.
    pub project_name: Option<String>,
    /// The domain the project is in.
    pub project_domain_id: Option<String>,
    /// The domain the token is for.
    pub domain_id: Option<String>,
    /// `all` for a token of the whole system.
    pub system_scope: Option<String>,
    /// The names of the caller's roles.
    pub roles: Vec<String>,
    /// The names of the roles of the service that passes the call on, from a valid `X-Service-Token`.
    pub service_roles: Vec<String>,
    /// Who that service is.
    pub service: ServiceCaller,
    /// What `is_admin_project` is in rules; true wherever no cloud-wide admin project is set up.
    pub is_admin_project: bool,
    /// Nobody is known, and reading is all that is allowed (`allow_anonymous_access`).
    pub read_only: bool,
    /// Nobody is known because nobody is asked (a pipeline without authentication): an admin without roles.
    pub unauthenticated: bool,
    /// Whether the caller is an admin, as the service's `context_is_admin` rule says; by default the role `admin`.
    pub is_admin: bool,
    /// The request's id, `req-...`.
    pub request_id: String,
    /// The caller's token, for calls made in the caller's name.
    pub token: Secret,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// The services the token may use.
    pub catalog: Arc<Catalog>,
}

impl Context {
    /// The caller behind `identity`, with the request's own parts.
    #[must_use]
    pub fn new(
        identity: &Identity,
        service_roles: Vec<String>,
        request_id: impl Into<String>,
        token: Secret,
    ) -> Self {
        Self {
            user_id: identity.user_id.clone(),
            user_name: identity.user_name.clone(),
            user_domain_id: identity.user_domain_id.clone(),
            project_id: identity.project_id.clone(),
            project_name: identity.project_name.clone(),
            project_domain_id: identity.project_domain_id.clone(),
            domain_id: identity.domain_id.clone(),
            system_scope: identity.system_scope.clone(),
            is_admin: identity.roles.iter().any(|role| role.eq_ignore_ascii_case("admin")),
            roles: identity.roles.clone(),
            service_roles,
            service: ServiceCaller::default(),
            is_admin_project: true,
            read_only: false,
            unauthenticated: false,
            request_id: request_id.into(),
            token,
            expires_at: identity.expires_at,
            catalog: Arc::clone(&identity.catalog),
        }
    }

    /// A caller inside this process with the role `admin`, for work no request stands behind.
    #[must_use]
    pub fn internal_admin(project_id: Option<ProjectId>, request_id: impl Into<String>) -> Self {
        Self {
            user_id: UserId::new(""),
            user_name: None,
            user_domain_id: None,
            project_id,
            project_name: None,
            project_domain_id: None,
            domain_id: None,
            system_scope: None,
            roles: vec!["admin".to_owned()],
            service_roles: Vec::new(),
            service: ServiceCaller::default(),
            is_admin_project: true,
            read_only: false,
            unauthenticated: false,
            is_admin: true,
            request_id: request_id.into(),
            token: Secret::new(""),
            expires_at: DateTime::<Utc>::MAX_UTC,
            catalog: Arc::new(Catalog::default()),
        }
    }

    /// A caller nobody knows, who may read what the rules let somebody without roles read.
    #[must_use]
    pub fn anonymous(request_id: impl Into<String>) -> Self {
        let nobody = Self::internal_admin(None, request_id);
        Self { roles: Vec::new(), is_admin: false, read_only: true, ..nobody }
    }

    /// Everybody, where nobody is asked who they are: an admin without roles, as Glance has it.
    #[must_use]
    pub fn unauthenticated(request_id: impl Into<String>) -> Self {
        let nobody = Self::internal_admin(None, request_id);
        Self { roles: Vec::new(), unauthenticated: true, ..nobody }
    }

    /// A service's address in the caller's catalogue. Regions are the same in any case.
    #[must_use]
    pub fn endpoint(&self, service_type: &str, region: &str, interface: &str) -> Option<String> {
        let named =
            |name: &Option<String>| name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(region));
        let services = self.catalog.0.iter().filter(|service| service.service_type == service_type);
        services
            .flat_map(|service| &service.endpoints)
            .filter(|endpoint| endpoint.interface == interface)
            .find(|endpoint| named(&endpoint.region) || named(&endpoint.region_id))
            .map(|endpoint| endpoint.url.clone())
    }

    /// Whether the caller has the role; case does not matter.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own.eq_ignore_ascii_case(role))
    }

    /// The project's id as text, empty without one.
    #[must_use]
    pub fn project(&self) -> &str {
        self.project_id.as_ref().map_or("", ProjectId::as_str)
    }

    /// The caller's token as the client's sessions take it.
    #[must_use]
    pub fn session_token(&self) -> Token {
        Token {
            id: self.token.clone(),
            expires_at: self.expires_at,
            user_id: self.user_id.as_str().to_owned(),
            project_id: self.project_id.as_ref().map(|id| id.as_str().to_owned()),
            roles: self.roles.clone(),
            catalog: self.catalog.as_ref().clone(),
        }
    }
}
