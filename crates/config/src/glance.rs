// SPDX-License-Identifier: Apache-2.0
//! The Image service's configuration as a value.

mod cache;
mod database;
mod domain;
pub(crate) mod front;
mod keystone;
mod notifications;
mod pipeline;
mod plugins;
mod stores;
mod transport;

use std::path::PathBuf;

use scurry_types::{HashAlgorithm, size};

pub use cache::ImageCache;
pub use database::DatabaseOptions;
pub use domain::{DelayedDelete, PropertyProtection, PropertyRules};
pub use front::{AddressRange, CorsOrigin, HealthBackend, Healthcheck};
pub use keystone::{AuthMethod, DomainSetting, KeystoneAuth, KeystoneAuthtoken, OsloLimit};
pub use notifications::{NotificationDriver, Notifications, QuorumQueues, RabbitSettings, RabbitTls};
pub use pipeline::{Authentication, Pipeline};
pub use plugins::ImportPlugins;
pub use stores::{CinderStore, FileStore, HttpStore, Store, StoreKind, StoreSection};
pub use transport::{BrokerHost, TransportUrl, TransportUrlError};

use crate::error::ConfigErrors;
use crate::files::ConfigFiles;
use crate::reader::Reader;
use crate::registry::Dialect;

/// Import methods there are; others in `enabled_import_methods` are errors.
const IMPORT_METHODS: [&str; 4] = ["glance-direct", "web-download", "copy-image", "glance-download"];

/// `[image_format]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFormats {
    /// Values `container_format` may have.
    pub container_formats: Vec<String>,
    /// Values `disk_format` may have.
    pub disk_formats: Vec<String>,
    /// VMDK create types taken.
    pub vmdk_allowed_types: Vec<String>,
    /// Whether data must be of the image's `disk_format`.
    pub require_match: bool,
    /// Checks of GPT disks that only warn.
    pub gpt_safety_checks_nonfatal: Vec<String>,
}

/// `[oslo_policy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsloPolicy {
    /// Where the file of rules may be, the best place first.
    pub policy_file: Vec<PathBuf>,
    /// Whether the files name it; it must be there then.
    pub policy_file_required: bool,
    /// Further directories of rules: where each may be.
    pub policy_dirs: Vec<Vec<PathBuf>>,
    /// The rule that counts for one that is not there.
    pub policy_default_rule: String,
    /// Whether tokens of another scope than a rule's are refused.
    pub enforce_scope: bool,
    /// Whether the defaults of older releases count no more.
    pub enforce_new_defaults: bool,
}

