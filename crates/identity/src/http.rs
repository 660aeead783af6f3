// SPDX-License-Identifier: Apache-2.0
//! The HTTP side: one file for each kind of resource, `router` for the routes.

mod api_error;
mod application_credentials;
mod auth_listings;
mod body;
mod caller;
mod domains;
mod endpoints;
mod grants;
mod groups;
mod headers;
mod implied_roles;
mod limits;
mod passwords;
mod path;
mod project_tags;
mod projects;
mod query;
mod regions;
mod registered_limits;
mod role_assignments;
mod roles;
mod router;
mod services;
mod tokens;
mod users;
mod versions;
mod view;

pub(crate) use api_error::ApiError;
pub(crate) use router::router;
