// SPDX-License-Identifier: Apache-2.0
//! What the Image service answers.

use serde::Deserialize;
use serde_json::{Map, Value};

/// An image's record.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Image {
    /// The image's id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its state, such as `active`.
    pub status: String,
    /// Length of its data in bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// Length of the disk inside, in bytes.
    #[serde(default)]
    pub virtual_size: Option<u64>,
    /// `raw`, `qcow2`, ...
    #[serde(default)]
    pub disk_format: Option<String>,
    /// `bare`, ...
    #[serde(default)]
    pub container_format: Option<String>,
    /// Smallest disk it boots from, in GiB.
    #[serde(default)]
    pub min_disk: u64,
    /// Least memory it boots with, in MiB.
    #[serde(default)]
    pub min_ram: u64,
    /// The owning project.
    #[serde(default)]
    pub owner: Option<String>,
    /// `public`, `private`, `shared` or `community`.
    #[serde(default)]
    pub visibility: Option<String>,
    /// MD5 of the data, in hex.
    #[serde(default)]
    pub checksum: Option<String>,
    /// Algorithm of `os_hash_value`.
    #[serde(default)]
    pub os_hash_algo: Option<String>,
    /// Digest of the data, in hex.
    #[serde(default)]
    pub os_hash_value: Option<String>,
    /// One place of the data, when the service shows it.
    #[serde(default)]
    pub direct_url: Option<String>,
    /// All places of the data, when the service shows them.
    #[serde(default)]
    pub locations: Vec<ImageLocation>,
    /// Everything else in the record, such as `os_distro`.
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

/// One place of an image's data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ImageLocation {
    /// Such as `cinder://pure2/<volume id>`.
    pub url: String,
    /// Such as `{"store": "pure2"}`.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}
