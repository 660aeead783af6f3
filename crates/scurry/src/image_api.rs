// SPDX-License-Identifier: Apache-2.0
//! The image service, wired from its configuration: the same for `scurry up` and `scurry image-api`.

pub(crate) mod access;
mod cache;
pub(crate) mod database;
mod domain;
mod notifications;
mod outbound;
mod plugins;
mod stores;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use scurry_config::GlanceConf;
use scurry_image::{DelayedDelete, ImageService, ImageSettings, Quotas, ServiceParts};
use scurry_image_db::Database;
use scurry_image_http::HttpSettings;
use scurry_notifications::Publisher;
use tokio_util::sync::CancellationToken;

use crate::cli::ImageApiOptions;
use crate::config_files::{self, Loaded};
use crate::failure::Failure;
use crate::serve::{self, Bound};

/// The image service, recovered and ready to be served.
#[derive(Debug)]
pub(crate) struct ImageApi {
    service: ImageService,
    router: Router,
    publisher: Option<Publisher>,
}

pub(crate) async fn run(options: ImageApiOptions) -> Result<ExitCode, Failure> {
    let mut loaded = config_files::load_glance(&options.config_files, &options.config_dirs)?;
    loaded.search.extend(["/etc/glance", "/etc"].map(PathBuf::from));
    let socket = listen(&loaded.conf).await?;
    access::check_trust(&loaded.conf, socket.is_local())?;
    let node = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let api = ImageApi::open(&loaded, format!("scurry-{}-{}", node.trim(), loaded.conf.bind_port)).await?;
    let stop = CancellationToken::new();
    let server = socket.serve(api.router(), stop.clone());
    let signal =
        serve::stop_signal().await.map_err(|error| Failure::new("cannot wait for signals", error))?;
    tracing::info!(signal, "stopping");
    api.shutdown().await;
    stop.cancel();
    server.await.map_err(|error| Failure::new("the server ended badly", error))?;
    Ok(ExitCode::SUCCESS)
}

impl ImageApi {
    /// Opens database and stores, clears up after an earlier life of `node`, and starts the jobs.
    pub(crate) async fn open(loaded: &Loaded, node: String) -> Result<Self, Failure> {
        let conf = &loaded.conf;
        let (service, database) = opened(loaded, node.clone()).await?;
        service.start().await.map_err(|error| Failure::new("cannot start the image service", error))?;
        let policy = Arc::new(access::policy(conf)?);
        let http = HttpSettings {
            public_endpoint: conf.public_endpoint.clone(),
            max_request_id_length: conf.max_request_id_length,
            custom_schema: domain::custom_schema(loaded)?,
            property_protections: domain::protections(loaded, &policy)?,
            ..access::front(conf)
        };
        let authenticate =
            axum::middleware::from_fn_with_state(access::callers(conf)?, scurry_auth::middleware::admit);
        access::follow(&policy);
        let router = scurry_image_http::router(service.clone(), policy, http, authenticate);
        let publisher = notifications::publisher(conf, &database, &node);
        Ok(Self { service, router, publisher })
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn shutdown(self) {
        self.service.shutdown().await;
        if let Some(publisher) = self.publisher {
            publisher.shutdown().await;
        }
    }
}

/// The use cases on their database and stores; nothing runs yet.
pub(crate) async fn service(loaded: &Loaded, node: String) -> Result<ImageService, Failure> {
    Ok(opened(loaded, node).await?.0)
}

async fn opened(loaded: &Loaded, node: String) -> Result<(ImageService, Arc<Database>), Failure> {
    let conf = &loaded.conf;
    let database = Arc::new(notifications::telling(conf, database::open(conf).await?));
    let service = ImageService::new(ServiceParts {
        images: database.clone(),
        metadefs: database.clone(),
        jobs: database.clone(),
        stores: stores::open(conf, &node).await?,
        limits: access::limits(conf)?,
        outbound: Some(outbound::outbound(conf)?),
        settings: settings(conf, node)?,
    });
    Ok((service, database))
}

/// The socket `bind_host` names: an address, or `unix:/path`.
async fn listen(conf: &GlanceConf) -> Result<Bound, Failure> {
    if let Some(path) = conf.bind_host.strip_prefix("unix:") {
        return Ok(Bound::unix("image", Path::new(path)).await?);
    }
    let ip: IpAddr = conf.bind_host.parse().map_err(|error| {
        Failure::new(
            format!("[DEFAULT] bind_host = {}: an IP address or unix:/path is expected", conf.bind_host),
            error,
        )
    })?;
    Ok(Bound::new("image", ip, conf.bind_port, "[DEFAULT] bind_port").await?)
}

fn settings(conf: &GlanceConf, node: String) -> Result<ImageSettings, Failure> {
    let quota = |quota: Option<usize>| quota.and_then(|most| i64::try_from(most).ok()).unwrap_or(-1);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    std::fs::create_dir_all(&conf.staging_dir).map_err(|error| {
        Failure::new(format!("cannot use the staging directory {}", conf.staging_dir.display()), error)
    })?;
    Ok(ImageSettings {
        enabled_import_methods: conf.enabled_import_methods.clone(),
        import_plugins: plugins::read(conf)?,
        container_formats: conf.image_format.container_formats.clone(),
        disk_formats: conf.image_format.disk_formats.clone(),
        hashing_algorithm: conf.hashing_algorithm,
        do_secure_hash: conf.do_secure_hash,
        http_retries: conf.http_retries,
        show_image_direct_url: conf.show_image_direct_url,
        show_multiple_locations: conf.show_multiple_locations,
        image_size_cap: conf.image_size_cap,
        user_storage_quota: conf.user_storage_quota,
        quotas: Quotas {
            members: quota(conf.image_member_quota),
            properties: quota(conf.image_property_quota),
            tags: quota(conf.image_tag_quota),
            locations: quota(conf.image_location_quota),
        },
        require_image_format_match: conf.image_format.require_match,
        vmdk_allowed_types: conf.image_format.vmdk_allowed_types.clone(),
        gpt_safety_checks_nonfatal: conf.image_format.gpt_safety_checks_nonfatal.clone(),
        limit_param_default: count(conf.limit_param_default),
        api_limit_max: count(conf.api_limit_max),
        staging_dir: conf.staging_dir.clone(),
        node_id: node,
        delayed_delete: DelayedDelete {
            enabled: conf.delayed_delete.enabled,
            scrub_time: conf.delayed_delete.scrub_time,
            pool_size: conf.delayed_delete.pool_size,
            wakeup_time: conf.delayed_delete.wakeup_time,
        },
        glance_download_properties: conf.glance_download_properties.clone(),
        task_time_to_live: Duration::from_secs(conf.task_time_to_live.saturating_mul(3600)),
        upload_expiry: Duration::from_secs(conf.upload_expiry),
        concurrent_jobs: conf.task_pool_threads,
        cache: cache::settings(conf)?,
        cache_management: conf.pipeline.cache_manage,
        ..ImageSettings::default()
    })
}
