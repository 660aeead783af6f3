// SPDX-License-Identifier: Apache-2.0
//! The use cases over the real database, with stores that fail to order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml covers test functions only, not what they share"
)]

mod access;
mod addresses;
mod backends;
mod cache;
mod copy;
mod copy_plan;
mod copy_resume;
mod crash;
mod delete;
mod import;
mod listing;
mod locations;
mod nodes;
mod patch;
mod plugins;
mod quota;
mod resumable;
mod resumable_nodes;
mod scrub;
mod upload;
mod web_import;
mod web_store;
mod world;
