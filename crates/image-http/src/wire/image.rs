// SPDX-License-Identifier: Apache-2.0
//! An image as clients are shown it.

use scurry_image::{Image, ImageLocation, ImageSettings};
use scurry_store::Registry;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::time;

/// Properties of the service that are nobody's business.
const HIDDEN: [&str; 2] = ["os_glance_stage_host", "os_glance_hash_op_host"];

/// Whether clients are shown a property at all.
pub(crate) fn is_shown(property: &str) -> bool {
    !HIDDEN.contains(&property)
}

/// An image's JSON: additional properties first, then its own, `locations`, `direct_url` and `stores` where they
/// apply.
#[derive(Debug)]
pub(crate) struct View<'a> {
    image: &'a Image,
    properties: Vec<(&'a str, Value)>,
    locations: Option<&'a [ImageLocation]>,
    direct_url: Option<&'a str>,
    stores: Option<String>,
}

impl<'a> View<'a> {
    /// Shows `properties`, and where the bytes are if the asker may know (`located`).
    pub(crate) fn new(
        image: &'a Image,
        properties: impl Iterator<Item = (&'a str, Value)>,
        located: bool,
        settings: &ImageSettings,
        stores: &Registry,
    ) -> Self {
        let locations = if located { image.locations.as_slice() } else { &[] };
        let direct = settings.show_image_direct_url.then(|| preferred(locations, stores)).flatten();
        let held = locations.iter().filter_map(ImageLocation::store).collect::<Vec<_>>().join(",");
        let mut view = Self {
            image,
            properties: Vec::new(),
            locations: settings.show_multiple_locations.then_some(locations),
            direct_url: direct.map(|best| best.url.as_str()),
            stores: Some(held).filter(|held| !held.is_empty()),
        };
        view.properties = properties.filter(|(name, _)| !view.is_taken(name)).collect();
        view
    }

    /// Whether a name is shown as something else than an additional property.
    fn is_taken(&self, name: &str) -> bool {
        match name {
            "locations" => self.locations.is_some(),
            "direct_url" => self.direct_url.is_some(),
            "stores" => self.stores.is_some(),
            _ => BASE.contains(&name),
        }
    }
}

/// What every image has.
const BASE: [&str; 22] = [
    "name",
    "disk_format",
    "container_format",
    "visibility",
    "size",
    "virtual_size",
    "status",
    "checksum",
    "protected",
    "min_ram",
    "min_disk",
    "owner",
    "os_hidden",
    "os_hash_algo",
    "os_hash_value",
    "id",
    "created_at",
    "updated_at",
    "tags",
    "self",
    "file",
    "schema",
];

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = self.image;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.properties {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("name", &image.name)?;
        map.serialize_entry("disk_format", &image.disk_format)?;
        map.serialize_entry("container_format", &image.container_format)?;
        map.serialize_entry("visibility", &image.visibility)?;
        map.serialize_entry("size", &image.size)?;
        map.serialize_entry("virtual_size", &image.virtual_size)?;
        map.serialize_entry("status", &image.status)?;
        map.serialize_entry("checksum", &image.checksum)?;
        map.serialize_entry("protected", &image.protected)?;
        map.serialize_entry("min_ram", &image.min_ram)?;
        map.serialize_entry("min_disk", &image.min_disk)?;
        map.serialize_entry("owner", &image.owner)?;
        map.serialize_entry("os_hidden", &image.os_hidden)?;
        map.serialize_entry("os_hash_algo", &image.os_hash_algo)?;
        map.serialize_entry("os_hash_value", &image.os_hash_value)?;
        map.serialize_entry("id", &image.id)?;
        map.serialize_entry("created_at", &time(image.created_at))?;
        map.serialize_entry("updated_at", &time(image.updated_at))?;
        if let Some(locations) = self.locations {
            map.serialize_entry("locations", &locations.iter().map(location).collect::<Vec<_>>())?;
        }
        if let Some(url) = self.direct_url {
            map.serialize_entry("direct_url", url)?;
        }
        map.serialize_entry("tags", &image.tags)?;
        map.serialize_entry("self", &href(image))?;
        map.serialize_entry("file", &format_args!("{}/file", href(image)))?;
        map.serialize_entry("schema", "/v2/schemas/image")?;
        if let Some(stores) = &self.stores {
            map.serialize_entry("stores", stores)?;
        }
        map.end()
    }
}

/// Path of an image.
pub(crate) fn href(image: &Image) -> String {
    format!("/v2/images/{}", image.id)
}

/// One location: where, and what is known of it.
pub(crate) fn location(location: &ImageLocation) -> Value {
    json!({"url": location.url, "metadata": location.metadata})
}

/// The location downloads try first: the heaviest store's, the earliest among equals.
fn preferred<'a>(locations: &'a [ImageLocation], stores: &Registry) -> Option<&'a ImageLocation> {
    let weight = |location: &ImageLocation| {
        location.store().and_then(|id| stores.get(id)).map_or(0, |store| store.facts().weight)
    };
    locations.iter().rev().max_by_key(|location| weight(location))
}