/// Every option the Image service acts on.
#[derive(Debug, Clone, PartialEq)]
pub struct GlanceConf {
    /// The stores of `enabled_backends`, in that order.
    pub stores: Vec<StoreSection>,
    /// `[glance_store] default_backend`, one of `stores`; none only without stores.
    pub default_backend: Option<String>,
    /// Whether `enabled_backends` is used; without it one store comes from `[glance_store]`.
    pub multi_store: bool,
    /// Directory of staged data.
    pub staging_dir: PathBuf,
    /// Directory of metadata definitions' files.
    pub metadata_source_path: PathBuf,
    /// Directory of tasks' work.
    pub tasks_dir: PathBuf,
    /// Show one location as `direct_url`.
    pub show_image_direct_url: bool,
    /// Show and take all locations.
    pub show_multiple_locations: bool,
    /// Entries of a list when the client names no limit.
    pub limit_param_default: usize,
    /// Most entries of a list.
    pub api_limit_max: usize,
    /// Largest image in bytes.
    pub image_size_cap: u64,
    /// Most bytes a project may store; none for no limit.
    pub user_storage_quota: Option<u64>,
    /// Most members of an image; none for no limit.
    pub image_member_quota: Option<usize>,
    /// Most properties of an image; none for no limit.
    pub image_property_quota: Option<usize>,
    /// Most tags of an image; none for no limit.
    pub image_tag_quota: Option<usize>,
    /// Most locations of an image; none for no limit.
    pub image_location_quota: Option<usize>,
    /// Algorithm of `os_hash_value`.
    pub hashing_algorithm: HashAlgorithm,
    /// Hash images that are added by their location.
    pub do_secure_hash: bool,
    /// How often hashing an added location is tried again.
    pub http_retries: u32,
    /// `[image_format]`.
    pub image_format: ImageFormats,
    /// Import methods clients may use.
    pub enabled_import_methods: Vec<String>,
    /// What happens to the bytes of imports.
    pub import_plugins: ImportPlugins,
    /// Stores one import writes at once.
    pub max_parallel_stores: usize,
    /// Imports run at once.
    pub task_pool_threads: usize,
    /// Hours a task is listed after its end.
    pub task_time_to_live: u64,
    /// URL schemes web-download may use; empty for all.
    pub import_allowed_schemes: Vec<String>,
    /// URL schemes it may not use.
    pub import_disallowed_schemes: Vec<String>,
    /// Hosts it may use; empty for all.
    pub import_allowed_hosts: Vec<String>,
    /// Hosts it may not use.
    pub import_disallowed_hosts: Vec<String>,
    /// Ports it may use; empty for all.
    pub import_allowed_ports: Vec<u16>,
    /// Ports it may not use.
    pub import_disallowed_ports: Vec<u16>,
    /// Prefixes of properties glance-download takes over.
    pub glance_download_properties: Vec<String>,
    /// Address clients have.
    pub public_endpoint: Option<String>,
    /// Address other workers reach this one at.
    pub worker_self_reference_url: Option<String>,
    /// Longest request id taken from a client.
    pub max_request_id_length: usize,
    /// Let callers without a token read.
    pub allow_anonymous_access: bool,
    /// Take limits from Keystone.
    pub use_keystone_limits: bool,
    /// `[keystone_authtoken]`, when it names a Keystone.
    pub keystone_authtoken: Option<KeystoneAuthtoken>,
    /// `[paste_deploy]`: how callers are known, and what else stands before the API.
    pub pipeline: Pipeline,
    /// The image cache, when it has a directory.
    pub image_cache: Option<ImageCache>,
    /// `[oslo_limit]`, when `use_keystone_limits` is on.
    pub oslo_limit: Option<OsloLimit>,
    /// `[oslo_policy]`.
    pub oslo_policy: OsloPolicy,
    /// `property_protection_file`, when there is one.
    pub property_protection: Option<PropertyProtection>,
    /// `[scurry] image_schema_file`: properties the operator declares; `schema-image.json` where none is named.
    pub image_schema_file: Option<PathBuf>,
    /// `[scurry] upload_expiry`: seconds an upload that may come in several requests is kept when nothing happens to it.
    pub upload_expiry: u64,
    /// `delayed_delete` and what goes with it.
    pub delayed_delete: DelayedDelete,
    /// `[cors]` and `[cors.<name>]`: the origins whose pages may call; none without `cors` in the pipeline.
    pub cors: Vec<CorsOrigin>,
    /// Believe a proxy's headers on scheme, host and path.
    pub enable_proxy_headers_parsing: bool,
    /// `[healthcheck]`; none when the paste file has none.
    pub healthcheck: Option<Healthcheck>,
    /// Where notifications go; none unless a driver is named.
    pub notifications: Option<Notifications>,
    /// `[database]`.
    pub database: DatabaseOptions,
    /// Address to listen on.
    pub bind_host: String,
    /// Port to listen on.
    pub bind_port: u16,
    /// Log more.
    pub debug: bool,
}

impl GlanceConf {
    /// Understands the files.
    ///
    /// # Errors
    /// Everything wrong in them, each with its file and line.
    pub fn load(files: &ConfigFiles) -> Result<Self, ConfigErrors> {
        let reader = Reader::new(files, Dialect::Image);
        let conf = Self::read(&reader);
        reader.finish()?;
        Ok(conf)
    }

