// SPDX-License-Identifier: Apache-2.0
//! The stores: `enabled_backends` and each store's own section.

use std::path::PathBuf;
use std::time::Duration;

use super::filled;
use super::keystone::{AuthMethod, DomainSetting, KeystoneAuth};
use crate::reader::Reader;

/// Types there are drivers for.
const SUPPORTED: [&str; 3] = ["file", "cinder", "http"];
/// Types Glance has drivers for.
const KNOWN: [&str; 4] = ["rbd", "s3", "swift", "vmware"];

/// The type of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreKind {
    /// Files in a directory.
    File,
    /// Volumes of block storage.
    Cinder,
    /// Addresses of web servers, only read.
    Http,
}

/// One store of `enabled_backends`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSection {
    /// Its identifier, the name of its section.
    pub id: String,
    /// `store_description`.
    pub description: Option<String>,
    /// `weight`: higher is read from first.
    pub weight: i64,
    /// What its driver needs.
    pub store: Store,
}

impl StoreSection {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        match self.store {
            Store::File(_) => StoreKind::File,
            Store::Cinder(_) => StoreKind::Cinder,
            Store::Http(_) => StoreKind::Http,
        }
    }
}

/// What a store's driver needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// `file`.
    File(FileStore),
    /// `cinder`.
    Cinder(Box<CinderStore>),
    /// `http`.
    Http(HttpStore),
}

/// Options of an `http` store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpStore {
    /// `https_ca_certificates_file`.
    pub ca_certificates_file: Option<PathBuf>,
    /// `https_insecure`: without effect when a file is named.
    pub insecure: bool,
    /// `http_proxy_information`: a scheme and a proxy each.
    pub proxies: Vec<(String, String)>,
}

/// Options of a `file` store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStore {
    /// `filesystem_store_datadir`.
    pub datadir: PathBuf,
    /// `filesystem_store_file_perm`, as the digits mean in octal; none for the umask's.
    pub file_perm: Option<u32>,
    /// `filesystem_store_chunk_size` in bytes.
    pub chunk_size: usize,
    /// `filesystem_thin_provisioning`.
    pub thin_provisioning: bool,
}

/// Options of a `cinder` store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CinderStore {
    /// `cinder_catalog_info`.
    pub catalog_info: String,
    /// `cinder_endpoint_template`.
    pub endpoint_template: Option<String>,
    /// `cinder_os_region_name`.
    pub region_name: Option<String>,
    /// `cinder_ca_certificates_file`.
    pub ca_certificates_file: Option<PathBuf>,
    /// `cinder_api_insecure`.
    pub api_insecure: bool,
    /// `cinder_http_retries`.
    pub http_retries: u32,
    /// `cinder_state_transition_timeout`.
    pub state_transition_timeout: Duration,
    /// The account that owns image volumes; without one the user's own token is used.
    pub auth: Option<KeystoneAuth>,
    /// `cinder_volume_type`.
    pub volume_type: Option<String>,
    /// `cinder_do_extend_attached`.
    pub do_extend_attached: bool,
    /// `cinder_attachment_retry_attempts`.
    pub attachment_retry_attempts: u32,
    /// `cinder_use_multipath`.
    pub use_multipath: bool,
    /// `cinder_enforce_multipath`.
    pub enforce_multipath: bool,
}

pub(super) struct Stores {
    pub(super) stores: Vec<StoreSection>,
    pub(super) default_backend: Option<String>,
    pub(super) multi_store: bool,
    pub(super) staging_dir: PathBuf,
    pub(super) tasks_dir: PathBuf,
}

pub(super) fn read(reader: &Reader<'_>) -> Stores {
    let enabled: Option<Vec<(String, String)>> = reader.opt("DEFAULT", "enabled_backends");
    match enabled {
        Some(pairs) if !pairs.is_empty() => multi(reader, &pairs),
        // Set, but wrong: the mistake is noted, and the old options would only add others.
        None if reader.is_set("DEFAULT", "enabled_backends") => multi(reader, &[]),
        _ => single(reader),
    }
}

