// SPDX-License-Identifier: Apache-2.0
//! The body of `POST /v2/images`, with every refusal that needs no look at the database.

use scurry_image::NewImage;
use scurry_types::ProjectId;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::names;
use crate::schema::{CustomSchema, Schemas, violation};

/// Refused before the schema is looked at.
const LINKS: [&str; 5] = ["direct_url", "self", "file", "schema", "stores"];
/// Known to the schema, set by the service.
const SET_BY_SERVICE: [&str; 6] = ["checksum", "created_at", "size", "virtual_size", "status", "updated_at"];
/// Largest value of the integer columns.
const LARGEST: i64 = i32::MAX as i64;

/// Reads the image a client wants to create.
pub(crate) fn new_image(body: Value, schemas: &Schemas) -> Result<NewImage, ApiError> {
    let Value::Object(mut body) = body else {
        return Err(names::no_match("image", "an object is expected"));
    };
    if let Some(name) = LINKS.iter().find(|name| body.contains_key(**name)) {
        return Err(names::read_only(name));
    }
    let whole = Value::Object(body);
    if let Some(reason) = violation(&schemas.image, &whole) {
        return Err(names::no_match("image", &reason));
    }
    names::check_characters(&whole)?;
    body = match whole {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    let mut image = NewImage {
        id: text(&mut body, "id").and_then(|id| id.parse().ok()),
        name: text(&mut body, "name"),
        protected: boolean(&mut body, "protected"),
        os_hidden: boolean(&mut body, "os_hidden"),
        owner: text(&mut body, "owner").map(ProjectId::from),
        container_format: text(&mut body, "container_format"),
        disk_format: text(&mut body, "disk_format"),
        min_disk: small_number(&mut body, "min_disk")?,
        min_ram: small_number(&mut body, "min_ram")?,
        ..NewImage::default()
    };
    if let Some(visibility) = text(&mut body, "visibility").and_then(|word| word.parse().ok()) {
        image.visibility = visibility;
    }
    if let Some(Value::Array(tags)) = body.remove("tags") {
        image.tags = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    properties(body, &mut image)?;
    Ok(image)
}

/// What is left after the base properties.
fn properties(body: Map<String, Value>, image: &mut NewImage) -> Result<(), ApiError> {
    for (name, value) in body {
        if SET_BY_SERVICE.contains(&name.as_str()) {
            return Err(names::read_only(&name));
        }
        if name.chars().count() > names::LONGEST_NAME {
            return Err(ApiError::bad_request("Custom property should not be greater than 255 characters."));
        }
        let reserved = names::RESERVED.contains(&name.as_str()) || name == "locations";
        if reserved || name.starts_with(names::RESERVED_PREFIX) {
            return Err(names::reserved(&name));
        }
        // Accepted and not applied, as clients that copy an image's JSON rely on.
        if name == "os_hash_algo" || name == "os_hash_value" {
            continue;
        }
        image.properties.insert(name, CustomSchema::stored(value));
    }
    Ok(())
}

fn text(body: &mut Map<String, Value>, name: &str) -> Option<String> {
    match body.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn boolean(body: &mut Map<String, Value>, name: &str) -> bool {
    body.remove(name).and_then(|value| value.as_bool()).unwrap_or(false)
}

fn small_number(body: &mut Map<String, Value>, name: &str) -> Result<i64, ApiError> {
    let Some(value) = body.remove(name) else { return Ok(0) };
    match value.as_i64() {
        Some(number) if number < 0 => Err(ApiError::bad_request(format!(
            "Invalid value '{number}' for parameter '{name}': Cannot be a negative value"
        ))),
        Some(number) if number <= LARGEST => Ok(number),
        _ => Err(ApiError::bad_request(format!("'{name}' value out of range, must not exceed {LARGEST}."))),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scurry_image::ImageSettings;
    use scurry_types::Visibility;
    use serde_json::json;

    use super::*;
    use crate::settings::HttpSettings;

    fn read(body: Value) -> Result<NewImage, (u16, String)> {
        let schemas = Schemas::new(&ImageSettings::default(), &HttpSettings::default());
        new_image(body, &schemas).map_err(|error| (error.status.as_u16(), error.explanation))
    }

    #[test]
    fn base_and_additional_properties_are_told_apart() {
        let image = read(json!({
            "name": "x", "id": "3F0E1C9A-5d0b-4f9b-9a53-0f8e4b7f2d11", "visibility": "private", "protected": true,
            "disk_format": "raw", "container_format": "bare", "min_disk": 3, "tags": ["b", "a", "a"],
            "hw_disk_bus": "virtio", "os_hash_value": "junk", "owner": "p1",
        }))
        .unwrap();
        assert_eq!(image.name.as_deref(), Some("x"));
        assert_eq!(image.id.unwrap().as_str(), "3F0E1C9A-5d0b-4f9b-9a53-0f8e4b7f2d11");
        assert_eq!(image.visibility, Visibility::Private);
        assert!(image.protected && !image.os_hidden);
        assert_eq!(image.min_disk, 3);
        assert_eq!(image.tags.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            image.properties.into_iter().collect::<Vec<_>>(),
            [("hw_disk_bus".to_owned(), "virtio".to_owned())]
        );
    }

    #[rstest]
    #[case(json!([]), 400, "Provided object does not match schema 'image': an object is expected")]
    #[case(json!({"self": "x"}), 403, "Attribute 'self' is read-only.")]
    #[case(json!({"stores": "x"}), 403, "Attribute 'stores' is read-only.")]
    #[case(json!({"size": 5}), 403, "Attribute 'size' is read-only.")]
    #[case(json!({"status": "queued"}), 403, "Attribute 'status' is read-only.")]
    #[case(json!({"locations": []}), 403, "Attribute 'locations' is reserved.")]
    #[case(json!({"deleted": "x"}), 403, "Attribute 'deleted' is reserved.")]
    #[case(json!({"os_glance_import_task": "x"}), 403, "Attribute 'os_glance_import_task' is reserved.")]
    #[case(json!({"foo": 5}), 400,
        "Provided object does not match schema 'image': 5 is not of type 'string' (property foo)")]
    #[case(json!({"disk_format": "floppy"}), 400, "")]
    #[case(json!({"id": "nope"}), 400, "")]
    #[case(json!({"min_disk": -1}), 400,
        "Invalid value '-1' for parameter 'min_disk': Cannot be a negative value")]
    #[case(json!({"min_ram": 2_147_483_648_u64}), 400,
        "'min_ram' value out of range, must not exceed 2147483647.")]
    #[case(json!({"min_ram": u64::MAX}), 400, "'min_ram' value out of range, must not exceed 2147483647.")]
    #[case(json!({"name": "\u{1f600}"}), 400, "Name can't contain 4 byte unicode characters.")]
    #[case(json!({"\u{1f600}": "x"}), 400, "Property names can't contain 4 byte unicode.")]
    fn refusals(#[case] body: Value, #[case] status: u16, #[case] text: &str) {
        let (seen, explanation) = read(body).unwrap_err();
        assert_eq!(seen, status);
        assert!(explanation.starts_with(text), "{explanation}");
    }

    #[test]
    fn a_long_name_of_a_property_is_refused() {
        let mut body = Map::new();
        body.insert("x".repeat(256), json!("v"));
        assert_eq!(read(Value::Object(body)).unwrap_err().0, 400);
    }
}
