// SPDX-License-Identifier: Apache-2.0
//! Policy at the edge: which rules guard which route, and how a refusal looks to the refused.

mod metadef;

use std::borrow::Cow;

use scurry_auth::policy::{Attributes, Target};
use scurry_image::Image;
use scurry_types::{ImageId, Visibility};

use crate::api::{Api, Asker};
use crate::error::ApiError;

/// Rules of a route: `(method, path, rules)`. Rules that depend on the request's content are all named.
/// An empty list is a route open to every valid token. `tests/it/policy.rs` walks this table.
pub const ROUTE_RULES: &[(&str, &str, &[&str])] = &[
    ("GET", "/v2/schemas/{name}", &[]),
    ("GET", "/v2/schemas/metadefs/{name}", &[]),
    ("GET", "/v2/info/import", &[]),
    ("GET", "/v2/info/stores", &[]),
    ("GET", "/v2/info/stores/detail", &["stores_info_detail"]),
    ("GET", "/v2/info/usage", &[]),
    ("GET", "/v2/images", &["get_images", "get_image"]),
    ("POST", "/v2/images", &["add_image", "publicize_image", "communitize_image"]),
    ("GET", "/v2/images/{id}", &["get_image"]),
    (
        "PATCH",
        "/v2/images/{id}",
        &[
            "modify_image",
            "publicize_image",
            "communitize_image",
            "set_image_location",
            "delete_image_location",
        ],
    ),
    ("DELETE", "/v2/images/{id}", &["delete_image"]),
    ("GET", "/v2/images/{id}/file", &["download_image", "download_from_store"]),
    ("PUT", "/v2/images/{id}/file", &["upload_image"]),
    ("HEAD", "/v2/images/{id}/file", &["upload_image"]),
    ("PATCH", "/v2/images/{id}/file", &["upload_image"]),
    ("DELETE", "/v2/images/{id}/file", &["upload_image"]),
    ("PUT", "/v2/images/{id}/stage", &["modify_image"]),
    ("POST", "/v2/images/{id}/import", &["modify_image", "copy_image"]),
    ("GET", "/v2/images/{id}/copy-plan", &["copy_image"]),
    ("GET", "/v2/images/{id}/tasks", &["get_image"]),
    ("POST", "/v2/images/{id}/locations", &["add_image_location"]),
    ("GET", "/v2/images/{id}/locations", &["fetch_image_location"]),
    ("POST", "/v2/images/{id}/actions/deactivate", &["deactivate"]),
    ("POST", "/v2/images/{id}/actions/reactivate", &["reactivate"]),
    ("PUT", "/v2/images/{id}/tags/{tag}", &["modify_image"]),
    ("DELETE", "/v2/images/{id}/tags/{tag}", &["modify_image"]),
    ("GET", "/v2/images/{id}/members", &["get_members", "get_member"]),
    ("POST", "/v2/images/{id}/members", &["add_member"]),
    ("GET", "/v2/images/{id}/members/{member}", &["get_member"]),
    ("PUT", "/v2/images/{id}/members/{member}", &["modify_member"]),
    ("DELETE", "/v2/images/{id}/members/{member}", &["delete_member"]),
    ("DELETE", "/v2/stores/{store}/{id}", &["delete_image_location", "get_image_location"]),
    ("GET", "/v2/cache", &["cache_list"]),
    ("DELETE", "/v2/cache", &["cache_delete"]),
    ("PUT", "/v2/cache/{id}", &["cache_image"]),
    ("DELETE", "/v2/cache/{id}", &["cache_delete"]),
    ("GET", "/v2/cache/nodes/{id}", &["list_cached_nodes"]),
    ("POST", "/v2/cache/clean", &["cache_clean"]),
    ("POST", "/v2/cache/prune", &["cache_prune"]),
    ("GET", "/v2/cached_images", &["manage_image_cache"]),
    ("DELETE", "/v2/cached_images", &["manage_image_cache"]),
    ("DELETE", "/v2/cached_images/{id}", &["manage_image_cache"]),
    ("GET", "/v2/queued_images", &["manage_image_cache"]),
    ("DELETE", "/v2/queued_images", &["manage_image_cache"]),
    ("PUT", "/v2/queued_images/{id}", &["manage_image_cache"]),
    ("DELETE", "/v2/queued_images/{id}", &["manage_image_cache"]),
    ("GET", "/v2/tasks", &["tasks_api_access", "get_tasks"]),
    ("POST", "/v2/tasks", &["tasks_api_access", "add_task"]),
    ("GET", "/v2/tasks/{id}", &["tasks_api_access", "get_task"]),
    ("DELETE", "/v2/tasks/{id}", &["tasks_api_access"]),
    (
        "GET",
        "/v2/metadefs/namespaces",
        &["get_metadef_namespaces", "list_metadef_resource_types", "get_metadef_namespace"],
    ),
    (
        "POST",
        "/v2/metadefs/namespaces",
        &[
            "add_metadef_namespace",
            "add_metadef_resource_type_association",
            "add_metadef_object",
            "add_metadef_property",
            "add_metadef_tag",
        ],
    ),
    (
        "GET",
        "/v2/metadefs/namespaces/{namespace}",
        &[
            "get_metadef_namespace",
            "list_metadef_resource_types",
            "get_metadef_objects",
            "get_metadef_properties",
            "get_metadef_tags",
        ],
    ),
    ("PUT", "/v2/metadefs/namespaces/{namespace}", &["modify_metadef_namespace"]),
    ("DELETE", "/v2/metadefs/namespaces/{namespace}", &["delete_metadef_namespace"]),
    ("GET", "/v2/metadefs/namespaces/{namespace}/objects", &["get_metadef_objects", "get_metadef_object"]),
    ("POST", "/v2/metadefs/namespaces/{namespace}/objects", &["add_metadef_object"]),
    ("DELETE", "/v2/metadefs/namespaces/{namespace}/objects", &["delete_metadef_namespace"]),
    ("GET", "/v2/metadefs/namespaces/{namespace}/objects/{object}", &["get_metadef_object"]),
    ("PUT", "/v2/metadefs/namespaces/{namespace}/objects/{object}", &["modify_metadef_object"]),
    ("DELETE", "/v2/metadefs/namespaces/{namespace}/objects/{object}", &["delete_metadef_object"]),
    ("GET", "/v2/metadefs/namespaces/{namespace}/properties", &["get_metadef_properties"]),
    ("POST", "/v2/metadefs/namespaces/{namespace}/properties", &["add_metadef_property"]),
    ("DELETE", "/v2/metadefs/namespaces/{namespace}/properties", &["delete_metadef_namespace"]),
    (
        "GET",
        "/v2/metadefs/namespaces/{namespace}/properties/{property}",
        &["get_metadef_property", "get_metadef_resource_type"],
    ),
    ("PUT", "/v2/metadefs/namespaces/{namespace}/properties/{property}", &["modify_metadef_property"]),
    ("DELETE", "/v2/metadefs/namespaces/{namespace}/properties/{property}", &["remove_metadef_property"]),
    ("GET", "/v2/metadefs/namespaces/{namespace}/tags", &["get_metadef_tags"]),
    ("POST", "/v2/metadefs/namespaces/{namespace}/tags", &["add_metadef_tags"]),
    (
        "DELETE",
        "/v2/metadefs/namespaces/{namespace}/tags",
        &["delete_metadef_namespace", "delete_metadef_tags"],
    ),
    ("GET", "/v2/metadefs/namespaces/{namespace}/tags/{tag}", &["get_metadef_tag"]),
    ("POST", "/v2/metadefs/namespaces/{namespace}/tags/{tag}", &["add_metadef_tag"]),
    ("PUT", "/v2/metadefs/namespaces/{namespace}/tags/{tag}", &["modify_metadef_tag"]),
    ("DELETE", "/v2/metadefs/namespaces/{namespace}/tags/{tag}", &["delete_metadef_tag"]),
    (
        "GET",
        "/v2/metadefs/namespaces/{namespace}/resource_types",
        &["list_metadef_resource_types", "get_metadef_resource_type"],
    ),
    (
        "POST",
        "/v2/metadefs/namespaces/{namespace}/resource_types",
        &["add_metadef_resource_type_association"],
    ),
    (
        "DELETE",
        "/v2/metadefs/namespaces/{namespace}/resource_types/{resource_type}",
        &["remove_metadef_resource_type_association"],
    ),
    ("GET", "/v2/metadefs/resource_types", &["list_metadef_resource_types"]),
];

