// SPDX-License-Identifier: Apache-2.0
//! What a new cloud starts with: domain, roles, projects, users, catalog and limits.

mod ensure;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::user;
use crate::error::IdentityError;
use crate::service::Identity;

/// The id of the domain everything of the bootstrap is in.
pub const DEFAULT_DOMAIN_ID: &str = "default";

/// The roles every cloud has, each before those it implies; `service` stands alone.
const ROLES: [&str; 5] = ["admin", "manager", "member", "reader", "service"];
const IMPLICATIONS: [(&str, &str); 3] = [("admin", "manager"), ("manager", "member"), ("member", "reader")];
const PROJECTS: [&str; 3] = ["admin", "service", "demo"];

/// What to start with.
#[derive(Clone, Default)]
pub struct Bootstrap {
    /// The password of user `admin`, when that user does not exist yet.
    pub admin_password: String,
    /// The region of the endpoints and registered limits.
    pub region: String,
    /// Users next to `admin`.
    pub users: Vec<BootstrapUser>,
    /// Endpoints next to the identity service's own.
    pub endpoints: Vec<BootstrapEndpoint>,
    /// Registered limits of the services that `endpoints` names.
    pub registered_limits: Vec<BootstrapRegisteredLimit>,
}

impl std::fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bootstrap")
            .field("region", &self.region)
            .field("users", &self.users)
            .field("endpoints", &self.endpoints)
            .field("registered_limits", &self.registered_limits)
            .finish_non_exhaustive()
    }
}

/// A user to start with, in the default domain.
#[derive(Clone, Default)]
pub struct BootstrapUser {
    /// The name.
    pub name: String,
    /// The password, when the user does not exist yet.
    pub password: String,
    /// The project of the roles; made when it does not exist.
    pub project: String,
    /// Roles on the project.
    pub roles: Vec<String>,
    /// Roles on the system.
    pub system_roles: Vec<String>,
}

impl std::fmt::Debug for BootstrapUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BootstrapUser")
            .field("name", &self.name)
            .field("project", &self.project)
            .field("roles", &self.roles)
            .field("system_roles", &self.system_roles)
            .finish_non_exhaustive()
    }
}

/// A service with one URL for its three interfaces.
#[derive(Clone, Debug, Default)]
pub struct BootstrapEndpoint {
    /// Such as `image`.
    pub service_type: String,
    /// Such as `glance`.
    pub service_name: String,
    /// The URL, which may hold `$(project_id)s`.
    pub url: String,
}

/// A limit projects have by default.
#[derive(Clone, Debug, Default)]
pub struct BootstrapRegisteredLimit {
    /// The type of the service, which `endpoints` must name.
    pub service_type: String,
    /// Such as `image_size_total`.
    pub resource_name: String,
    /// The default; -1 for none.
    pub default_limit: i64,
}

/// The ids of what is there after the bootstrap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bootstrapped {
    /// `default`.
    pub default_domain_id: String,
    /// Project ids by name.
    pub project_ids: BTreeMap<String, String>,
    /// User ids by name.
    pub user_ids: BTreeMap<String, String>,
    /// Role ids by name.
    pub role_ids: BTreeMap<String, String>,
    /// Service ids by type.
    pub service_ids: BTreeMap<String, String>,
    /// Ids of the public endpoints by service type.
    pub endpoint_ids: BTreeMap<String, String>,
}

impl Identity {
    /// Makes what `spec` asks for and is not there; all of it or, on an error, none.
    ///
    /// What is there is left as it is: passwords, limits and roles that were changed since stay changed. Only the
    /// URLs of the endpoints follow `spec`, because the services may have moved to other ports.
    pub async fn bootstrap(&self, spec: &Bootstrap) -> Result<Bootstrapped, IdentityError> {
        let mut spec = spec.clone();
        spec.users.insert(0, admin(&spec.admin_password));
        let own = BootstrapEndpoint {
            service_type: "identity".into(),
            service_name: "keystone".into(),
            url: self.url(""),
        };
        spec.endpoints.insert(0, own);
        let hashes = self.hash_new_passwords(&spec.users).await?;

        let transaction = self.begin().await?;
        let mut done = Bootstrapped { default_domain_id: DEFAULT_DOMAIN_ID.into(), ..Default::default() };
        ensure::domain(&transaction).await?;
        for role in ROLES {
            done.role_ids.insert(role.into(), ensure::role(&transaction, role).await?);
        }
        for (prior, implied) in IMPLICATIONS {
            if let (Some(prior), Some(implied)) = (done.role_ids.get(prior), done.role_ids.get(implied)) {
                ensure::implication(&transaction, prior, implied).await?;
            }
        }
        for project in PROJECTS.into_iter().chain(spec.users.iter().map(|user| user.project.as_str())) {
            done.project_ids.insert(project.into(), ensure::project(&transaction, project).await?);
        }
        for user in &spec.users {
            let id = ensure::user(&transaction, &user.name, hashes.get(&user.name)).await?;
            ensure::grants(&transaction, user, &id, &done).await?;
            done.user_ids.insert(user.name.clone(), id);
        }
        ensure::region(&transaction, &spec.region).await?;
        for endpoint in &spec.endpoints {
            let (service, public) = ensure::endpoint(&transaction, endpoint, &spec.region).await?;
            done.service_ids.insert(endpoint.service_type.clone(), service);
            done.endpoint_ids.insert(endpoint.service_type.clone(), public);
        }
        for limit in &spec.registered_limits {
            let service =
                done.service_ids.get(&limit.service_type).ok_or_else(|| IdentityError::UnknownService {
                    service_type: limit.service_type.clone(),
                    resource: limit.resource_name.clone(),
                })?;
            ensure::registered_limit(&transaction, limit, service, &spec.region).await?;
        }
        transaction.commit().await?;
        Ok(done)
    }

    /// Hashes take long, so they are made before the transaction, and only for users who are not there.
    async fn hash_new_passwords(
        &self,
        users: &[BootstrapUser],
    ) -> Result<BTreeMap<String, String>, IdentityError> {
        let there = user::Entity::find()
            .filter(user::Column::DomainId.eq(DEFAULT_DOMAIN_ID))
            .all(self.database())
            .await?;
        let there: BTreeSet<&str> = there.iter().map(|user| user.name.as_str()).collect();
        let new = users.iter().filter(|user| !there.contains(user.name.as_str()));
        let hashes = new.map(|user| async {
            let hash = self.hashing().hash(user.password.clone()).await;
            match hash {
                Ok(hash) => Ok((user.name.clone(), hash)),
                Err(source) => Err(IdentityError::Password { user: user.name.clone(), source }),
            }
        });
        Ok(futures::future::try_join_all(hashes).await?.into_iter().collect())
    }
}

fn admin(password: &str) -> BootstrapUser {
    BootstrapUser {
        name: "admin".into(),
        password: password.into(),
        project: "admin".into(),
        roles: vec!["admin".into()],
        system_roles: vec!["admin".into()],
    }
}
