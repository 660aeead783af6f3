// SPDX-License-Identifier: Apache-2.0
//! The Image API v2 over HTTP.
//!
//! [`router`] is all a binary needs: it turns requests into calls of [`scurry_image::ImageService`] after asking
//! the policy, and its answers into what Glance's clients expect. `router.rs` is the list of routes.

mod access;
mod api;
mod body;
mod edge;
mod error;
mod handlers;
mod names;
mod openapi;
mod patch;
mod protect;
mod query;
mod range;
mod resumption;
mod router;
mod schema;
mod settings;
mod versions;
mod wire;

pub use access::ROUTE_RULES;
pub use openapi::openapi;
pub use router::router;
pub use schema::{CustomSchema, CustomSchemaError};
pub use settings::HttpSettings;
