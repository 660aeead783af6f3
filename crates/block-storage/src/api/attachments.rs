// SPDX-License-Identifier: Apache-2.0
//! `/attachments`

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod release;
pub(crate) mod update;
