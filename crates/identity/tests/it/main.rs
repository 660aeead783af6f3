// SPDX-License-Identifier: Apache-2.0
//! The service through its routes, as its clients meet it.

mod application_credentials;
mod bootstrap;
mod catalog;
mod cloud;
mod limits;
mod malformed;
mod policy;
mod resources;
mod roles;
mod tokens;
