// SPDX-License-Identifier: Apache-2.0
//! `PATCH /v2/images/{id}`: what its operations make of an image.

mod apply;
mod field;
mod location;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::apply::{Draft, apply};
pub(crate) use self::location::{AskedLocation, claimed};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PatchVerb {
    Add,
    Replace,
    Remove,
}

/// Which media type the operation came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `application/openstack-images-v2.0-json-patch`: `add` refuses what is there already.
    V20,
    /// `application/openstack-images-v2.1-json-patch`.
    V21,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchOp {
    /// What to do.
    pub op: PatchVerb,
    /// The pointer's parts, unescaped: `["name"]`, `["locations", "-"]`.
    pub path: Vec<String>,
    /// The new value of `add` and `replace`.
    pub value: Option<Value>,
    /// Which dialect it was written in.
    pub dialect: Dialect,
}

/// What the caller may do with one additional property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct PropertyRights {
    pub create: bool,
    pub read: bool,
    pub update: bool,
    pub delete: bool,
}

impl PropertyRights {
    /// Everything, as for a property that is not protected.
    pub const ALL: Self = Self { create: true, read: true, update: true, delete: true };
}

/// What policy lets the caller do beyond `modify_image`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct PatchRights {
    /// `publicize_image`
    pub publicize: bool,
    /// `communitize_image`
    pub communitize: bool,
    /// `set_image_location`
    pub set_locations: bool,
    /// `delete_image_location`
    pub delete_locations: bool,
    /// Administrators only.
    pub change_owner: bool,
    /// Rights on protected properties; those that are not named are not protected.
    pub properties: BTreeMap<String, PropertyRights>,
}

impl PatchRights {
    fn on(&self, property: &str) -> PropertyRights {
        self.properties.get(property).copied().unwrap_or(PropertyRights::ALL)
    }
}
