// SPDX-License-Identifier: Apache-2.0
//! The crate against a Keystone made for the tests.

mod keystone;
mod layer;
mod limits;
mod validator;
