// SPDX-License-Identifier: Apache-2.0
//! An image as clients are shown it.

use scurry_image::{Image, ImageLocation, ImageSettings};
use scurry_store::Registry;
use serde_json::{Map, Value, json};

use super::time;

/// Properties of the service that are nobody's business.
const HIDDEN: [&str; 2] = ["os_glance_stage_host", "os_glance_hash_op_host"];

/// Whether clients are shown a property at all.
pub(crate) fn is_shown(property: &str) -> bool {
    !HIDDEN.contains(&property)
}

/// The image's JSON: `properties` first, `locations`, `direct_url` and `stores` where they apply and the asker may
/// know them (`located`).
pub(crate) fn view(
    image: &Image,
    properties: Map<String, Value>,
    located: bool,
    settings: &ImageSettings,
    stores: &Registry,
) -> Value {
    let locations = if located { image.locations.as_slice() } else { &[] };
    let mut view = properties;
    let base = json!({
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "status": image.status,
        "checksum": image.checksum,
        "protected": image.protected,
        "min_ram": image.min_ram,
        "min_disk": image.min_disk,
        "owner": image.owner,
        "os_hidden": image.os_hidden,
        "os_hash_algo": image.os_hash_algo,
        "os_hash_value": image.os_hash_value,
        "id": image.id,
        "created_at": time(image.created_at),
        "updated_at": time(image.updated_at),
    });
    if let Value::Object(base) = base {
        view.extend(base);
    }
    if settings.show_multiple_locations {
        view.insert("locations".to_owned(), locations.iter().map(location).collect());
    }
    if settings.show_image_direct_url
        && let Some(best) = preferred(locations, stores)
    {
        view.insert("direct_url".to_owned(), Value::from(best.url.as_str()));
    }
    view.insert("tags".to_owned(), image.tags.iter().map(String::as_str).collect());
    view.insert("self".to_owned(), Value::from(href(image)));
    view.insert("file".to_owned(), Value::from(format!("{}/file", href(image))));
    view.insert("schema".to_owned(), Value::from("/v2/schemas/image"));
    let held = image.stores();
    if located && !held.is_empty() {
        view.insert("stores".to_owned(), Value::from(held.join(",")));
    }
    Value::Object(view)
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
