// SPDX-License-Identifier: Apache-2.0
//! Operations on `/locations`, the legacy way of registering and giving up data.

use scurry_types::ImageStatus;
use serde_json::{Map, Value};

use super::{PatchOp, PatchRights, PatchVerb};
use crate::error::ImageError;
use crate::image::{Image, ImageLocation, ValidationData};
use crate::settings::ImageSettings;

/// A location as the client wants it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AskedLocation {
    pub(crate) url: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) validation: Option<ValidationData>,
    /// It is there already.
    pub(crate) known: bool,
}

impl From<&ImageLocation> for AskedLocation {
    fn from(location: &ImageLocation) -> Self {
        Self { url: location.url.clone(), metadata: location.metadata.clone(), validation: None, known: true }
    }
}

pub(super) fn step(
    image: &Image,
    locations: &mut Option<Vec<AskedLocation>>,
    op: &PatchOp,
    rights: &PatchRights,
    settings: &ImageSettings,
    bad_pointer: impl Fn() -> ImageError,
) -> Result<(), ImageError> {
    let index = match op.path.as_slice() {
        [_] => None,
        [_, index] => Some(index.as_str()),
        _ => return Err(bad_pointer()),
    };
    if op.op == PatchVerb::Replace && op.value.as_ref().and_then(Value::as_array).is_some_and(Vec::is_empty) {
        return Err(ImageError::Forbidden("Cannot set locations to empty list.".to_owned()));
    }
    if !settings.show_multiple_locations {
        let verb = if op.op == PatchVerb::Replace { "update" } else { verb(op.op) };
        return Err(ImageError::Forbidden(format!(
            "It's not allowed to {verb} locations if locations are invisible."
        )));
    }
    if !matches!(image.status, ImageStatus::Active | ImageStatus::Queued) {
        return Err(ImageError::Conflict(format!(
            "It's not allowed to {} locations if image status is {}.",
            verb(op.op),
            image.status
        )));
    }
    let removes = op.op != PatchVerb::Add;
    if (removes && !rights.delete_locations) || (op.op != PatchVerb::Remove && !rights.set_locations) {
        let rule = if removes { "delete_image_location" } else { "set_image_location" };
        return Err(ImageError::Forbidden(format!("You are not authorized to complete {rule} action.")));
    }
    let list = locations.get_or_insert_with(|| image.locations.iter().map(AskedLocation::from).collect());
    let value = op.value.as_ref().unwrap_or(&Value::Null);
    match (op.op, index) {
        (PatchVerb::Replace, None) => replace_all(list, value),
        (PatchVerb::Add, Some(index)) => add(list, index, value, bad_pointer),
        (PatchVerb::Remove, Some(index)) => {
            let at = position(index, list.len()).ok_or_else(bad_pointer)?;
            if list.len() <= 1 {
                return Err(ImageError::Forbidden("Cannot remove last location in the image.".to_owned()));
            }
            list.remove(at);
            Ok(())
        }
        (PatchVerb::Remove, None) => {
            Err(ImageError::Forbidden("Property locations may not be removed.".to_owned()))
        }
        (PatchVerb::Add, None) | (PatchVerb::Replace, Some(_)) => Err(bad_pointer()),
    }
}

const fn verb(verb: PatchVerb) -> &'static str {
    match verb {
        PatchVerb::Add => "add",
        PatchVerb::Replace => "replace",
        PatchVerb::Remove => "remove",
    }
}

/// An index of a location; `None` outside the list.
fn position(index: &str, len: usize) -> Option<usize> {
    index.parse::<usize>().ok().filter(|at| *at < len)
}

fn add(
    list: &mut Vec<AskedLocation>,
    index: &str,
    value: &Value,
    bad_pointer: impl Fn() -> ImageError,
) -> Result<(), ImageError> {
    let at = match index {
        "-" => list.len(),
        _ => index.parse::<usize>().ok().filter(|at| *at <= list.len()).ok_or_else(bad_pointer)?,
    };
    let new = read(value)?;
    if list.iter().any(|location| location.url == new.url) {
        return Err(ImageError::Invalid("Invalid location: it is one of the image's already".to_owned()));
    }
    list.insert(at, new);
    Ok(())
}

fn replace_all(list: &mut Vec<AskedLocation>, value: &Value) -> Result<(), ImageError> {
    let wanted = value.as_array().ok_or_else(|| invalid("locations must be a list"))?;
    let mut new: Vec<AskedLocation> = Vec::new();
    for one in wanted {
        let mut location = read(one)?;
        if new.iter().any(|other| other.url == location.url) {
            return Err(ImageError::Invalid("Invalid location: the same one twice".to_owned()));
        }
        if let Some(known) = list.iter().find(|known| known.known && known.url == location.url) {
            // Known data stays in its store, whatever is said of it.
            let store = known.metadata.get("store").cloned();
            location.metadata.extend(store.map(|store| ("store".to_owned(), store)));
            location.known = true;
        }
        new.push(location);
    }
    *list = new;
    Ok(())
}

fn invalid(reason: &str) -> ImageError {
    ImageError::Invalid(format!("Provided object does not match schema 'image': {reason}"))
}

fn read(value: &Value) -> Result<AskedLocation, ImageError> {
    let object = value.as_object().ok_or_else(|| invalid("a location must be an object"))?;
    let url = object.get("url").and_then(Value::as_str);
    let metadata = object.get("metadata").and_then(Value::as_object);
    let (Some(url), Some(metadata)) = (url, metadata) else {
        return Err(invalid("'url' and 'metadata' are required properties of a location"));
    };
    let validation = object.get("validation_data").map(read_validation).transpose()?;
    Ok(AskedLocation { url: url.to_owned(), metadata: metadata.clone(), validation, known: false })
}

fn read_validation(value: &Value) -> Result<ValidationData, ImageError> {
    let object = value.as_object().ok_or_else(|| invalid("validation_data must be an object"))?;
    let text = |name: &str| match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid("validation_data holds something that is not a string")),
    };
    let algorithm = text("os_hash_algo")?;
    let data = ValidationData {
        os_hash_algo: algorithm
            .map(|name| name.parse())
            .transpose()
            .map_err(|_| ImageError::Invalid("validation_data names an unknown os_hash_algo".to_owned()))?,
        os_hash_value: text("os_hash_value")?,
        checksum: text("checksum")?,
        store: None,
    };
    if data.os_hash_algo.is_some() != data.os_hash_value.is_some() {
        return Err(invalid("os_hash_algo and os_hash_value belong together"));
    }
    let hexadecimal = |text: &Option<String>, len: usize| {
        text.as_ref()
            .is_none_or(|text| text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if !hexadecimal(&data.checksum, 32)
        || !hexadecimal(
            &data.os_hash_value,
            data.os_hash_algo.map_or(0, scurry_types::HashAlgorithm::hex_len),
        )
    {
        return Err(ImageError::Invalid(
            "validation_data is not a hexadecimal hash of its length".to_owned(),
        ));
    }
    Ok(data)
}
