// SPDX-License-Identifier: Apache-2.0
//! The Image service's rules as Glance ships them.

use super::{RuleDefault, Scope};

const PROJECT: &[Scope] = &[Scope::Project];

const ADMIN: &str = "rule:context_is_admin";
const ADMIN_OR_MEMBER: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s)";
const ADMIN_OR_READER: &str = "rule:context_is_admin or (role:reader and project_id:%(project_id)s)";
const ADD_IMAGE: &str = "rule:context_is_admin or \
    (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
const READ_IMAGE: &str = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or \
    project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";
const DOWNLOAD_IMAGE: &str = "rule:context_is_admin or (role:member and (project_id:%(project_id)s or \
    project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";
const READ_MEMBER: &str =
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s))";
const MODIFY_MEMBER: &str = "rule:context_is_admin or (role:member and project_id:%(member_id)s)";
const READ_METADEF: &str =
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))";
const METADEF_ADMIN: &str = "rule:metadef_admin";

const fn base(name: &'static str, check: &'static str) -> RuleDefault {
    RuleDefault { name, check, scopes: &[] }
}

const fn project(name: &'static str, check: &'static str) -> RuleDefault {
    RuleDefault { name, check, scopes: PROJECT }
}

/// Every rule of the Image API.
///
/// Target attributes: `project_id` and `owner` (the image's owner), `member_id` (the member the call is about or
/// acts as), `visibility`.
pub const DEFAULTS: &[RuleDefault] = &[
    base("default", ""),
    base("context_is_admin", "role:admin"),
    base("service_api", "role:service or role:admin"),
    base("metadef_default", ""),
    base("metadef_admin", "rule:context_is_admin"),
    project("add_image", ADD_IMAGE),
    project("delete_image", ADMIN_OR_MEMBER),
    project("get_image", READ_IMAGE),
    project("get_images", ADMIN_OR_READER),
    project("modify_image", ADMIN_OR_MEMBER),
    project("publicize_image", ADMIN),
    project("communitize_image", ADMIN_OR_MEMBER),
    project("download_image", DOWNLOAD_IMAGE),
    project("download_from_store", DOWNLOAD_IMAGE),
    project("upload_image", ADMIN_OR_MEMBER),
    project("delete_image_location", ADMIN),
    project("get_image_location", ADMIN_OR_READER),
    project("set_image_location", ADMIN_OR_MEMBER),
    project(
        "add_image_location",
        "rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)",
    ),
    project("fetch_image_location", "rule:service_api"),
    project("add_member", ADMIN_OR_MEMBER),
    project("delete_member", ADMIN_OR_MEMBER),
    project("get_member", READ_MEMBER),
    project("get_members", READ_MEMBER),
    project("modify_member", MODIFY_MEMBER),
    project("manage_image_cache", ADMIN),
    project("deactivate", ADMIN_OR_MEMBER),
    project("reactivate", ADMIN_OR_MEMBER),
    project("copy_image", ADMIN),
    project("get_task", "rule:default"),
    project("get_tasks", "rule:default"),
    project("add_task", "rule:default"),
    project("modify_task", "rule:default"),
    project("tasks_api_access", ADMIN),
    project("cache_image", ADMIN),
    project("cache_list", ADMIN),
    project("cache_delete", ADMIN),
    project("cache_clean", ADMIN),
    project("cache_prune", ADMIN),
    project("list_cached_nodes", ADMIN),
    project("stores_info_detail", "rule:context_is_admin or rule:service_api"),
    project("get_metadef_namespace", READ_METADEF),
    project("get_metadef_namespaces", ADMIN_OR_READER),
    project("modify_metadef_namespace", METADEF_ADMIN),
    project("add_metadef_namespace", METADEF_ADMIN),
    project("delete_metadef_namespace", METADEF_ADMIN),
    project("get_metadef_object", READ_METADEF),
    project("get_metadef_objects", READ_METADEF),
    project("modify_metadef_object", METADEF_ADMIN),
    project("add_metadef_object", METADEF_ADMIN),
    project("delete_metadef_object", METADEF_ADMIN),
    project("list_metadef_resource_types", READ_METADEF),
    project("get_metadef_resource_type", READ_METADEF),
    project("add_metadef_resource_type_association", METADEF_ADMIN),
    project("remove_metadef_resource_type_association", METADEF_ADMIN),
    project("get_metadef_property", READ_METADEF),
    project("get_metadef_properties", READ_METADEF),
    project("modify_metadef_property", METADEF_ADMIN),
    project("add_metadef_property", METADEF_ADMIN),
    project("remove_metadef_property", METADEF_ADMIN),
    project("get_metadef_tag", READ_METADEF),
    project("get_metadef_tags", READ_METADEF),
    project("modify_metadef_tag", METADEF_ADMIN),
    project("add_metadef_tag", METADEF_ADMIN),
    project("add_metadef_tags", METADEF_ADMIN),
    project("delete_metadef_tag", METADEF_ADMIN),
    project("delete_metadef_tags", METADEF_ADMIN),
];

/// What releases before scoped roles allowed, for `[oslo_policy] enforce_new_defaults = False`.
pub const OLD_DEFAULTS: &[(&str, &str)] = &[
    ("default", "rule:context_is_admin"),
    ("stores_info_detail", "rule:context_is_admin"),
    ("add_image", "rule:default"),
    ("delete_image", "rule:default"),
    ("get_image", "rule:default"),
    ("get_images", "rule:default"),
    ("modify_image", "rule:default"),
    ("communitize_image", "rule:default"),
    ("download_image", "rule:default"),
    ("upload_image", "rule:default"),
    ("delete_image_location", "rule:default"),
    ("get_image_location", "rule:default"),
    ("set_image_location", "rule:default"),
    ("add_member", "rule:default"),
    ("delete_member", "rule:default"),
    ("get_member", "rule:default"),
    ("get_members", "rule:default"),
    ("modify_member", "rule:default"),
    ("deactivate", "rule:default"),
    ("reactivate", "rule:default"),
    ("get_task", "rule:default"),
    ("get_tasks", "rule:default"),
    ("add_task", "rule:default"),
    ("get_metadef_namespace", "rule:metadef_default"),
    ("get_metadef_namespaces", "rule:metadef_default"),
    ("get_metadef_object", "rule:metadef_default"),
    ("get_metadef_objects", "rule:metadef_default"),
    ("list_metadef_resource_types", "rule:metadef_default"),
    ("get_metadef_resource_type", "rule:metadef_default"),
    ("get_metadef_property", "rule:metadef_default"),
    ("get_metadef_properties", "rule:metadef_default"),
    ("get_metadef_tag", "rule:metadef_default"),
    ("get_metadef_tags", "rule:metadef_default"),
    ("cache_image", "rule:manage_image_cache"),
    ("cache_list", "rule:manage_image_cache"),
    ("cache_delete", "rule:manage_image_cache"),
];
