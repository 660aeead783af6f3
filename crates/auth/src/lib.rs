// SPDX-License-Identifier: Apache-2.0
//! Token validation, request context, policy rules, unified limits.
//!
//! A service makes one [`TokenValidator`] from its `[keystone_authtoken]`, puts [`middleware::authenticate`]
//! around its routes, takes the [`Context`] out of each request's extensions, and asks a [`policy::Policy`]
//! whether the caller may do what the route does. [`limits`] reads Keystone's unified limits.

mod context;
pub mod limits;
pub mod middleware;
pub mod policy;
mod settings;
mod validator;

pub use context::{Context, Identity, ServiceCaller};
pub use scurry_types::Secret;
pub use settings::{AuthSettings, credentials};
pub use validator::{AuthError, TokenValidator};
