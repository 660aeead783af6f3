// SPDX-License-Identifier: Apache-2.0
//! The stores of `enabled_backends`, opened and checked before anybody is served.

use std::sync::Arc;
use std::time::Duration;

use scurry_config::{
    AuthMethod, CinderStore as CinderSection, FileStore as FileSection, GlanceConf, HttpStore as HttpSection,
    Store as Section, StoreSection,
};
use scurry_connect::Connector;
use scurry_fetch::{FetchSettings, Proxies};
use scurry_openstack_client::Session;
use scurry_store::{Registry, Store};
use scurry_store_cinder::{CinderCredentials, CinderStore, CinderStoreConfig};
use scurry_store_file::{FileStore, FileStoreConfig};
use scurry_store_http::{HttpStore, HttpStoreConfig};
use scurry_types::StoreId;

use crate::failure::Failure;

/// Opens every store. `node` is this process's name towards block storage, the same after a restart.
pub(super) async fn open(conf: &GlanceConf, node: &str) -> Result<Registry, Failure> {
    let Some(default) = &conf.default_backend else {
        return Err(Failure::plain(
            "no store is enabled: set [DEFAULT] enabled_backends and [glance_store] default_backend",
        ));
    };
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    let (mut sessions, mut checks) = (Vec::new(), Vec::new());
    for section in &conf.stores {
        let store: Arc<dyn Store> = match &section.store {
            Section::File(file) => Arc::new(open_file(section, file, conf)?),
            Section::Http(http) => Arc::new(open_http(section, http, conf)?),
            Section::Cinder(cinder) => {
                let store = Arc::new(open_cinder(section, cinder, node, &mut sessions)?);
                checks.push(check_volume_type(section, Arc::clone(&store)));
                store
            }
        };
        stores.push(store);
    }
    futures::future::try_join_all(checks).await?;
    Registry::new(stores, StoreId::new(default.as_str()))
        .map_err(|error| Failure::new("the stores cannot be used", error))
}

fn open_file(section: &StoreSection, file: &FileSection, conf: &GlanceConf) -> Result<FileStore, Failure> {
    let peers = conf.stores.iter().filter_map(|other| match &other.store {
        Section::File(other) => Some(other.datadir.clone()),
        Section::Cinder(_) | Section::Http(_) => None,
    });
    let config = FileStoreConfig {
        description: section.description.clone(),
        weight: section.weight,
        file_perm: file.file_perm,
        chunk_size: file.chunk_size as u64,
        thin_provisioning: file.thin_provisioning,
        clone_from: peers.collect(),
        ..FileStoreConfig::new(StoreId::new(section.id.as_str()), file.datadir.clone())
    };
    FileStore::open(config)
        .map_err(|error| Failure::new(format!("store {} cannot be used", section.id), error))
}

fn open_http(section: &StoreSection, http: &HttpSection, conf: &GlanceConf) -> Result<HttpStore, Failure> {
    let proxy = |scheme: &str| {
        let named = http.proxies.iter().find(|(one, _)| one == scheme);
        named.map(|(_, proxy)| proxy.clone())
    };
    let proxies = if http.proxies.is_empty() {
        Proxies::Environment
    } else {
        Proxies::Given { http: proxy("http"), https: proxy("https") }
    };
    let config = HttpStoreConfig {
        id: StoreId::new(section.id.as_str()),
        description: section.description.clone(),
        weight: section.weight,
        filter: super::outbound::filter(conf),
        fetch: FetchSettings {
            ca_file: http.ca_certificates_file.clone(),
            insecure: http.insecure,
            proxies,
            ..FetchSettings::default()
        },
    };
    HttpStore::new(config)
        .map_err(|error| Failure::new(format!("store {} cannot be used", section.id), error))
}

fn open_cinder(
    section: &StoreSection,
    cinder: &CinderSection,
    node: &str,
    sessions: &mut Vec<Session>,
) -> Result<CinderStore, Failure> {
    let cannot = |error| Failure::new(format!("store {} cannot be used", section.id), error);
    let id = StoreId::new(section.id.as_str());
    // One connector a store: a volume is attached by the store that holds it, and a restart releases its own alone.
    let connector = Connector {
        multipath: cinder.use_multipath,
        enforce_multipath: cinder.enforce_multipath,
        ..Connector::new(format!("{node}-{id}"))
    };
    let config = CinderStoreConfig {
        description: section.description.clone(),
        weight: section.weight,
        volume_type: cinder.volume_type.clone(),
        catalog_info: cinder.catalog_info.clone(),
        endpoint_template: cinder.endpoint_template.clone(),
        region: cinder.region_name.clone(),
        ca_certificates_file: cinder.ca_certificates_file.clone(),
        insecure: cinder.api_insecure,
        http_retries: cinder.http_retries,
        state_transition_timeout: cinder.state_transition_timeout,
        attachment_retry_attempts: cinder.attachment_retry_attempts,
        use_multipath: cinder.use_multipath,
        // Long enough for a burst of range requests, short for whoever else wants the volume.
        read_linger: Duration::from_secs(1),
        ..CinderStoreConfig::new(id, credentials(section, cinder)?, connector)
    };
    let session = config.session_among(sessions).map_err(cannot)?;
    CinderStore::new(config, session).map_err(cannot)
}

async fn check_volume_type(section: &StoreSection, store: Arc<CinderStore>) -> Result<(), Failure> {
    let checked = store.check_volume_type().await;
    checked
        .map_err(|error| Failure::new(format!("[{}] cinder_volume_type cannot be used", section.id), error))
}

fn credentials(section: &StoreSection, cinder: &CinderSection) -> Result<CinderCredentials, Failure> {
    let Some(auth) = &cinder.auth else {
        return Err(Failure::plain(format!(
            "[{}] has no cinder_store_auth_address, cinder_store_user_name, cinder_store_password and \
             cinder_store_project_name: image volumes need an owner of their own",
            section.id
        )));
    };
    Ok(match &auth.method {
        AuthMethod::Password { user, user_domain, password, project, project_domain, .. } => {
            CinderCredentials::Password {
                auth_address: auth.auth_url.clone(),
                user_name: user.clone(),
                user_domain_name: user_domain.name.clone().unwrap_or_else(|| "Default".to_owned()),
                password: password.clone(),
                project_name: project.clone().unwrap_or_default(),
                project_domain_name: project_domain.name.clone().unwrap_or_else(|| "Default".to_owned()),
            }
        }
        AuthMethod::ApplicationCredential { id, secret } => CinderCredentials::ApplicationCredential {
            auth_address: auth.auth_url.clone(),
            id: id.clone(),
            secret: secret.clone(),
        },
    })
}
