// SPDX-License-Identifier: Apache-2.0
//! The embedded Identity v3 service: what a small cloud needs of Keystone, on one SQLite file.
//!
//! Its answers have the shapes, status codes and texts of Keystone 30, so that `openstack`, keystoneauth,
//! keystonemiddleware and oslo.limit work with it unchanged. `docs/adr/0001-embedded-identity.md` says why it is ours.

mod bootstrap;
mod catalog;
mod clock;
mod config;
mod entity;
mod error;
mod grant;
mod http;
mod password;
mod random;
mod schema;
mod service;
mod token;

pub use bootstrap::{
    Bootstrap, BootstrapEndpoint, BootstrapRegisteredLimit, BootstrapUser, Bootstrapped, DEFAULT_DOMAIN_ID,
};
pub use config::IdentityConfig;
pub use error::IdentityError;
pub use password::PasswordError;
pub use service::Identity;