fn multi(reader: &Reader<'_>, pairs: &[(String, String)]) -> Stores {
    let mut stores = Vec::new();
    for (id, kind) in pairs {
        if id.to_ascii_lowercase().starts_with("os_glance_") {
            let text = format!("{id} is reserved: names that begin with os_glance_ are the service's own");
            reader.reject("DEFAULT", "enabled_backends", &text);
        }
        match kind.as_str() {
            "file" => stores.push(section(reader, id, "store.file", Store::File(file(reader, id)))),
            "http" => stores.push(section(reader, id, "store.http", Store::Http(http(reader, id)))),
            "cinder" => {
                stores.push(section(reader, id, "store.cinder", Store::Cinder(Box::new(cinder(reader, id)))));
            }
            other => {
                let why = if KNOWN.contains(&other) { "not yet supported" } else { "not a type of store" };
                let text =
                    format!("{id} is of type {other}, which is {why}: use one of {}", SUPPORTED.join(", "));
                reader.reject("DEFAULT", "enabled_backends", &text);
            }
        }
    }
    let default: Option<String> = filled(reader.opt("glance_store", "default_backend"));
    match &default {
        Some(id) if !pairs.is_empty() && !pairs.iter().any(|(known, _)| known == id) => {
            let known: Vec<&str> = pairs.iter().map(|(id, _)| id.as_str()).collect();
            let text = format!("{id} is not in enabled_backends, which has {}", known.join(", "));
            reader.reject("glance_store", "default_backend", &text);
        }
        None => {
            let text = "it must name the store to use when a client names none";
            reader.reject("glance_store", "default_backend", text);
        }
        Some(_) => {}
    }
    Stores {
        stores,
        default_backend: default,
        multi_store: true,
        staging_dir: reserved(reader, "os_glance_staging_store"),
        tasks_dir: reserved(reader, "os_glance_tasks_store"),
    }
}

/// Without `enabled_backends`: files in `[glance_store] filesystem_store_datadir`.
fn single(reader: &Reader<'_>) -> Stores {
    let datadir: PathBuf = reader.opt("glance_store", "filesystem_store_datadir").unwrap_or_default();
    let default: Option<String> = filled(reader.opt("glance_store", "default_store"));
    if let Some(kind) = default.filter(|kind| kind != "file") {
        let text = format!(
            "{kind} as the only store is not supported: name it in enabled_backends, as in s1:{kind}"
        );
        reader.reject("glance_store", "default_store", &text);
    }
    let uri: String = reader.opt("DEFAULT", "node_staging_uri").unwrap_or_default();
    let staging_dir = match uri.strip_prefix("file://") {
        Some(path) if path.starts_with('/') => PathBuf::from(path),
        _ => {
            reader.reject("DEFAULT", "node_staging_uri", "file:///<directory> is expected");
            PathBuf::from("/tmp/staging/")
        }
    };
    let store = FileStore { datadir, file_perm: None, chunk_size: 65536, thin_provisioning: false };
    Stores {
        stores: vec![StoreSection {
            id: "file".to_owned(),
            description: None,
            weight: 0,
            store: Store::File(store),
        }],
        default_backend: Some("file".to_owned()),
        multi_store: false,
        staging_dir,
        tasks_dir: reserved(reader, "os_glance_tasks_store"),
    }
}

/// Directory of a reserved store.
fn reserved(reader: &Reader<'_>, section: &str) -> PathBuf {
    reader.opt(section, "filesystem_store_datadir").unwrap_or_default()
}

fn section(reader: &Reader<'_>, id: &str, group: &str, store: Store) -> StoreSection {
    StoreSection {
        id: id.to_owned(),
        description: filled(reader.opt_in(id, group, "store_description")),
        weight: reader.opt_in(id, group, "weight").unwrap_or(0),
        store,
    }
}

fn file(reader: &Reader<'_>, id: &str) -> FileStore {
    let g = "store.file";
    let perm: i64 = reader.opt_in(id, g, "filesystem_store_file_perm").unwrap_or(0);
    let file_perm = match u32::from_str_radix(&perm.to_string(), 8) {
        Ok(0) => None,
        Ok(mode) if mode <= 0o777 => Some(mode),
        _ => {
            reader.reject(
                id,
                "filesystem_store_file_perm",
                "octal digits up to 777 are expected, such as 640",
            );
            None
        }
    };
    FileStore {
        datadir: reader.opt_in(id, g, "filesystem_store_datadir").unwrap_or_default(),
        file_perm,
        chunk_size: reader.opt_in(id, g, "filesystem_store_chunk_size").unwrap_or(65536),
        thin_provisioning: reader.opt_in(id, g, "filesystem_thin_provisioning").unwrap_or(false),
    }
}

