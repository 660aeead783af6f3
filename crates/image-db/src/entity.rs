// SPDX-License-Identifier: Apache-2.0
//! The tables as sea-orm sees them; the schema files say what Glance and we mean by each.

// The derive macros make these items `pub`.
#![allow(unreachable_pub)]

pub(crate) mod block_hash;
pub(crate) mod cached_image;
pub(crate) mod image;
pub(crate) mod job;
pub(crate) mod location;
pub(crate) mod lock;
pub(crate) mod member;
pub(crate) mod metadef_association;
pub(crate) mod metadef_namespace;
pub(crate) mod metadef_object;
pub(crate) mod metadef_property;
pub(crate) mod metadef_resource_type;
pub(crate) mod metadef_tag;
pub(crate) mod node;
pub(crate) mod node_reference;
pub(crate) mod outbox;
pub(crate) mod property;
pub(crate) mod publisher;
pub(crate) mod staged;
pub(crate) mod tag;
pub(crate) mod task;
pub(crate) mod task_text;
pub(crate) mod upload;
pub(crate) mod write;