impl Api {
    /// Whether a rule lets the caller act on an image.
    pub(crate) fn may(&self, asker: &Asker, rule: &str, image: &Image) -> bool {
        self.policy.check(rule, &asker.context, &target(asker, image))
    }

    /// Lets the caller act on an image, or says 403 to one who may see it and 404 to one who may not.
    pub(crate) fn require(&self, asker: &Asker, rule: &str, image: &Image) -> Result<(), ApiError> {
        if self.may(asker, rule, image) {
            return Ok(());
        }
        if rule == "get_image" || !self.may(asker, "get_image", image) {
            return Err(ApiError::no_resource());
        }
        Err(ApiError::not_permitted(rule))
    }

    /// Lets the caller act on whatever the rule sees as its target, or says 403.
    pub(crate) fn require_on(
        &self,
        asker: &Asker,
        rule: &str,
        target: &dyn Attributes,
    ) -> Result<(), ApiError> {
        if self.policy.check(rule, &asker.context, target) {
            return Ok(());
        }
        Err(ApiError::not_permitted(rule))
    }

    /// Goes on where there is an image cache.
    pub(crate) fn require_cache(&self) -> Result<(), ApiError> {
        match self.settings().cache {
            Some(_) => Ok(()),
            None => Err(ApiError::not_found("Caching via API is not supported at this site.")),
        }
    }

