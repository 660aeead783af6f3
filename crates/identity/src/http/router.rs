// SPDX-License-Identifier: Apache-2.0
//! The routes.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, head, patch, post, put};

use super::api_error::ApiError;
use super::{
    application_credentials, auth_listings, domains, endpoints, grants, groups, headers, implied_roles,
    limits, passwords, project_tags, projects, regions, registered_limits, role_assignments, roles, services,
    tokens, users, versions,
};
use crate::service::Identity;

/// The largest body read: what Keystone takes by default, 112 KiB.
const MAX_BODY_BYTES: usize = 114_688;

pub(crate) fn router(service: Identity) -> Router {
    Router::new()
        .route("/", get(versions::all))
        .route("/v3", get(versions::show))
        .route("/v3/", get(versions::show))
        .merge(auth())
        .merge(resources())
        .merge(assignments())
        .merge(catalog())
        .merge(unified_limits())
        .fallback(async || ApiError::NotFound("The requested URL was not found on the server.".into()))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(service.clone(), headers::add))
        .with_state(service)
}

fn auth() -> Router<Identity> {
    Router::new()
        .route("/v3/auth/tokens", post(tokens::create).get(tokens::show).delete(tokens::revoke))
        .route("/v3/auth/catalog", get(auth_listings::show_catalog))
        .route("/v3/auth/projects", get(auth_listings::list_projects))
        .route("/v3/auth/domains", get(auth_listings::list_domains))
        .route("/v3/auth/system", get(auth_listings::list_system))
}

fn resources() -> Router<Identity> {
    Router::new()
        .route("/v3/domains", get(domains::list).post(domains::create))
        .route("/v3/domains/{id}", get(domains::show).patch(domains::update).delete(domains::delete))
        .route("/v3/projects", get(projects::list).post(projects::create))
        .route("/v3/projects/{id}", get(projects::show).patch(projects::update).delete(projects::delete))
        .route(
            "/v3/projects/{id}/tags",
            get(project_tags::list).put(project_tags::replace).delete(project_tags::delete_all),
        )
        .route(
            "/v3/projects/{id}/tags/{tag}",
            get(project_tags::show).put(project_tags::add).delete(project_tags::delete),
        )
        .route("/v3/users", get(users::list).post(users::create))
        .route("/v3/users/{id}", get(users::show).patch(users::update).delete(users::delete))
        .route("/v3/users/{id}/password", post(passwords::change))
        .route("/v3/users/{id}/projects", get(projects::list_of_user))
        .route("/v3/users/{id}/groups", get(groups::list_of_user))
        .route(
            "/v3/users/{id}/application_credentials",
            get(application_credentials::list).post(application_credentials::create),
        )
        .route(
            "/v3/users/{id}/application_credentials/{credential_id}",
            get(application_credentials::show).delete(application_credentials::delete),
        )
        .route("/v3/groups", get(groups::list))
        .route("/v3/groups/{id}", get(groups::show))
}

fn assignments() -> Router<Identity> {
    let mut router = Router::new()
        .route("/v3/roles", get(roles::list).post(roles::create))
        .route("/v3/roles/{id}", get(roles::show).patch(roles::update).delete(roles::delete))
        .route("/v3/roles/{id}/implies", get(implied_roles::list))
        .route(
            "/v3/roles/{id}/implies/{implied_id}",
            get(implied_roles::show).put(implied_roles::create).delete(implied_roles::delete),
        )
        .route("/v3/role_inferences", get(implied_roles::list_all))
        .route("/v3/role_assignments", get(role_assignments::list));
    for target in ["/v3/projects/{project_id}", "/v3/domains/{domain_id}", "/v3/system"] {
        for holder in ["users/{user_id}", "groups/{group_id}"] {
            let granted = head(grants::check).get(grants::check).put(grants::create).delete(grants::delete);
            router = router
                .route(&format!("{target}/{holder}/roles"), get(grants::list))
                .route(&format!("{target}/{holder}/roles/{{role_id}}"), granted);
        }
    }
    router
}

fn catalog() -> Router<Identity> {
    Router::new()
        .route("/v3/regions", get(regions::list).post(regions::create))
        .route(
            "/v3/regions/{id}",
            put(regions::create_named).get(regions::show).patch(regions::update).delete(regions::delete),
        )
        .route("/v3/services", get(services::list).post(services::create))
        .route("/v3/services/{id}", get(services::show).patch(services::update).delete(services::delete))
        .route("/v3/endpoints", get(endpoints::list).post(endpoints::create))
        .route("/v3/endpoints/{id}", get(endpoints::show).patch(endpoints::update).delete(endpoints::delete))
}

fn unified_limits() -> Router<Identity> {
    Router::new()
        .route("/v3/registered_limits", get(registered_limits::list).post(registered_limits::create))
        .route(
            "/v3/registered_limits/{id}",
            patch(registered_limits::update).get(registered_limits::show).delete(registered_limits::delete),
        )
        .route("/v3/limits", get(limits::list).post(limits::create))
        .route("/v3/limits/model", get(limits::model))
        .route("/v3/limits/{id}", get(limits::show).patch(limits::update).delete(limits::delete))
}
