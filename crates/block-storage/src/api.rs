// SPDX-License-Identifier: Apache-2.0
//! The HTTP edge.

use std::sync::Arc;

use crate::service::Service;

mod actions;
mod attachments;
mod body;
mod caller;
pub(crate) mod fault;
mod listings;
mod metadata;
mod microversion;
mod paging;
mod policy;
mod pools;
mod project_path;
mod quotas;
mod router;
mod services;
mod snapshots;
mod types;
mod versions;
mod view;
mod volumes;

pub(crate) use router::router;

/// What handlers get as state.
pub(crate) type Shared = Arc<Service>;
