// SPDX-License-Identifier: Apache-2.0
//! Serves block storage alone on 127.0.0.1, beside an Identity service:
//! `cargo run -p scurry-block-storage --example serve_block -- PORT DIRECTORY CINDER_CONF AUTH_URL ADMIN_PASSWORD`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scurry_auth::AuthSettings;
use scurry_block_storage::{BlockStorage, BlockStorageConfig, CinderConf};
use scurry_config::ConfigFiles;
use scurry_openstack_client::{Credentials, DomainRef, Secret, SessionOptions};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, directory, conf, auth_url, password] = arguments.as_slice() else {
        return Err("usage: serve PORT DIRECTORY CINDER_CONF AUTH_URL ADMIN_PASSWORD".into());
    };
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory)?;
    let domain = || DomainRef::Id("default".to_owned());
    let credentials = Credentials::password(
        auth_url.as_str(),
        "admin",
        domain(),
        Secret::new(password.as_str()),
        Some(("admin".to_owned(), domain())),
    );
    let address = format!("127.0.0.1:{port}");
    let storage = BlockStorage::open(BlockStorageConfig {
        database_path: directory.join("block.sqlite"),
        data_dir: directory.join("pools"),
        cinder: CinderConf::load(&ConfigFiles::load(&[conf.into()], &[])?)?,
        public_url: format!("http://{address}"),
        host: "scurry".to_owned(),
        identity: AuthSettings::new(credentials.clone(), SessionOptions::default()),
        internal_project_id: "service".to_owned(),
        internal_user_id: "service".to_owned(),
        image_endpoint: "http://127.0.0.1:9292".to_owned(),
        service_user: credentials,
    })
    .await?;
    let specs = BTreeMap::from([("volume_backend_name".to_owned(), "puredriver-2".to_owned())]);
    storage.ensure_volume_type("pure2", Some("The second backend"), true, &specs).await?;
    let cancel = CancellationToken::new();
    let work = storage.start(cancel.clone());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    axum::serve(listener, storage.router())
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    cancel.cancel();
    work.await?;
    Ok(())
}
