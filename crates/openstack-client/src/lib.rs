// SPDX-License-Identifier: Apache-2.0
//! Thin typed client of the Identity, Block Storage and Image APIs.
//!
//! A [`Session`] holds one identity and its token; the service modules put typed calls on top of it:
//! [`identity`], [`block::BlockClient`], [`image::ImageClient`]. Every call ends in a [`ClientError`] whose
//! [`ErrorKind`] is what callers decide on. Redirects are never followed: a token must not leave for another host.

pub mod block;
mod catalog;
mod credentials;
mod error;
pub mod identity;
pub mod image;
mod poll;
mod service;
mod session;
mod token;

pub use catalog::{Catalog, CatalogEndpoint, CatalogService, Interface};
pub use credentials::{AuthMethod, Credentials, DomainRef, PrincipalRef};
pub use error::{ClientError, ErrorKind};
pub use poll::{WaitError, wait_for};
pub use reqwest::Method;
pub use scurry_types::Secret;
pub use service::{Call, ServiceClient};
pub use session::{Session, SessionOptions};
pub use token::Token;
pub use url::Url;
