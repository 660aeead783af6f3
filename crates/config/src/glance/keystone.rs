// SPDX-License-Identifier: Apache-2.0
//! Accounts at Keystone: `[keystone_authtoken]`, `[oslo_limit]` and their like.

use std::path::PathBuf;
use std::time::Duration;

use scurry_types::Secret;

use super::filled;
use crate::reader::Reader;

/// A domain by id or name, as far as set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DomainSetting {
    /// By id.
    pub id: Option<String>,
    /// By name.
    pub name: Option<String>,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMethod {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// Whether that is an id.
        user_is_id: bool,
        /// The user's domain.
        user_domain: DomainSetting,
        /// The password.
        password: Secret,
        /// The project.
        project: Option<String>,
        /// Whether that is an id.
        project_is_id: bool,
        /// The project's domain.
        project_domain: DomainSetting,
    },
    /// An application credential.
    ApplicationCredential {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
}

/// An account at a Keystone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeystoneAuth {
    /// Keystone's address.
    pub auth_url: String,
    /// How to log in.
    pub method: AuthMethod,
    /// Ask for a token of the whole system.
    pub system_scope: bool,
}

impl KeystoneAuth {
    /// The account a group of options names (keystoneauth's names: `auth_url`, `username`, ...); none when it has no
    /// `auth_url`. What is missing or wrong stays with the reader.
    #[must_use]
    pub fn read(reader: &Reader<'_>, group: &str) -> Option<Self> {
        Self::read_in(reader, group, group)
    }

    /// The account in a section that has another name than its group.
    fn read_in(reader: &Reader<'_>, section: &str, group: &str) -> Option<Self> {
        let text = |name: &str| filled(reader.opt_in::<String>(section, group, name));
        let deprecated = |name: &str| reader.is_set(section, name).then(|| text(name)).flatten();
        let auth_url = text("auth_url")?;
        let credential = text("application_credential_id");
        let kind = text("auth_type").or_else(|| deprecated("auth_plugin"));
        let by_credential = match kind.as_deref() {
            Some("v3applicationcredential") => true,
            Some("password" | "v3password") => false,
            None => credential.is_some(),
            Some(other) => {
                let text = format!("{other} is not supported: use password or v3applicationcredential");
                reader.reject(section, "auth_type", &text);
                return None;
            }
        };
        let need = |name: &str, value: Option<String>| {
            if value.is_none() {
                reader.reject(section, name, "it must be set, as auth_url is");
            }
            value
        };
        let method = if by_credential {
            let id = need("application_credential_id", credential);
            let secret = need("application_credential_secret", text("application_credential_secret"));
            AuthMethod::ApplicationCredential { id: id?, secret: Secret::new(secret?) }
        } else {
            let user_id = text("user_id");
            let project_id = text("project_id");
            let name = text("username").or_else(|| deprecated("user_name"));
            let user = need("username", user_id.clone().or(name));
            let password = need("password", text("password"));
            let domain = |of: &str| DomainSetting {
                id: text(&format!("{of}_domain_id")).or_else(|| text("default_domain_id")),
                name: text(&format!("{of}_domain_name")).or_else(|| text("default_domain_name")),
            };
            let project = text("project_name").or_else(|| deprecated("tenant_name"));
            AuthMethod::Password {
                user: user?,
                user_is_id: user_id.is_some(),
                user_domain: domain("user"),
                password: Secret::new(password?),
                project: project_id.clone().or(project),
                project_is_id: project_id.is_some(),
                project_domain: domain("project"),
            }
        };
        let system_scope = text("system_scope").as_deref() == Some("all");
        Some(Self { auth_url, method, system_scope })
    }
}

