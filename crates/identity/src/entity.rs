// SPDX-License-Identifier: Apache-2.0
//! The tables, one file each.
#![allow(unreachable_pub, reason = "sea-orm's derives need their types to be pub")]

pub(crate) mod application_credential;
pub(crate) mod application_credential_role;
pub(crate) mod assignment;
pub(crate) mod domain;
pub(crate) mod endpoint;
pub(crate) mod implied_role;
pub(crate) mod project;
pub(crate) mod project_limit;
pub(crate) mod region;
pub(crate) mod registered_limit;
pub(crate) mod role;
pub(crate) mod service;
pub(crate) mod token;
pub(crate) mod user;