    /// Understands what it can; what is wrong stays with the reader, and its place is taken by the default.
    pub(crate) fn read(reader: &Reader<'_>) -> Self {
        let d = "DEFAULT";
        let words = |section: &str, name: &str| reader.opt::<Vec<String>>(section, name).unwrap_or_default();
        let flag = |name: &str| reader.opt::<bool>(d, name).unwrap_or_default();
        let filter = "import_filtering_opts";
        let format = "image_format";
        let found = stores::read(reader);
        let keystone_authtoken = keystone::authtoken(reader);
        let pipeline = pipeline::read(reader, keystone_authtoken.is_some());
        let proxies: bool = reader.opt("oslo_middleware", "enable_proxy_headers_parsing").unwrap_or(false);
        let use_keystone_limits = flag("use_keystone_limits");
        Self {
            stores: found.stores,
            default_backend: found.default_backend,
            multi_store: found.multi_store,
            staging_dir: found.staging_dir,
            tasks_dir: found.tasks_dir,
            show_image_direct_url: flag("show_image_direct_url"),
            show_multiple_locations: flag("show_multiple_locations"),
            limit_param_default: reader.opt(d, "limit_param_default").unwrap_or(25),
            api_limit_max: reader.opt(d, "api_limit_max").unwrap_or(1000),
            image_size_cap: reader.opt(d, "image_size_cap").unwrap_or(1 << 40),
            user_storage_quota: storage_quota(reader),
            image_member_quota: count_quota(reader, "image_member_quota"),
            image_property_quota: count_quota(reader, "image_property_quota"),
            image_tag_quota: count_quota(reader, "image_tag_quota"),
            image_location_quota: count_quota(reader, "image_location_quota"),
            hashing_algorithm: hashing_algorithm(reader),
            do_secure_hash: flag("do_secure_hash"),
            http_retries: reader.opt(d, "http_retries").unwrap_or(3),
            image_format: ImageFormats {
                container_formats: words(format, "container_formats"),
                disk_formats: words(format, "disk_formats"),
                vmdk_allowed_types: words(format, "vmdk_allowed_types"),
                require_match: reader.opt(format, "require_image_format_match").unwrap_or(true),
                gpt_safety_checks_nonfatal: words(format, "gpt_safety_checks_nonfatal"),
            },
            metadata_source_path: reader
                .opt::<String>("DEFAULT", "metadata_source_path")
                .unwrap_or_else(|| "/etc/glance/metadefs/".to_owned())
                .into(),
            enabled_import_methods: import_methods(reader),
            import_plugins: plugins::read(reader),
            max_parallel_stores: reader.opt("image_import_opts", "max_parallel_stores").unwrap_or(1),
            task_pool_threads: reader.opt("wsgi", "task_pool_threads").unwrap_or(16),
            task_time_to_live: reader.opt("task", "task_time_to_live").unwrap_or(48),
            import_allowed_schemes: words(filter, "allowed_schemes"),
            import_disallowed_schemes: words(filter, "disallowed_schemes"),
            import_allowed_hosts: words(filter, "allowed_hosts"),
            import_disallowed_hosts: words(filter, "disallowed_hosts"),
            import_allowed_ports: ports(reader, "allowed_ports"),
            import_disallowed_ports: ports(reader, "disallowed_ports"),
            glance_download_properties: words("glance_download_properties", "extra_properties"),
            public_endpoint: filled(reader.opt(d, "public_endpoint")),
            worker_self_reference_url: filled(reader.opt(d, "worker_self_reference_url")),
            max_request_id_length: reader.opt(d, "max_request_id_length").unwrap_or(64),
            allow_anonymous_access: flag("allow_anonymous_access"),
            use_keystone_limits,
            cors: if pipeline.cors { front::cors(reader) } else { Vec::new() },
            enable_proxy_headers_parsing: proxies && pipeline.proxy_headers,
            healthcheck: front::healthcheck(reader, &pipeline),
            pipeline,
            image_cache: cache::read(reader),
            keystone_authtoken,
            oslo_limit: use_keystone_limits.then(|| keystone::oslo_limit(reader)).flatten(),
            oslo_policy: oslo_policy(reader),
            property_protection: domain::property_protection(reader),
            image_schema_file: filled(reader.opt("scurry", "image_schema_file")).map(PathBuf::from),
            upload_expiry: reader.opt("scurry", "upload_expiry").unwrap_or(86_400),
            delayed_delete: domain::delayed_delete(reader),
            notifications: notifications::read(reader),
            database: database::read(reader),
            bind_host: reader.opt(d, "bind_host").unwrap_or_else(|| "0.0.0.0".to_owned()),
            bind_port: reader.opt(d, "bind_port").unwrap_or(9292),
            debug: flag("debug"),
        }
    }
}

