// SPDX-License-Identifier: Apache-2.0
//! The steps of the bootstrap: each finds its row or makes it, and tells its id.

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Set,
};
use serde_json::json;

use super::{BootstrapEndpoint, BootstrapRegisteredLimit, BootstrapUser, Bootstrapped, DEFAULT_DOMAIN_ID};
use crate::entity::{
    assignment, domain, endpoint, implied_role, project, region, registered_limit, role, service, user,
};
use crate::error::IdentityError;
use crate::grant::Target;
use crate::random;

fn keep_what_is_there() -> OnConflict {
    OnConflict::new().do_nothing().to_owned()
}

pub(super) async fn domain(database: &impl ConnectionTrait) -> Result<(), DbErr> {
    let row = domain::ActiveModel {
        id: Set(DEFAULT_DOMAIN_ID.into()),
        name: Set("Default".into()),
        description: Set("The default domain".into()),
        enabled: Set(true),
        tags: Set(json!([])),
        options: Set(json!({})),
        extra: Set(json!({})),
    };
    domain::Entity::insert(row)
        .on_conflict(keep_what_is_there())
        .exec_without_returning(database)
        .await
        .map(drop)
}

pub(super) async fn role(database: &impl ConnectionTrait, name: &str) -> Result<String, DbErr> {
    if let Some(found) = role::Entity::find().filter(role::Column::Name.eq(name)).one(database).await? {
        return Ok(found.id);
    }
    let row = role::ActiveModel {
        id: Set(random::id()),
        name: Set(name.into()),
        description: Set(None),
        options: Set(json!({"immutable": true})),
        extra: Set(json!({})),
    };
    Ok(row.insert(database).await?.id)
}

pub(super) async fn implication(
    database: &impl ConnectionTrait,
    prior: &str,
    implied: &str,
) -> Result<(), DbErr> {
    let row =
        implied_role::ActiveModel { prior_role_id: Set(prior.into()), implied_role_id: Set(implied.into()) };
    implied_role::Entity::insert(row)
        .on_conflict(keep_what_is_there())
        .exec_without_returning(database)
        .await
        .map(drop)
}

pub(super) async fn project(database: &impl ConnectionTrait, name: &str) -> Result<String, DbErr> {
    let found = project::Entity::find()
        .filter(project::Column::DomainId.eq(DEFAULT_DOMAIN_ID))
        .filter(project::Column::Name.eq(name))
        .one(database)
        .await?;
    if let Some(found) = found {
        return Ok(found.id);
    }
    let row = project::ActiveModel {
        id: Set(random::id()),
        domain_id: Set(DEFAULT_DOMAIN_ID.into()),
        parent_id: Set(DEFAULT_DOMAIN_ID.into()),
        name: Set(name.into()),
        description: Set(String::new()),
        enabled: Set(true),
        tags: Set(json!([])),
        options: Set(json!({})),
        extra: Set(json!({})),
    };
    Ok(row.insert(database).await?.id)
}

pub(super) async fn user(
    database: &impl ConnectionTrait,
    name: &str,
    password_hash: Option<&String>,
) -> Result<String, DbErr> {
    let found = user::Entity::find()
        .filter(user::Column::DomainId.eq(DEFAULT_DOMAIN_ID))
        .filter(user::Column::Name.eq(name))
        .one(database)
        .await?;
    if let Some(found) = found {
        return Ok(found.id);
    }
    let row = user::ActiveModel {
        id: Set(random::id()),
        domain_id: Set(DEFAULT_DOMAIN_ID.into()),
        name: Set(name.into()),
        enabled: Set(true),
        password_hash: Set(password_hash.cloned()),
        token_epoch: Set(0),
        default_project_id: Set(None),
        options: Set(json!({})),
        extra: Set(json!({})),
    };
    Ok(row.insert(database).await?.id)
}