/// `[keystone_authtoken]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeystoneAuthtoken {
    /// The service's account.
    pub auth: KeystoneAuth,
    /// Address clients without a token are sent to.
    pub www_authenticate_uri: String,
    /// Region of Keystone.
    pub region_name: Option<String>,
    /// Interface of Keystone in the catalog.
    pub interface: Option<String>,
    /// Certificate authorities of Keystone.
    pub cafile: Option<PathBuf>,
    /// Do not verify Keystone's certificate.
    pub insecure: bool,
    /// How long a validated token is remembered; zero for never.
    pub token_cache_time: Duration,
    /// Roles that make a token a service's.
    pub service_token_roles: Vec<String>,
    /// Refuse service tokens without these roles.
    pub service_token_roles_required: bool,
    /// How often a failed call is tried again.
    pub request_max_retries: u32,
    /// How long a connection may take.
    pub connect_timeout: Option<Duration>,
}

impl KeystoneAuthtoken {
    /// Reads the group; none when it names no Keystone.
    #[must_use]
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let group = "keystone_authtoken";
        let text = |name: &str| filled(reader.opt::<String>(group, name));
        let section = text("auth_section").unwrap_or_else(|| group.to_owned());
        let auth = KeystoneAuth::read_in(reader, &section, group)?;
        let www = text("www_authenticate_uri").or_else(|| text("auth_uri"));
        let cache: i64 = reader.opt(group, "token_cache_time").unwrap_or(300);
        Some(Self {
            www_authenticate_uri: www.unwrap_or_else(|| auth.auth_url.clone()),
            auth,
            region_name: text("region_name"),
            interface: text("interface"),
            cafile: text("cafile").map(PathBuf::from),
            insecure: reader.opt(group, "insecure").unwrap_or(false),
            token_cache_time: Duration::from_secs(u64::try_from(cache).unwrap_or(0)),
            service_token_roles: reader.opt(group, "service_token_roles").unwrap_or_default(),
            service_token_roles_required: reader.opt(group, "service_token_roles_required").unwrap_or(true),
            request_max_retries: reader.opt(group, "http_request_max_retries").unwrap_or(3),
            connect_timeout: reader.opt(group, "http_connect_timeout").map(Duration::from_secs),
        })
    }
}

/// `[oslo_limit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsloLimit {
    /// The account that may see limits.
    pub auth: KeystoneAuth,
    /// Endpoint whose service and region have the limits.
    pub endpoint_id: Option<String>,
    /// Type of the service, instead of an endpoint's id.
    pub endpoint_service_type: Option<String>,
    /// Name of the service.
    pub endpoint_service_name: Option<String>,
    /// Region of the service.
    pub endpoint_region_name: Option<String>,
    /// Interface of the service's endpoint.
    pub endpoint_interface: Option<String>,
    /// Certificate authorities of Keystone.
    pub cafile: Option<PathBuf>,
    /// Do not verify Keystone's certificate.
    pub insecure: bool,
}

pub(super) fn authtoken(reader: &Reader<'_>) -> Option<KeystoneAuthtoken> {
    KeystoneAuthtoken::read(reader)
}

/// Limits are wanted, so the group must be whole.
pub(super) fn oslo_limit(reader: &Reader<'_>) -> Option<OsloLimit> {
    let group = "oslo_limit";
    let text = |name: &str| filled(reader.opt::<String>(group, name));
    if text("auth_url").is_none() {
        reader.reject(group, "auth_url", "it must be set, as use_keystone_limits is on");
        return None;
    }
    let auth = KeystoneAuth::read(reader, group);
    let found = ["endpoint_id", "endpoint_service_type", "endpoint_service_name"];
    if found.iter().all(|name| text(name).is_none()) {
        reader.reject(
            group,
            "endpoint_id",
            "it, or endpoint_service_type, must be set, as use_keystone_limits is on",
        );
    }
    Some(OsloLimit {
        auth: auth?,
        endpoint_id: text("endpoint_id"),
        endpoint_service_type: text("endpoint_service_type"),
        endpoint_service_name: text("endpoint_service_name"),
        endpoint_region_name: text("endpoint_region_name"),
        endpoint_interface: text("endpoint_interface"),
        cafile: text("cafile").map(PathBuf::from),
        insecure: reader.opt(group, "insecure").unwrap_or(false),
    })
}
