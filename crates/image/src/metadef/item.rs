// SPDX-License-Identifier: Apache-2.0
//! What namespaces hold.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Properties that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Unique in the namespace.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Names of the properties that must be given.
    pub required: Vec<String>,
    /// Definitions by name.
    pub properties: Map<String, Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

/// One property's definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Unique in the namespace, without the prefix of any resource type.
    pub name: String,
    /// The definition: `title`, `type`, …
    pub schema: Map<String, Value>,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Unique in the namespace.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

/// That a namespace is meant for a type of resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Name of the resource type.
    pub name: String,
    /// Put before the names of properties when they are applied to that type.
    pub prefix: Option<String>,
    /// Which of the type's sets of properties is meant.
    pub properties_target: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

/// A kind of thing properties are for, such as `OS::Glance::Image`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// Unique in the deployment.
    pub name: String,
    /// When it was first named.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

/// All or some of what a namespace holds, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Contents {
    pub objects: Vec<Object>,
    pub properties: Vec<Property>,
    pub tags: Vec<Tag>,
    pub associations: Vec<Association>,
}

/// Something that can be rewritten.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Item {
    Object(Object),
    Property(Property),
    Tag(Tag),
}

impl Item {
    /// The name it is to have.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Object(object) => &object.name,
            Self::Property(property) => &property.name,
            Self::Tag(tag) => &tag.name,
        }
    }

    /// What kind it is.
    #[must_use]
    pub const fn part(&self) -> Part {
        match self {
            Self::Object(_) => Part::Objects,
            Self::Property(_) => Part::Properties,
            Self::Tag(_) => Part::Tags,
        }
    }
}

/// A kind of thing in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Objects,
    Properties,
    Tags,
    Associations,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Objects, Self::Properties, Self::Tags, Self::Associations];

    pub(super) fn missing(self, name: &str) -> String {
        match self {
            Self::Objects => format!("Could not find metadata object {name}"),
            Self::Properties => format!("Could not find property {name}"),
            Self::Tags => format!("Could not find metadata tag {name}"),
            Self::Associations => format!("Failed to find resource type {name} to delete"),
        }
    }

    pub(super) fn taken(self, name: &str, namespace: &str) -> String {
        match self {
            Self::Objects => format!(
                "A metadata definition object with name={name} already exists in namespace={namespace}."
            ),
            Self::Properties => format!(
                "A metadata definition property with name={name} already exists in namespace={namespace}."
            ),
            Self::Tags => format!(
                "A metadata tag with name={name} already exists in namespace={namespace}. \
                 (Please note that metadata tag names are case insensitive)."
            ),
            Self::Associations => format!(
                "The metadata definition resource-type association of resource-type={name} to \
                 namespace={namespace} already exists."
            ),
        }
    }

    pub(super) fn taken_by_change(self, name: &str, namespace: &str) -> String {
        let kind = match self {
            Self::Objects => "object",
            Self::Properties => "property",
            Self::Tags | Self::Associations => return self.taken(name, namespace),
        };
        format!(
            "Invalid update. It would result in a duplicate metadata definition {kind} with the same name={name} \
             in namespace={namespace}."
        )
    }

    pub(super) fn protected(self, name: &str) -> String {
        let kind = match self {
            Self::Objects => "object",
            Self::Properties => "property",
            Self::Tags => "tag",
            Self::Associations => "resource-type-association",
        };
        format!("Metadata definition {kind} {name} is protected and cannot be deleted.")
    }
}
