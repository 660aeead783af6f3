// SPDX-License-Identifier: Apache-2.0
//! Operations on `/locations`, the legacy way of registering and giving up data.

mod claims;

use scurry_types::{HashAlgorithm, ImageStatus};
use serde_json::{Map, Value};

use super::{PatchOp, PatchRights, PatchVerb};
use crate::error::ImageError;
use crate::image::{Image, ImageLocation};
use crate::settings::ImageSettings;

pub(crate) use self::claims::Claims;

/// A location as the client wants it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AskedLocation {
    pub(crate) url: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) claims: Option<Claims>,
    /// It is there already.
    pub(crate) known: bool,
}

impl From<&ImageLocation> for AskedLocation {
    fn from(location: &ImageLocation) -> Self {
        Self { url: location.url.clone(), metadata: location.metadata.clone(), claims: None, known: true }
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
    let removes = op.op == PatchVerb::Remove;
    if (removes && !rights.delete_locations) || (!removes && !rights.set_locations) {
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
        return Err(ImageError::Invalid(format!("The location {} already exists", new.url)));
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
            return Err(ImageError::Invalid(format!("The location {} already exists", location.url)));
        }
        if let Some(known) = list.iter().find(|known| known.known && known.url == location.url) {
            // Known data stays in its store, whatever is said of it.
            let store = known.metadata.get("store").cloned();
            location.metadata.extend(store.map(|store| ("store".to_owned(), store)));
            location.known = true;
        }
        new.push(location);
    }
    // Data there is can be described anew, not exchanged.
    let same = new.len() == list.len() && new.iter().all(|one| one.known);
    if !same && !list.is_empty() {
        let urls: Vec<&str> = list.iter().map(|location| location.url.as_str()).collect();
        return Err(ImageError::Invalid(format!("Original locations is not empty: {}", urls.join(", "))));
    }
    *list = new;
    Ok(())
}

/// Hashes that new locations bring an image; a contradiction is a conflict.
pub(crate) fn claimed(
    image: &Image,
    asked: &[AskedLocation],
    algorithm: HashAlgorithm,
) -> Result<Option<Claims>, ImageError> {
    let said: Vec<&Claims> = asked.iter().filter_map(|location| location.claims.as_ref()).collect();
    Claims::accept(image, &said, algorithm)
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
    let claims = object.get("validation_data").map(Claims::read).transpose()?;
    Ok(AskedLocation { url: url.to_owned(), metadata: metadata.clone(), claims, known: false })
}
