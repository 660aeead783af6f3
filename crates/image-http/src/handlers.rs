// SPDX-License-Identifier: Apache-2.0
//! One file a resource or use case.

pub(crate) mod actions;
pub(crate) mod cache;
pub(crate) mod cached_images;
pub(crate) mod copy_plan;
pub(crate) mod create_image;
pub(crate) mod delete_image;
pub(crate) mod download;
pub(crate) mod healthcheck;
pub(crate) mod image_tasks;
pub(crate) mod import;
pub(crate) mod list_images;
pub(crate) mod locations;
pub(crate) mod members;
pub(crate) mod metadefs;
pub(crate) mod schemas;
pub(crate) mod show_image;
pub(crate) mod stage;
pub(crate) mod store_info;
pub(crate) mod store_locations;
pub(crate) mod tags;
pub(crate) mod tasks;
pub(crate) mod update_image;
pub(crate) mod upload;
pub(crate) mod upload_session;
pub(crate) mod usage;
