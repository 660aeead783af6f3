// SPDX-License-Identifier: Apache-2.0
//! An image as the service knows it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use scurry_types::{HashAlgorithm, ImageId, ImageStatus, ProjectId, Visibility};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ports::Change;

/// Names of the properties the service keeps for itself.
pub(crate) mod reserved {
    /// Id of the task that holds the image.
    pub(crate) const IMPORT_TASK: &str = "os_glance_import_task";
    /// Stores still to be written, comma separated.
    pub(crate) const IMPORTING_TO: &str = "os_glance_importing_to_stores";
    /// Stores that could not be written, comma separated.
    pub(crate) const FAILED_IMPORT: &str = "os_glance_failed_import";
    /// State an image was deleted in that waits for the scrubber, where it was not `active`.
    pub(crate) const DELETED_STATUS: &str = "os_glance_deleted_status";
    /// Prefix of all of them.
    pub(crate) const PREFIX: &str = "os_glance";
}

/// States of locations.
pub(crate) mod location {
    /// The data did not hash to what was claimed, in a store nothing can be removed from.
    pub(crate) const REFUSED: &str = "refused";
}

/// An image that is not deleted.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Image {
    pub id: ImageId,
    pub name: Option<String>,
    pub status: ImageStatus,
    pub visibility: Visibility,
    pub protected: bool,
    pub os_hidden: bool,
    pub owner: Option<ProjectId>,
    pub container_format: Option<String>,
    pub disk_format: Option<String>,
    /// GiB.
    pub min_disk: i64,
    /// MiB.
    pub min_ram: i64,
    /// Bytes.
    pub size: Option<u64>,
    /// Bytes.
    pub virtual_size: Option<u64>,
    /// MD5, hexadecimal.
    pub checksum: Option<String>,
    pub os_hash_algo: Option<String>,
    pub os_hash_value: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Additional properties, those of the service (`os_glance_*`) among them.
    pub properties: BTreeMap<String, String>,
    pub tags: BTreeSet<String>,
    /// Where the bytes are, in the order they came.
    pub locations: Vec<ImageLocation>,
}

impl Image {
    /// Stores that hold the image, in the order of its locations.
    #[must_use]
    pub fn stores(&self) -> Vec<&str> {
        self.locations.iter().filter_map(ImageLocation::store).collect()
    }

    /// The location kept in that store.
    #[must_use]
    pub fn location_in(&self, store: &str) -> Option<&ImageLocation> {
        self.locations.iter().find(|location| location.store() == Some(store))
    }

    /// Steps that take away the locations whose data was refused: kept to be seen, they are in the way of other data.
    pub(crate) fn refused_locations(&self) -> Vec<Change> {
        let refused = self.locations.iter().filter(|location| location.status == location::REFUSED);
        refused.map(|location| Change::RemoveLocation(location.url.clone())).collect()
    }

    /// A property read as a comma separated list.
    pub(crate) fn list_property(&self, name: &str) -> Vec<String> {
        let text = self.properties.get(name).map_or("", String::as_str);
        text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// Id of the task that holds the image.
    pub(crate) fn held_by(&self) -> Option<&str> {
        self.properties.get(reserved::IMPORT_TASK).map(String::as_str)
    }
}

/// One place an image's bytes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageLocation {
    /// What the store knows it by.
    pub url: String,
    /// `store` names the store; the rest is the client's.
    pub metadata: Map<String, Value>,
    /// `active`, unless something is going on with it.
    pub status: String,
}

impl ImageLocation {
    /// A location in a store, as the service itself makes them.
    #[must_use]
    pub fn in_store(store: &scurry_types::StoreId, url: impl Into<String>) -> Self {
        let mut metadata = Map::new();
        metadata.insert("store".to_owned(), Value::from(store.as_str()));
        Self { url: url.into(), metadata, status: "active".to_owned() }
    }

    /// The store that holds it; older rows say `backend`.
    #[must_use]
    pub fn store(&self) -> Option<&str> {
        self.metadata.get("store").or_else(|| self.metadata.get("backend")).and_then(Value::as_str)
    }
}

/// What a client says about an image it creates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NewImage {
    /// Chosen by the client, else random.
    pub id: Option<ImageId>,
    pub name: Option<String>,
    pub visibility: Visibility,
    pub protected: bool,
    pub os_hidden: bool,
    /// The caller's project when absent.
    pub owner: Option<ProjectId>,
    pub container_format: Option<String>,
    pub disk_format: Option<String>,
    pub min_disk: i64,
    pub min_ram: i64,
    pub properties: BTreeMap<String, String>,
    pub tags: BTreeSet<String>,
}

impl Default for NewImage {
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            visibility: Visibility::Shared,
            protected: false,
            os_hidden: false,
            owner: None,
            container_format: None,
            disk_format: None,
            min_disk: 0,
            min_ram: 0,
            properties: BTreeMap::new(),
            tags: BTreeSet::new(),
        }
    }
}

/// `validation_data` of a location: what the client says the bytes hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationData {
    /// Which hash.
    pub os_hash_algo: Option<HashAlgorithm>,
    /// Its value, hexadecimal.
    pub os_hash_value: Option<String>,
    /// MD5, hexadecimal (legacy PATCH only).
    pub checksum: Option<String>,
    /// The store the location is in, where the url does not say so.
    pub store: Option<String>,
}
