// SPDX-License-Identifier: Apache-2.0
//! The stores of `enabled_backends`, opened and checked before anybody is served.

use std::sync::Arc;
use std::time::Duration;

use scurry_config::{
    CinderStore as CinderSection, FileStore as FileSection, GlanceConf, HttpStore as HttpSection,
    Store as Section, StoreSection,
};
use scurry_connect::Connector;
use scurry_fetch::{FetchSettings, Proxies};
use scurry_openstack_client::{Credentials, Session};
use scurry_store::{Registry, Store};
use scurry_store_cinder::{CinderStore, CinderStoreConfig};
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
                let store = Arc::new(open_cinder(section, cinder, conf, node, &mut sessions)?);
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
    conf: &GlanceConf,
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
        ..CinderStoreConfig::new(id, account(section, cinder, conf)?, connector)
    };
    let session = config.session_among(sessions).map_err(cannot)?;
    CinderStore::new(config, session).map_err(cannot)
}

async fn check_volume_type(section: &StoreSection, store: Arc<CinderStore>) -> Result<(), Failure> {
    let checked = store.check_volume_type().await;
    checked
        .map_err(|error| Failure::new(format!("[{}] cinder_volume_type cannot be used", section.id), error))
}

/// Who a store acts as: its own account, else the service itself, and never whoever asks (docs/adr/0010).
fn account(
    section: &StoreSection,
    cinder: &CinderSection,
    conf: &GlanceConf,
) -> Result<Credentials, Failure> {
    if let Some(own) = &cinder.auth {
        return Ok(scurry_auth::credentials(own));
    }
    let Some(service) = &conf.keystone_authtoken else {
        return Err(Failure::plain(format!(
            "[{}] has no cinder_store_auth_address, cinder_store_user_name, cinder_store_password and \
             cinder_store_project_name, and there is no [keystone_authtoken] account to act as: image volumes need \
             an owner of their own",
            section.id
        )));
    };
    tracing::warn!(
        store = %section.id,
        "no cinder_store_* account: image volumes belong to the project of [keystone_authtoken]"
    );
    Ok(scurry_auth::credentials(&service.auth))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use scurry_config::ConfigFiles;

    use super::*;

    const STORE: &str =
        "[DEFAULT]\nenabled_backends = one:cinder\n[glance_store]\ndefault_backend = one\n[one]\n";
    const SERVICE: &str = "[keystone_authtoken]\nauth_url = http://k\nusername = glance\npassword = geheim\n\
        project_name = service\n";
    const OWN: &str = "cinder_store_auth_address = http://own\ncinder_store_user_name = images\n\
        cinder_store_password = geheim\ncinder_store_project_name = volumes\n";

    fn account_of(text: &str) -> Result<Credentials, Failure> {
        let files = ConfigFiles::parse(Path::new("glance-api.conf"), text).unwrap();
        let conf = GlanceConf::load(&files).unwrap();
        let Section::Cinder(cinder) = &conf.stores[0].store else { panic!("a cinder store is expected") };
        account(&conf.stores[0], cinder, &conf)
    }

    #[test]
    fn a_store_acts_with_its_own_account() {
        let found = account_of(&format!("{STORE}{OWN}{SERVICE}")).unwrap();
        assert_eq!(found.auth_url, "http://own");
        assert!(format!("{:?}", found.method).contains("images"));
    }

    #[test]
    fn without_one_it_acts_as_the_service() {
        let found = account_of(&format!("{STORE}{SERVICE}")).unwrap();
        assert_eq!(found.auth_url, "http://k");
        assert!(format!("{:?}", found.method).contains("glance"));
    }

    #[test]
    fn without_either_the_error_says_what_to_set() {
        let error =
            account_of(&format!("{STORE}[paste_deploy]\nflavor = caching\n")).unwrap_err().to_string();
        assert!(error.contains("[one]") && error.contains("cinder_store_user_name"), "{error}");
        assert!(error.contains("[keystone_authtoken]"), "{error}");
    }
}
