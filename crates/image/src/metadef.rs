// SPDX-License-Identifier: Apache-2.0
//! Metadata definitions: namespaces of properties, objects and tags that clients offer for images, flavors and volumes.
//!
//! [`Metadefs`] is the door. What a namespace holds is reached through the [`Namespace`] that the caller was shown:
//! who cannot see it cannot name it.

mod document;
mod item;
mod page;
mod query;
mod service;

use chrono::{DateTime, Utc};

pub use document::{Document, DocumentError};
pub use item::{Association, Contents, Item, Object, Part, Property, ResourceType, Tag};
pub use query::{ItemQuery, ItemSortKey, NamespaceQuery, NamespaceSortKey};
pub use service::Metadefs;

/// Longest name of anything here, in characters: the columns' width.
pub const LONGEST_NAME: usize = 80;

/// What definitions are gathered in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Unique in the deployment.
    pub name: String,
    /// For people.
    pub display_name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether other projects than the owner see it.
    pub public: bool,
    /// While true, nothing of it can be deleted.
    pub protected: bool,
    /// Project.
    pub owner: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

impl Namespace {
    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn visibility(&self) -> &'static str {
        if self.public { "public" } else { "private" }
    }
}
