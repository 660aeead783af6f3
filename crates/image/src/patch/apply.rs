// SPDX-License-Identifier: Apache-2.0
//! Applying operations to an image in memory: a draft that is saved as a whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use scurry_types::{ImageStatus, Visibility};
use serde_json::Value;

use super::location::{self, AskedLocation};
use super::{Dialect, PatchOp, PatchRights, PatchVerb, field};
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::BaseFields;
use crate::settings::ImageSettings;

/// What a client may read but not set.
const READ_ONLY: [&str; 12] = [
    "id",
    "created_at",
    "updated_at",
    "status",
    "checksum",
    "size",
    "virtual_size",
    "direct_url",
    "self",
    "file",
    "schema",
    "stores",
];
const HASHES: [&str; 2] = ["os_hash_algo", "os_hash_value"];
const RESERVED: [&str; 3] = ["location", "deleted", "deleted_at"];
/// Properties every image has.
const BASE: [&str; 11] = [
    "name",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "container_format",
    "disk_format",
    "min_disk",
    "min_ram",
    "tags",
    "locations",
];

/// An image as it shall be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) fields: BaseFields,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) tags: BTreeSet<String>,
    /// The locations, when an operation touched them.
    pub(crate) locations: Option<Vec<AskedLocation>>,
}

impl Draft {
    fn of(image: &Image) -> Self {
        Self {
            fields: BaseFields {
                name: image.name.clone(),
                visibility: image.visibility,
                protected: image.protected,
                os_hidden: image.os_hidden,
                owner: image.owner.clone(),
                container_format: image.container_format.clone(),
                disk_format: image.disk_format.clone(),
                min_disk: image.min_disk,
                min_ram: image.min_ram,
            },
            properties: image.properties.clone(),
            tags: image.tags.clone(),
            locations: None,
        }
    }
}

/// What `ops` make of `image`.
pub(crate) fn apply(
    image: &Image,
    ops: &[PatchOp],
    rights: &PatchRights,
    settings: &ImageSettings,
) -> Result<Draft, ImageError> {
    let mut draft = Draft::of(image);
    for op in ops {
        step(image, &mut draft, op, rights, settings)?;
    }
    Ok(draft)
}

fn pointer(op: &PatchOp) -> String {
    let parts = op.path.iter().map(|part| part.replace('~', "~0").replace('/', "~1"));
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

fn bad_pointer(op: &PatchOp) -> ImageError {
    ImageError::Invalid(format!("Invalid JSON pointer for this resource: '{}'", pointer(op)))
}

fn step(
    image: &Image,
    draft: &mut Draft,
    op: &PatchOp,
    rights: &PatchRights,
    settings: &ImageSettings,
) -> Result<(), ImageError> {
    let name = op.path.first().map(String::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(bad_pointer(op));
    }
    if name == "locations" {
        return location::step(image, &mut draft.locations, op, rights, settings, || bad_pointer(op));
    }
    if op.path.len() != 1 {
        return Err(bad_pointer(op));
    }
    if READ_ONLY.contains(&name) || HASHES.contains(&name) {
        return Err(ImageError::Forbidden(format!("Attribute '{name}' is read-only.")));
    }
    if RESERVED.contains(&name) || name.starts_with(crate::image::reserved::PREFIX) {
        return Err(ImageError::Forbidden(format!("Attribute '{name}' is reserved.")));
    }
    let base = BASE.contains(&name);
    let may = rights.on(name);
    let held = draft.properties.contains_key(name);
    // What one may not read is not there.
    let there = base || (held && may.read);
    let permitted = base
        || match op.op {
            PatchVerb::Remove => may.delete || !there,
            PatchVerb::Replace => may.update || !there,
            PatchVerb::Add => (may.update || !held) && (may.create || there),
        };
    match op.op {
        PatchVerb::Add if there && op.dialect == Dialect::V20 => {
            return Err(ImageError::Conflict(format!("Property {name} already present.")));
        }
        PatchVerb::Replace | PatchVerb::Remove if !there => {
            return Err(ImageError::Conflict(format!("Property {name} does not exist.")));
        }
        PatchVerb::Remove if base => {
            return Err(ImageError::Forbidden(format!("Property {name} may not be removed.")));
        }
        _ if !permitted => {
            return Err(ImageError::Forbidden(format!("Attribute '{name}' is reserved.")));
        }
        PatchVerb::Remove => {
            draft.properties.remove(name);
            return Ok(());
        }
        PatchVerb::Add | PatchVerb::Replace => {}
    }
    let value = op.value.as_ref().unwrap_or(&Value::Null);
    set(image, draft, name, value, rights, settings)
}

fn set(
    image: &Image,
    draft: &mut Draft,
    name: &str,
    value: &Value,
    rights: &PatchRights,
    settings: &ImageSettings,
) -> Result<(), ImageError> {
    let fields = &mut draft.fields;
    match name {
        "name" => fields.name = field::text_or_null(name, value)?,
        "visibility" => fields.visibility = visibility(image, value, rights)?,
        "protected" => fields.protected = field::boolean(value)?,
        "os_hidden" => fields.os_hidden = field::boolean(value)?,
        "min_disk" => fields.min_disk = field::amount("min_disk", value)?,
        "min_ram" => fields.min_ram = field::amount("min_ram", value)?,
        "owner" => {
            let owner = field::text_or_null(name, value)?.map(Into::into);
            if owner != image.owner && !rights.change_owner {
                return Err(ImageError::Forbidden("Owner can't be updated by non admin.".to_owned()));
            }
            fields.owner = owner;
        }
        "container_format" => {
            unfinished(image, name)?;
            fields.container_format = field::one_of(value, &settings.container_formats)?;
        }
        "disk_format" => {
            unfinished(image, name)?;
            fields.disk_format = field::one_of(value, &settings.disk_formats)?;
        }
        "tags" => draft.tags = field::tags(value)?,
        _ => {
            let text = field::property(name, value)?;
            draft.properties.insert(name.to_owned(), text);
        }
    }
    Ok(())
}

fn unfinished(image: &Image, name: &str) -> Result<(), ImageError> {
    if matches!(image.status, ImageStatus::Queued | ImageStatus::Importing) {
        return Ok(());
    }
    Err(ImageError::Forbidden(format!("Attribute {name} can be only replaced for a queued image.")))
}

fn visibility(image: &Image, value: &Value, rights: &PatchRights) -> Result<Visibility, ImageError> {
    let wanted = field::visibility(value)?;
    let refused =
        |rule: &str| ImageError::Forbidden(format!("You are not authorized to complete {rule} action."));
    if wanted != image.visibility {
        match wanted {
            Visibility::Public if !rights.publicize => return Err(refused("publicize_image")),
            Visibility::Community if !rights.communitize => return Err(refused("communitize_image")),
            _ => {}
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests;
