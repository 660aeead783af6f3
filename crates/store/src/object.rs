// SPDX-License-Identifier: Apache-2.0
//! What is said about stores and their objects.

use scurry_types::{ImageId, ProjectId, StoreId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the operator configured for a store, as `/v2/info/stores(/detail)` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreFacts {
    /// The identifier from `enabled_backends`.
    pub id: StoreId,
    /// The driver's name: `file`, `cinder`, …
    pub kind: &'static str,
    /// `store_description`, as written in the configuration.
    pub description: Option<String>,
    /// Only reads are possible.
    pub read_only: bool,
    /// `weight`: the higher, the earlier a location here is tried for a download.
    pub weight: i64,
    /// The driver's own facts for `/v2/info/stores/detail`.
    pub properties: Map<String, Value>,
}

/// What a new object is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteSpec {
    /// The image the bytes belong to; one image has at most one object a store.
    pub image: ImageId,
    /// Project that owns the image; a volume records it so that Cinder clones for that project.
    pub owner: Option<ProjectId>,
    /// Length in bytes, when it is known beforehand.
    pub len: Option<u64>,
}

/// A finished object that may serve as the source of a backend clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneSource {
    /// Where it lives.
    pub store: StoreId,
    /// The driver of that store.
    pub kind: String,
    /// Its url.
    pub url: String,
    /// Length of the image in bytes.
    pub len: u64,
}

/// How a request for a clone ended, when nothing went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloneOutcome {
    /// The object is there, complete.
    Cloned(StoredObject),
    /// The backend cannot clone this source; the reason is shown to the operator.
    Refused(String),
}

/// A finished object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// Its url, the `url` of an image location.
    pub url: String,
    /// Length of the image in bytes.
    pub len: u64,
}