/// Text, unless it is empty.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn count_quota(reader: &Reader<'_>, name: &str) -> Option<usize> {
    usize::try_from(reader.opt::<i64>("DEFAULT", name)?).ok()
}

fn storage_quota(reader: &Reader<'_>) -> Option<u64> {
    let text: String = reader.opt("DEFAULT", "user_storage_quota")?;
    match size_with_unit(&text) {
        Some(0) => None,
        Some(bytes) => Some(bytes),
        None => {
            reader.reject(
                "DEFAULT",
                "user_storage_quota",
                "bytes, or a number with B, KB, MB, GB or TB, are expected",
            );
            None
        }
    }
}

/// `10GB` in bytes; Glance counts in steps of 1024.
fn size_with_unit(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "" | "B" => 1,
        "KB" => size::KIB,
        "MB" => size::MIB,
        "GB" => size::GIB,
        "TB" => size::GIB * 1024,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

fn hashing_algorithm(reader: &Reader<'_>) -> HashAlgorithm {
    let name: String = reader.opt("DEFAULT", "hashing_algorithm").unwrap_or_default();
    name.parse().unwrap_or_else(|error| {
        reader.reject("DEFAULT", "hashing_algorithm", &format!("{error}"));
        HashAlgorithm::Sha512
    })
}

fn import_methods(reader: &Reader<'_>) -> Vec<String> {
    let methods: Vec<String> = reader.opt("DEFAULT", "enabled_import_methods").unwrap_or_default();
    for method in &methods {
        if !IMPORT_METHODS.contains(&method.as_str()) {
            let text = format!("there is no import method {method}; there are {}", IMPORT_METHODS.join(", "));
            reader.reject("DEFAULT", "enabled_import_methods", &text);
        }
    }
    methods
}

fn ports(reader: &Reader<'_>, name: &str) -> Vec<u16> {
    let words: Vec<String> = reader.opt("import_filtering_opts", name).unwrap_or_default();
    let mut ports = Vec::new();
    for word in words {
        match word.parse() {
            Ok(port) => ports.push(port),
            Err(_) => reader.reject("import_filtering_opts", name, &format!("{word} is not a port")),
        }
    }
    ports
}

fn oslo_policy(reader: &Reader<'_>) -> OsloPolicy {
    let group = "oslo_policy";
    let mut dirs = reader.all(group, group, "policy_dirs");
    if dirs.is_empty() && !reader.is_set(group, "policy_dirs") {
        dirs.push("policy.d".to_owned());
    }
    let file: String = filled(reader.opt(group, "policy_file")).unwrap_or_else(|| "policy.yaml".to_owned());
    OsloPolicy {
        policy_file: places(reader, &file),
        policy_file_required: reader.is_set(group, "policy_file"),
        policy_dirs: dirs.iter().map(|dir| places(reader, dir)).collect(),
        policy_default_rule: filled(reader.opt(group, "policy_default_rule"))
            .unwrap_or_else(|| "default".to_owned()),
        enforce_scope: reader.opt(group, "enforce_scope").unwrap_or(true),
        enforce_new_defaults: reader.opt(group, "enforce_new_defaults").unwrap_or(true),
    }
}

/// Where a name may be that is no whole path: beside the configuration files, the last one first.
fn places(reader: &Reader<'_>, name: &str) -> Vec<PathBuf> {
    let name = PathBuf::from(name);
    if name.is_absolute() {
        return vec![name];
    }
    let mut places: Vec<PathBuf> = Vec::new();
    let mut paths: Vec<_> = reader.files().paths().collect();
    paths.reverse();
    for path in paths {
        let place = path.with_file_name(&name);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests;
