// SPDX-License-Identifier: Apache-2.0
//! What the service is told: by its caller, and by cinder.conf.

use std::path::PathBuf;

use scurry_auth::AuthSettings;
use scurry_config::{ConfigErrors, ConfigFiles, Dialect, Reader};
use scurry_openstack_client::Credentials;

/// Everything a [`crate::BlockStorage`] needs to open.
#[derive(Debug)]
pub struct BlockStorageConfig {
    /// The SQLite database; made when missing.
    pub database_path: PathBuf,
    /// Where pools lie that cinder.conf gives no directory.
    pub data_dir: PathBuf,
    /// cinder.conf.
    pub cinder: CinderConf,
    /// The address clients use, without `/v3`, such as `http://127.0.0.1:8776`.
    pub public_url: String,
    /// The first part of `host@backend#pool`.
    pub host: String,
    /// How tokens are validated.
    pub identity: AuthSettings,
    /// The project that owns volumes cloned for images.
    pub internal_project_id: String,
    /// The user of such volumes.
    pub internal_user_id: String,
    /// The image service, such as `http://127.0.0.1:9292`.
    pub image_endpoint: String,
    /// A user with the role `service`, to talk to the image service.
    pub service_user: Credentials,
}

/// The options of cinder.conf that are acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CinderConf {
    /// One per name in `enabled_backends`, in that order.
    pub backends: Vec<BackendConf>,
    /// `allowed_direct_url_schemes`: `cinder` makes volumes from images clones where possible.
    pub allowed_direct_url_schemes: Vec<String>,
    /// `default_volume_type`.
    pub default_volume_type: String,
    /// `quota_volumes`; -1 is unlimited.
    pub quota_volumes: i64,
    /// `quota_gigabytes`; -1 is unlimited.
    pub quota_gigabytes: i64,
    /// `quota_snapshots`; -1 is unlimited.
    pub quota_snapshots: i64,
    /// `per_volume_size_limit`, GiB; -1 is unlimited.
    pub per_volume_size_limit: i64,
    /// `storage_availability_zone`.
    pub storage_availability_zone: String,
}

impl Default for CinderConf {
    fn default() -> Self {
        Self {
            backends: Vec::new(),
            allowed_direct_url_schemes: Vec::new(),
            default_volume_type: "__DEFAULT__".to_owned(),
            quota_volumes: 10,
            quota_gigabytes: 1000,
            quota_snapshots: 10,
            per_volume_size_limit: -1,
            storage_availability_zone: "nova".to_owned(),
        }
    }
}

/// The section of one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendConf {
    /// The section's name.
    pub section: String,
    /// `volume_backend_name`; the section's name without it.
    pub volume_backend_name: String,
    /// `scurry_pool_dir`; `<data_dir>/<section>` without it.
    pub pool_dir: Option<PathBuf>,
    /// `scurry_pool_capacity_gb`; what the file system has without it.
    pub pool_capacity_gb: Option<u64>,
    /// `backend_id` of `replication_device`: the backend that holds second copies.
    pub replica_backend: Option<String>,
    /// `image_upload_use_cinder_backend`.
    pub image_upload_use_cinder_backend: bool,
}

impl BackendConf {
    /// A backend with nothing but its name.
    #[must_use]
    pub fn named(section: &str) -> Self {
        Self {
            section: section.to_owned(),
            volume_backend_name: section.to_owned(),
            pool_dir: None,
            pool_capacity_gb: None,
            replica_backend: None,
            image_upload_use_cinder_backend: false,
        }
    }
}

impl CinderConf {
    /// Reads cinder.conf.
    ///
    /// # Errors
    /// Everything that is wrong in it, with file and line.
    pub fn load(files: &ConfigFiles) -> Result<Self, ConfigErrors> {
        let reader = Reader::new(files, Dialect::BlockStorage);
        let or = Self::default();
        let number = |name: &str, default: i64| reader.opt("DEFAULT", name).unwrap_or(default);
        let sections: Vec<String> = reader.opt("DEFAULT", "enabled_backends").unwrap_or_default();
        let conf = Self {
            allowed_direct_url_schemes: reader
                .opt("DEFAULT", "allowed_direct_url_schemes")
                .unwrap_or_default(),
            default_volume_type: reader
                .opt("DEFAULT", "default_volume_type")
                .unwrap_or(or.default_volume_type),
            quota_volumes: number("quota_volumes", or.quota_volumes),
            quota_gigabytes: number("quota_gigabytes", or.quota_gigabytes),
            quota_snapshots: number("quota_snapshots", or.quota_snapshots),
            per_volume_size_limit: number("per_volume_size_limit", or.per_volume_size_limit),
            storage_availability_zone: reader
                .opt("DEFAULT", "storage_availability_zone")
                .unwrap_or(or.storage_availability_zone),
            backends: sections.iter().map(|section| BackendConf::read(&reader, section)).collect(),
        };
        if conf.backends.is_empty() {
            reader.reject("DEFAULT", "enabled_backends", "the name of at least one backend is expected");
        }
        reader.finish()?;
        Ok(conf)
    }
}

impl BackendConf {
    fn read(reader: &Reader<'_>, section: &str) -> Self {
        let named = Self::named(section);
        let by_clone = if reader.is_set(section, UPLOAD) {
            reader.opt_in(section, "backend", UPLOAD)
        } else {
            reader.opt("DEFAULT", UPLOAD)
        };
        let devices = reader.all(section, "backend", "replication_device");
        if devices.len() > 1 {
            reader.reject(section, "replication_device", "one device at most is supported");
        }
        let replica = devices.first().map(|device| {
            let pairs = device.split(',').filter_map(|pair| pair.split_once(':'));
            let mut ids = pairs.filter(|(key, _)| key.trim() == "backend_id");
            ids.next().map(|(_, id)| id.trim().to_owned())
        });
        if replica == Some(None) {
            reader.reject(section, "replication_device", "backend_id:<section>, ... is expected");
        }
        Self {
            volume_backend_name: reader
                .opt_in(section, "backend", "volume_backend_name")
                .unwrap_or(named.volume_backend_name),
            pool_dir: reader.opt_in(section, "backend", "scurry_pool_dir"),
            pool_capacity_gb: reader.opt_in(section, "backend", "scurry_pool_capacity_gb"),
            replica_backend: replica.flatten(),
            image_upload_use_cinder_backend: by_clone.unwrap_or(false),
            section: named.section,
        }
    }
}

const UPLOAD: &str = "image_upload_use_cinder_backend";

#[cfg(test)]
mod tests;
