// SPDX-License-Identifier: Apache-2.0
//! The journal of writes: what may lie in a store although no image names it yet.

use scurry_types::{ImageId, StoreId};

/// Why something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An upload into a store.
    Upload,
    /// A staged file.
    Stage,
    /// An import or copy into a store.
    Import,
    /// An object that a job takes away again.
    Undo,
}

impl Purpose {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Stage => "stage",
            Self::Import => "import",
            Self::Undo => "undo",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Upload, Self::Stage, Self::Import, Self::Undo].into_iter().find(|one| one.as_str() == word)
    }
}

/// A write under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRow {
    /// Its id.
    pub id: String,
    /// The image the bytes belong to.
    pub image: ImageId,
    /// The store that is written; none for the staging area.
    pub store: Option<StoreId>,
    /// The object's url, once it is known.
    pub url: Option<String>,
    /// The node that writes.
    pub node: String,
    /// Why.
    pub purpose: Purpose,
}

impl WriteRow {
    /// A write that is about to begin.
    #[must_use]
    pub fn begin(image: &ImageId, store: Option<&StoreId>, node: &str, purpose: Purpose) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            image: image.clone(),
            store: store.cloned(),
            url: None,
            node: node.to_owned(),
            purpose,
        }
    }
}
