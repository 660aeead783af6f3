// SPDX-License-Identifier: Apache-2.0
//! The options of glance-api.conf the use cases act on; defaults are Glance's.

mod cache;

use std::path::PathBuf;
use std::time::Duration;

use scurry_types::HashAlgorithm;

use crate::plugins::ImportPlugins;

pub use cache::CacheSettings;

/// `image_member_quota` and its kin; a negative number means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Quotas {
    pub members: i64,
    pub properties: i64,
    pub tags: i64,
    pub locations: i64,
}

/// `delayed_delete` and the scrubber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayedDelete {
    /// Keep the objects of deleted images for the scrubber.
    pub enabled: bool,
    /// How long they are kept at least.
    pub scrub_time: Duration,
    /// Images scrubbed at once.
    pub pool_size: usize,
    /// Pause between two runs of the scrubber.
    pub wakeup_time: Duration,
}

impl Default for DelayedDelete {
    fn default() -> Self {
        Self {
            enabled: false,
            scrub_time: Duration::ZERO,
            pool_size: 1,
            wakeup_time: Duration::from_secs(300),
        }
    }
}

/// Settings of the image service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct ImageSettings {
    pub enabled_import_methods: Vec<String>,
    pub import_plugins: ImportPlugins,
    pub container_formats: Vec<String>,
    pub disk_formats: Vec<String>,
    pub hashing_algorithm: HashAlgorithm,
    pub do_secure_hash: bool,
    /// How often hashing of a location is tried again.
    pub http_retries: u32,
    pub show_image_direct_url: bool,
    pub show_multiple_locations: bool,
    /// Bytes.
    pub image_size_cap: u64,
    /// Bytes a project's images may take up; `None` for no limit.
    pub user_storage_quota: Option<u64>,
    pub quotas: Quotas,
    pub require_image_format_match: bool,
    pub vmdk_allowed_types: Vec<String>,
    pub gpt_safety_checks_nonfatal: Vec<String>,
    pub limit_param_default: u32,
    pub api_limit_max: u32,
    /// Where `PUT …/stage` keeps its files.
    pub staging_dir: PathBuf,
    /// Name of this process in leases and journals; the same after a restart on the same data directory.
    pub node_id: String,
    /// How long a node is not heard of before others clear up after it.
    pub node_silence: Duration,
    /// Bytes of image held in memory by all transfers together.
    pub max_bytes_in_flight: u64,
    pub delayed_delete: DelayedDelete,
    /// How long a finished task is kept.
    pub task_time_to_live: Duration,
    /// Imports and deletions worked on at the same time.
    pub concurrent_jobs: usize,
    /// Prefixes of the properties `glance-download` takes over.
    pub glance_download_properties: Vec<String>,
    /// Pause between two reports of an import's progress.
    pub progress_interval: Duration,
    /// Longest time between two checkpoints of a copy.
    pub copy_checkpoint: Duration,
    /// Pause before a failed job is tried again; doubled after each further failure.
    pub job_back_off: Duration,
    /// How long an upload in several requests is kept when nothing happens to it.
    pub upload_expiry: Duration,
    /// Bytes between two checkpoints of such an upload.
    pub upload_checkpoint: u64,
    /// How long the request that appends to such an upload keeps others away after its node died.
    pub upload_lease: Duration,
    /// The image cache, when there is one.
    pub cache: Option<CacheSettings>,
    /// The old routes that manage the cache are there (paste flavor `cachemanagement`).
    pub cache_management: bool,
}

impl Default for ImageSettings {
    fn default() -> Self {
        let list = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            enabled_import_methods: list(&["glance-direct", "web-download", "copy-image"]),
            import_plugins: ImportPlugins::default(),
            container_formats: list(&["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]),
            disk_formats: list(&[
                "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop",
            ]),
            hashing_algorithm: HashAlgorithm::Sha512,
            do_secure_hash: true,
            http_retries: 3,
            show_image_direct_url: false,
            show_multiple_locations: false,
            image_size_cap: 1 << 40,
            user_storage_quota: None,
            quotas: Quotas { members: 128, properties: 128, tags: 128, locations: 10 },
            require_image_format_match: true,
            vmdk_allowed_types: list(&["streamOptimized", "monolithicSparse"]),
            gpt_safety_checks_nonfatal: Vec::new(),
            limit_param_default: 25,
            api_limit_max: 1000,
            staging_dir: PathBuf::from("/var/lib/glance/os_glance_staging_store"),
            node_id: "local".to_owned(),
            node_silence: Duration::from_secs(120),
            max_bytes_in_flight: 72 << 20,
            delayed_delete: DelayedDelete::default(),
            task_time_to_live: Duration::from_secs(48 * 3600),
            concurrent_jobs: 16,
            glance_download_properties: list(&["hw_", "trait:", "os_distro", "os_secure_boot", "os_type"]),
            progress_interval: Duration::from_secs(10),
            copy_checkpoint: Duration::from_secs(5),
            job_back_off: Duration::from_secs(2),
            upload_expiry: Duration::from_secs(24 * 3600),
            upload_checkpoint: 64 << 20,
            upload_lease: Duration::from_secs(15),
            cache: None,
            cache_management: false,
        }
    }
}