fn http(reader: &Reader<'_>, id: &str) -> HttpStore {
    let g = "store.http";
    let proxies: Vec<(String, String)> = reader.opt_in(id, g, "http_proxy_information").unwrap_or_default();
    for (scheme, _) in proxies.iter().filter(|(scheme, _)| scheme != "http" && scheme != "https") {
        let text = format!("{scheme} has no proxy here: http and https have");
        reader.reject(id, "http_proxy_information", &text);
    }
    HttpStore {
        ca_certificates_file: filled(reader.opt_in::<String>(id, g, "https_ca_certificates_file"))
            .map(PathBuf::from),
        insecure: reader.opt_in(id, g, "https_insecure").unwrap_or(false),
        proxies,
    }
}

fn cinder(reader: &Reader<'_>, id: &str) -> CinderStore {
    let g = "store.cinder";
    let text = |name: &str| filled(reader.opt_in::<String>(id, g, name));
    CinderStore {
        catalog_info: text("cinder_catalog_info").unwrap_or_else(|| "volumev3::publicURL".to_owned()),
        endpoint_template: text("cinder_endpoint_template"),
        region_name: text("cinder_os_region_name"),
        ca_certificates_file: text("cinder_ca_certificates_file").map(PathBuf::from),
        api_insecure: reader.opt_in(id, g, "cinder_api_insecure").unwrap_or(false),
        http_retries: reader.opt_in(id, g, "cinder_http_retries").unwrap_or(3),
        state_transition_timeout: Duration::from_secs(
            reader.opt_in(id, g, "cinder_state_transition_timeout").unwrap_or(300),
        ),
        auth: cinder_auth(reader, id),
        volume_type: text("cinder_volume_type"),
        do_extend_attached: reader.opt_in(id, g, "cinder_do_extend_attached").unwrap_or(false),
        attachment_retry_attempts: reader.opt_in(id, g, "cinder_attachment_retry_attempts").unwrap_or(5),
        use_multipath: reader.opt_in(id, g, "cinder_use_multipath").unwrap_or(false),
        enforce_multipath: reader.opt_in(id, g, "cinder_enforce_multipath").unwrap_or(false),
    }
}

/// The store's account. Half an account is an error: Glance would quietly use the user's own token, and image volumes
/// would end up in users' projects.
fn cinder_auth(reader: &Reader<'_>, id: &str) -> Option<KeystoneAuth> {
    let g = "store.cinder";
    let text = |name: &str| filled(reader.opt_in::<String>(id, g, name));
    let address = "cinder_store_auth_address";
    let credential = ["cinder_store_application_credential_id", "cinder_store_application_credential_secret"];
    let password = ["cinder_store_user_name", "cinder_store_password", "cinder_store_project_name"];
    let complete = |needed: &[&str]| {
        let missing: Vec<&str> = needed.iter().copied().filter(|name| text(name).is_none()).collect();
        if missing.is_empty() {
            return true;
        }
        let given: Vec<&str> = needed.iter().copied().filter(|name| text(name).is_some()).collect();
        let text = format!("{} is set, so {} must be set too", given.join(", "), missing.join(", "));
        reader.reject(id, given.first().copied().unwrap_or(address), &text);
        false
    };
    let auth_url = text(address);
    let method = if credential.iter().any(|name| text(name).is_some()) {
        complete(&[&credential[..], &[address]].concat()).then_some(())?;
        AuthMethod::ApplicationCredential {
            id: text(credential[0])?,
            secret: reader.opt_in(id, g, credential[1])?,
        }
    } else if auth_url.is_some() || password.iter().any(|name| text(name).is_some()) {
        complete(&[&password[..], &[address]].concat()).then_some(())?;
        AuthMethod::Password {
            user: text(password[0])?,
            user_is_id: false,
            user_domain: DomainSetting { id: None, name: text("cinder_store_user_domain_name") },
            password: reader.opt_in(id, g, password[1])?,
            project: text(password[2]),
            project_is_id: false,
            project_domain: DomainSetting { id: None, name: text("cinder_store_project_domain_name") },
        }
    } else {
        return None;
    };
    Some(KeystoneAuth { auth_url: auth_url?, method, system_scope: false })
}
