// SPDX-License-Identifier: Apache-2.0
//! `scurry up`: identity, block storage and the image service in one process.
//!
//! All three sockets are bound before anything else starts, so a port that is taken stops nothing half way. The
//! services then find each other by the addresses of their sockets, like services of three machines.

mod clouds;
mod conf;
pub(crate) mod credentials;
pub(crate) mod layout;

use std::collections::BTreeMap;
use std::process::ExitCode;

use scurry_block_storage::{BlockStorage, BlockStorageConfig, CinderConf};
use scurry_identity::{
    Bootstrap, BootstrapEndpoint, BootstrapRegisteredLimit, BootstrapUser, Bootstrapped, Identity,
    IdentityConfig,
};
use scurry_openstack_client::{Credentials, DomainRef, Secret, Session, SessionOptions, identity};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::UpOptions;
use crate::config_files::{self, Loaded};
use crate::failure::Failure;
use crate::image_api::{self, ImageApi};
use crate::serve::{self, Bound};
use credentials::Passwords;
use layout::Layout;

const REGION: &str = "RegionOne";
/// Project and domain of the service users; image volumes belong to this project.
const SERVICE_PROJECT: &str = "service";

/// The three services, up.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) auth_url: String,
    pub(crate) block_url: String,
    pub(crate) image_url: String,
    pub(crate) passwords: Passwords,
    layout: Layout,
    image: ImageApi,
    block_stop: CancellationToken,
    block_work: JoinHandle<()>,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
}