pub(super) async fn grants(
    database: &impl ConnectionTrait,
    user: &BootstrapUser,
    user_id: &str,
    done: &Bootstrapped,
) -> Result<(), IdentityError> {
    let project = done.project_ids.get(&user.project).cloned().unwrap_or_default();
    let on_project = user.roles.iter().map(|role| (role, Target::Project(project.clone())));
    let on_system = user.system_roles.iter().map(|role| (role, Target::System));
    for (role, target) in on_project.chain(on_system) {
        let role_id = done
            .role_ids
            .get(role)
            .ok_or_else(|| IdentityError::UnknownRole { user: user.name.clone(), role: role.clone() })?;
        let row = assignment::ActiveModel {
            user_id: Set(user_id.into()),
            role_id: Set(role_id.clone()),
            project_id: Set(target.project_id()),
            domain_id: Set(None),
            ..Default::default()
        };
        assignment::Entity::insert(row)
            .on_conflict(keep_what_is_there())
            .exec_without_returning(database)
            .await?;
    }
    Ok(())
}

pub(super) async fn region(database: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    let row = region::ActiveModel {
        id: Set(id.into()),
        description: Set(String::new()),
        parent_region_id: Set(None),
        extra: Set(json!({})),
    };
    region::Entity::insert(row)
        .on_conflict(keep_what_is_there())
        .exec_without_returning(database)
        .await
        .map(drop)
}

/// The ids of the service and of its public endpoint.
pub(super) async fn endpoint(
    database: &impl ConnectionTrait,
    wanted: &BootstrapEndpoint,
    region: &str,
) -> Result<(String, String), DbErr> {
    let service_id = service(database, wanted).await?;
    let mut public = String::new();
    for interface in ["public", "internal", "admin"] {
        let found = endpoint::Entity::find()
            .filter(endpoint::Column::ServiceId.eq(&service_id))
            .filter(endpoint::Column::RegionId.eq(region))
            .filter(endpoint::Column::Interface.eq(interface))
            .order_by_asc(endpoint::Column::Id)
            .one(database)
            .await?;
        let id = match found {
            Some(row) if row.url == wanted.url => row.id,
            Some(row) => {
                let id = row.id.clone();
                let mut change: endpoint::ActiveModel = row.into();
                change.url = Set(wanted.url.clone());
                change.update(database).await?;
                id
            }
            None => {
                let row = endpoint::ActiveModel {
                    id: Set(random::id()),
                    service_id: Set(service_id.clone()),
                    region_id: Set(Some(region.into())),
                    interface: Set(interface.into()),
                    url: Set(wanted.url.clone()),
                    enabled: Set(true),
                    extra: Set(json!({})),
                };
                row.insert(database).await?.id
            }
        };
        if interface == "public" {
            public = id;
        }
    }
    Ok((service_id, public))
}

async fn service(database: &impl ConnectionTrait, wanted: &BootstrapEndpoint) -> Result<String, DbErr> {
    let found = service::Entity::find()
        .filter(service::Column::ServiceType.eq(&wanted.service_type))
        .filter(service::Column::Name.eq(&wanted.service_name))
        .order_by_asc(service::Column::Id)
        .one(database)
        .await?;
    if let Some(found) = found {
        return Ok(found.id);
    }
    let row = service::ActiveModel {
        id: Set(random::id()),
        service_type: Set(wanted.service_type.clone()),
        name: Set(Some(wanted.service_name.clone())),
        description: Set(None),
        enabled: Set(true),
        extra: Set(json!({})),
    };
    Ok(row.insert(database).await?.id)
}

pub(super) async fn registered_limit(
    database: &impl ConnectionTrait,
    wanted: &BootstrapRegisteredLimit,
    service_id: &str,
    region: &str,
) -> Result<(), DbErr> {
    let row = registered_limit::ActiveModel {
        id: Set(random::id()),
        service_id: Set(service_id.into()),
        region_id: Set(Some(region.into())),
        resource_name: Set(wanted.resource_name.clone()),
        default_limit: Set(wanted.default_limit),
        description: Set(None),
    };
    registered_limit::Entity::insert(row)
        .on_conflict(keep_what_is_there())
        .exec_without_returning(database)
        .await
        .map(drop)
}
