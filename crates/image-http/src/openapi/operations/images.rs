// SPDX-License-Identifier: Apache-2.0
//! Images, their data, locations, members, tags and imports.

use super::{Body, Operation, Reply, row};

const PAGE: &[&str] = &[
    "limit",
    "marker",
    "sort",
    "sort_key",
    "sort_dir",
    "name",
    "status",
    "visibility",
    "member_status",
    "owner",
    "tag",
    "os_hidden",
    "protected",
    "size_min",
    "size_max",
    "created_at",
    "updated_at",
    "disk_format",
    "container_format",
    "checksum",
    "os_hash_value",
];
const NONE: &[(u16, Reply)] = &[(204, Reply::Empty)];

#[rustfmt::skip]
pub(super) const OPERATIONS: &[Operation] = &[
    row("GET", "/v2/images", "List images", PAGE, Body::None, &[(200, Reply::Json("images"))], &[400]),
    row("POST", "/v2/images", "Create an image record", &[], Body::Json("image"), &[(201, Reply::Json("image"))], &[400, 409]),
    row("GET", "/v2/images/{id}", "Show an image", &[], Body::None, &[(200, Reply::Json("image"))], &[400]),
    row("PATCH", "/v2/images/{id}", "Change an image", &[], Body::Patch, &[(200, Reply::Json("image"))], &[400, 409, 415, 503]),
    row("DELETE", "/v2/images/{id}", "Delete an image", &[], Body::None, NONE, &[400, 409, 502, 503, 504]),
    row("GET", "/v2/images/{id}/file", "Download an image's data", &["prefer", "range"], Body::None,
        &[(200, Reply::Bytes), (206, Reply::Bytes), (204, Reply::Empty)], &[400, 416, 503]),
    row("PUT", "/v2/images/{id}/file", "Upload an image's data", &["x_image_meta_store", "x_openstack_image_size"], Body::Bytes,
        NONE, &[400, 409, 410, 415, 503]),
    row("PUT", "/v2/images/{id}/stage", "Stage data for an import", &["x_openstack_image_size"], Body::Bytes,
        NONE, &[400, 409, 410, 415, 503]),
    row("POST", "/v2/images/{id}/import", "Import data in the background", &["x_image_meta_store"], Body::Json("import"),
        &[(202, Reply::Empty)], &[400, 409, 502, 503, 504]),
    row("GET", "/v2/images/{id}/tasks", "List the tasks of an image", &[], Body::None, &[(200, Reply::Json("image_tasks"))], &[400]),
    row("GET", "/v2/images/{id}/locations", "List the places of an image's data", &[], Body::None,
        &[(200, Reply::Json("locations"))], &[400]),
    row("POST", "/v2/images/{id}/locations", "Register a place of an image's data", &[], Body::Json("location"),
        &[(202, Reply::Json("locations"))], &[400, 409, 503]),
    row("POST", "/v2/images/{id}/actions/deactivate", "Stop giving out an image's data", &[], Body::None, NONE, &[400, 409]),
    row("POST", "/v2/images/{id}/actions/reactivate", "Give out an image's data again", &[], Body::None, NONE, &[400, 409]),
    row("PUT", "/v2/images/{id}/tags/{tag}", "Add a tag", &[], Body::None, NONE, &[400, 409]),
    row("DELETE", "/v2/images/{id}/tags/{tag}", "Remove a tag", &[], Body::None, NONE, &[400, 409]),
    row("GET", "/v2/images/{id}/members", "List the members of a shared image", &[], Body::None,
        &[(200, Reply::Json("members"))], &[400]),
    row("POST", "/v2/images/{id}/members", "Share an image", &[], Body::Json("new_member"), &[(200, Reply::Json("member"))], &[400, 409]),
    row("GET", "/v2/images/{id}/members/{member}", "Show a member", &[], Body::None, &[(200, Reply::Json("member"))], &[400]),
    row("PUT", "/v2/images/{id}/members/{member}", "Accept or reject an image", &[], Body::Json("member_status"),
        &[(200, Reply::Json("member"))], &[400]),
    row("DELETE", "/v2/images/{id}/members/{member}", "Stop sharing with a member", &[], Body::None, NONE, &[400]),
    row("DELETE", "/v2/stores/{store}/{id}", "Delete an image from one store", &[], Body::None, NONE, &[400, 409, 503]),
];