    /// Lets the caller do something that concerns no image in particular, or says 403.
    pub(crate) fn require_own(&self, asker: &Asker, rule: &str) -> Result<(), ApiError> {
        let project = asker.context.project();
        let target = Target::new().with("project_id", project).with("owner", project);
        if self.policy.check(rule, &asker.context, &target) {
            return Ok(());
        }
        Err(ApiError::not_permitted(rule))
    }

    /// An image the caller may see and act on.
    pub(crate) async fn image_for(&self, asker: &Asker, rule: &str, id: &ImageId) -> Result<Image, ApiError> {
        let image = self.service.get(&asker.caller, id).await?;
        self.require(asker, rule, &image)?;
        Ok(image)
    }

    /// Lets the caller create an image of that owner and visibility.
    pub(crate) fn require_add(
        &self,
        asker: &Asker,
        owner: Option<&str>,
        visibility: Visibility,
    ) -> Result<(), ApiError> {
        let own = asker.context.project();
        let owner = owner.unwrap_or(own);
        let target = Target::new()
            .with("project_id", owner)
            .with("owner", owner)
            .with("visibility", visibility.as_str());
        if !self.policy.check("add_image", &asker.context, &target) {
            if owner != own {
                return Err(ApiError::forbidden(format!(
                    "You are not permitted to create images owned by '{owner}'"
                )));
            }
            return Err(ApiError::not_permitted("add_image"));
        }
        let rule = match visibility {
            Visibility::Public => "publicize_image",
            Visibility::Community => "communitize_image",
            Visibility::Private | Visibility::Shared => return Ok(()),
        };
        if self.policy.check(rule, &asker.context, &target) {
            Ok(())
        } else {
            Err(ApiError::not_permitted(rule))
        }
    }
}

/// An image as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    image: &'a Image,
    /// The caller's project.
    own: Option<&'a str>,
}

/// An image as rules see it.
pub(crate) fn target<'a>(asker: &'a Asker, image: &'a Image) -> Subject<'a> {
    Subject { image, own: asker.context.project_id.as_ref().map(|project| project.as_str()) }
}

impl Subject<'_> {
    fn owner(&self) -> Option<&str> {
        self.image.owner.as_ref().map(|project| project.as_str())
    }

    /// Who sees a shared image of another project is its member.
    fn member(&self) -> Option<&str> {
        self.own.filter(|own| self.image.visibility == Visibility::Shared && self.owner() != Some(*own))
    }
}

impl Attributes for Subject<'_> {
    fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let image = self.image;
        let flag = |on: bool| if on { "True" } else { "False" };
        let text = match name {
            "id" | "image_id" => Some(image.id.as_str()),
            "project_id" | "owner" => self.owner(),
            "member_id" | "member" => self.member(),
            "visibility" => Some(image.visibility.as_str()),
            "status" => Some(image.status.as_str()),
            "name" => image.name.as_deref(),
            "protected" => Some(flag(image.protected)),
            "os_hidden" => Some(flag(image.os_hidden)),
            "min_disk" => return Some(image.min_disk.to_string().into()),
            "min_ram" => return Some(image.min_ram.to_string().into()),
            "size" => return image.size.map(|size| size.to_string().into()),
            "virtual_size" => return image.virtual_size.map(|size| size.to_string().into()),
            "checksum" => image.checksum.as_deref(),
            "os_hash_algo" => image.os_hash_algo.as_deref(),
            "os_hash_value" => image.os_hash_value.as_deref(),
            "disk_format" => image.disk_format.as_deref(),
            "container_format" => image.container_format.as_deref(),
            // Nothing a client names can take the place of what the image is.
            property => image.properties.get(property).map(String::as_str),
        };
        text.map(Cow::Borrowed)
    }
}
