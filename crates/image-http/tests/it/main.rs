// SPDX-License-Identifier: Apache-2.0
//! The Image API over its router, on a real database and stores in memory. One file a resource.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test, its shared parts too")]

mod bytes;
mod cache;
mod delayed_delete;
mod discovery;
mod downloads;
mod edges;
mod front;
mod hostile;
mod images;
mod imports;
mod lists;
mod locations;
mod members;
mod metadef_bodies;
mod metadef_lists;
mod metadef_policy;
mod metadefs;
mod policy;
mod policy_matrix;
mod protections;
mod quota;
mod refused_uploads;
mod resumable_uploads;
mod support;
mod tags;
mod tasks;
mod updates;
