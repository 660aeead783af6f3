// SPDX-License-Identifier: Apache-2.0
//! The service through its routes, as its clients meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the harness fails the test where it cannot go on"
)]

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
