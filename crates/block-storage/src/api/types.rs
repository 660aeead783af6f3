// SPDX-License-Identifier: Apache-2.0
//! `/types`

pub(crate) mod access;
pub(crate) mod change;
pub(crate) mod show;
pub(crate) mod specs;
