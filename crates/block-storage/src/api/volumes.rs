// SPDX-License-Identifier: Apache-2.0
//! `/volumes`

pub(crate) mod change;
pub(crate) mod create;
mod filter;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod show;
