// SPDX-License-Identifier: Apache-2.0
//! `/snapshots`

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod metadata;
