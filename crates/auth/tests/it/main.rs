// SPDX-License-Identifier: Apache-2.0
//! The crate against a Keystone made for the tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod callers;
mod keystone;
mod layer;
mod limits;
mod validator;