pub(crate) async fn run(options: UpOptions) -> Result<ExitCode, Failure> {
    let running = start(&options).await?;
    running.greet();
    let signal =
        serve::stop_signal().await.map_err(|error| Failure::new("cannot wait for signals", error))?;
    tracing::info!(signal, "stopping");
    running.stop().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Starts everything; when it returns, the services answer.
pub(crate) async fn start(options: &UpOptions) -> Result<Running, Failure> {
    let layout = Layout::open(&options.data_dir)?;
    let sockets = Sockets::bind(options).await?;
    let passwords = Passwords::load(&layout, options.admin_password.as_deref())?;
    let stop = CancellationToken::new();

    let (identity, bootstrapped) = open_identity(options, &layout, &sockets, &passwords).await?;
    let auth_url = format!("{}/v3", sockets.identity.url());
    let (block_url, image_url) = (sockets.block.url(), sockets.image.url());
    let mut servers = vec![sockets.identity.serve(identity.router(), stop.clone())];

    // Before the image service answers: who waits for it finds the credentials.
    let logins = [
        clouds::Login { cloud: "scurry", openrc: "admin-openrc", user: "admin", password: &passwords.admin },
        clouds::Login {
            cloud: "scurry-demo",
            openrc: "demo-openrc",
            user: "demo",
            password: &passwords.demo,
        },
    ];
    clouds::write(&layout, &auth_url, REGION, &logins)?;
    let conf = image_conf(options, &layout, &auth_url, &image_url, &passwords, &bootstrapped)?;
    image_api::access::check_trust(&conf.conf, sockets.image.is_local())?;
    let block_stop = CancellationToken::new();
    // Side by side: each of them waits for its disk, and for the other when it asks it.
    let block = async {
        let urls = (block_url.as_str(), image_url.as_str());
        let block = open_block_storage(options, &layout, &auth_url, urls, &passwords, &bootstrapped).await?;
        let server = sockets.block.serve(block.router(), stop.clone());
        Ok((server, block.start(block_stop.clone())))
    };
    let image = Box::pin(ImageApi::open(&conf, format!("scurry-{}", node_name(&layout))));
    let ((server, block_work), image) = tokio::try_join!(block, image)?;
    servers.push(server);
    servers.push(sockets.image.serve(image.router(), stop.clone()));

    Ok(Running {
        auth_url,
        block_url,
        image_url,
        passwords,
        layout,
        image,
        block_stop,
        block_work,
        stop,
        servers,
    })
}

impl Running {
    /// What the operator may do now.
    pub(crate) fn what_to_type(&self) -> String {
        format!(
            "  export OS_CLIENT_CONFIG_FILE={}/clouds.yaml OS_CLOUD=scurry\n  openstack image stores list",
            self.layout.root().display()
        )
    }

    #[allow(clippy::print_stdout)]
    fn greet(&self) {
        println!(
            "scurry is up: identity {} · block storage {} · image {}\nIn another terminal:\n{}\n\
             or, for glance and cinder: . {}/admin-openrc",
            self.auth_url,
            self.block_url,
            self.image_url,
            self.what_to_type(),
            self.layout.root().display()
        );
    }

    /// Changes a registered limit of the image service, as the administrator; gives what it was.
    pub(crate) async fn set_registered_limit(&self, resource: &str, limit: i64) -> Result<i64, Failure> {
        let cannot = |error| Failure::new(format!("cannot set the limit {resource}"), error);
        let session = Session::new(
            service_credentials(&self.auth_url, "admin", &self.passwords.admin, "admin"),
            SessionOptions::default(),
        )
        .map_err(cannot)?;
        let limits = identity::registered_limits(&session, None, None).await.map_err(cannot)?;
        let found = limits
            .into_iter()
            .find(|known| known.resource_name == resource)
            .ok_or_else(|| Failure::plain(format!("there is no registered limit {resource}")))?;
        identity::set_registered_limit(&session, &found.id, limit).await.map_err(cannot)?;
        Ok(found.default_limit)
    }

    /// Lets requests and jobs come to an end, in the order in which the services need each other.
    pub(crate) async fn stop(self) {
        self.image.shutdown().await;
        self.block_stop.cancel();
        self.stop.cancel();
        for server in self.servers.into_iter().chain([self.block_work]) {
            if let Err(error) = server.await {
                tracing::error!(%error, "a service ended badly");
            }
        }
    }
}

/// The three sockets, listening.
#[derive(Debug)]
struct Sockets {
    identity: Bound,
    block: Bound,
    image: Bound,
}

impl Sockets {
    async fn bind(options: &UpOptions) -> Result<Self, Failure> {
        Ok(Self {
            identity: Bound::new("identity", options.listen, options.identity_port, "--identity-port")
                .await?,
            block: Bound::new(
                "block-storage",
                options.listen,
                options.block_storage_port,
                "--block-storage-port",
            )
            .await?,
            image: Bound::new("image", options.listen, options.image_port, "--image-port").await?,
        })
    }
}

async fn open_identity(
    options: &UpOptions,
    layout: &Layout,
    sockets: &Sockets,
    passwords: &Passwords,
) -> Result<(Identity, Bootstrapped), Failure> {
    let identity = Identity::open(IdentityConfig {
        token_lifetime: options.token_lifetime,
        region: REGION.to_owned(),
        ..IdentityConfig::new(layout.path("identity.db"), sockets.identity.url())
    })
    .await?;
    let volumes = format!("{}/v3/%(project_id)s", sockets.block.url());
    let endpoint = |service_type: &str, service_name: &str, url: String| BootstrapEndpoint {
        service_type: service_type.to_owned(),
        service_name: service_name.to_owned(),
        url,
    };
    let user =
        |name: &str, password: &str, project: &str, roles: &[&str], system_roles: &[&str]| BootstrapUser {
            name: name.to_owned(),
            password: password.to_owned(),
            project: project.to_owned(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            system_roles: system_roles.iter().map(|&role| role.to_owned()).collect(),
        };
    let bootstrapped = identity
        .bootstrap(&Bootstrap {
            admin_password: passwords.admin.clone(),
            region: REGION.to_owned(),
            users: vec![
                user("demo", &passwords.demo, "demo", &["member"], &[]),
                user("glance", &passwords.glance, SERVICE_PROJECT, &["admin", "service"], &["reader"]),
                user("cinder", &passwords.cinder, SERVICE_PROJECT, &["admin", "service"], &[]),
            ],
            endpoints: vec![
                endpoint("image", "glance", sockets.image.url()),
                endpoint("block-storage", "cinder", volumes.clone()),
                endpoint("volumev3", "cinderv3", volumes),
            ],
            registered_limits: conf::LIMITS
                .iter()
                .map(|&(resource, limit)| BootstrapRegisteredLimit {
                    service_type: "image".to_owned(),
                    resource_name: resource.to_owned(),
                    default_limit: limit,
                })
                .collect(),
        })
        .await?;
    Ok((identity, bootstrapped))
}

async fn open_block_storage(
    options: &UpOptions,
    layout: &Layout,
    auth_url: &str,
    (block_url, image_url): (&str, &str),
    passwords: &Passwords,
    bootstrapped: &Bootstrapped,
) -> Result<BlockStorage, Failure> {
    let file = match &options.cinder_conf {
        Some(file) => file.clone(),
        None => layout.write_once("cinder.conf", conf::CINDER)?,
    };
    let files = config_files::load_cinder(&[file])?;
    let cinder = CinderConf::load(&files).map_err(config_files::faults)?;
    let service_user = service_credentials(auth_url, "cinder", &passwords.cinder, SERVICE_PROJECT);
    let id_of = |ids: &BTreeMap<String, String>, name: &str| ids.get(name).cloned().unwrap_or_default();
    let block = BlockStorage::open(BlockStorageConfig {
        database_path: layout.path("block-storage.db"),
        data_dir: layout.path("pools"),
        cinder,
        public_url: block_url.to_owned(),
        host: "scurry".to_owned(),
        identity: scurry_auth::AuthSettings::new(service_user.clone(), SessionOptions::default()),
        internal_project_id: id_of(&bootstrapped.project_ids, SERVICE_PROJECT),
        internal_user_id: id_of(&bootstrapped.user_ids, "cinder"),
        image_endpoint: image_url.to_owned(),
        service_user,
    })
    .await
    .map_err(|error| Failure::new("cannot open block storage", error))?;
    ensure_volume_types(&block, options).await?;
    Ok(block)
}

async fn ensure_volume_types(block: &BlockStorage, options: &UpOptions) -> Result<(), Failure> {
    let failed = |error| Failure::new("cannot make a volume type", error);
    if options.cinder_conf.is_none() {
        for &(name, specs) in conf::VOLUME_TYPES {
            block.ensure_volume_type(name, None, true, &extra_specs(specs)).await.map_err(failed)?;
        }
    }
    for (name, backend) in &options.volume_types {
        let specs = extra_specs(&[("volume_backend_name", backend)]);
        block.ensure_volume_type(name, None, true, &specs).await.map_err(failed)?;
    }
    Ok(())
}

fn extra_specs(specs: &[(&str, &str)]) -> BTreeMap<String, String> {
    specs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn image_conf(
    options: &UpOptions,
    layout: &Layout,
    auth_url: &str,
    image_url: &str,
    passwords: &Passwords,
    bootstrapped: &Bootstrapped,
) -> Result<Loaded, Failure> {
    let file = match &options.glance_conf {
        Some(file) => file.clone(),
        None => layout.write_once("glance-api.conf", conf::GLANCE)?,
    };
    // Read once to learn which stores there are, and again with what the embedded services add.
    let stores = config_files::stores_of(&file)?;
    let embedded = conf::embedded(&conf::Neighbours {
        auth_url,
        region: REGION,
        public_endpoint: image_url,
        image_endpoint_id: bootstrapped.endpoint_ids.get("image").map_or("", String::as_str),
        glance_password: &passwords.glance,
        data: layout.root(),
        cinder_stores: stores.volumes,
        file_stores: stores.files_without_directory,
        database: options.image_database.as_deref(),
    });
    let embedded = layout.write_private("embedded.conf", &embedded)?;
    config_files::load_glance(&[file, embedded], &[])
}

fn service_credentials(auth_url: &str, user: &str, password: &str, project: &str) -> Credentials {
    let domain = || DomainRef::Id("default".to_owned());
    Credentials::password(
        auth_url,
        user,
        domain(),
        Secret::new(password),
        Some((project.to_owned(), domain())),
    )
}

/// A name for this data directory that stays the same over restarts and differs from others'.
fn node_name(layout: &Layout) -> String {
    let path = layout.root().to_string_lossy();
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, path.as_bytes()).simple().to_string()[..12].to_owned()
}
