// SPDX-License-Identifier: Apache-2.0
//! Opening, wiring and stopping the service.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use scurry_auth::TokenValidator;
use scurry_openstack_client::Session;
use scurry_openstack_client::image::ImageClient;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::backend::{Backend, Backends};
use crate::config::{BlockStorageConfig, CinderConf};
use crate::db::properties::{self, Properties, Space};
use crate::db::{Db, types};
use crate::error::OpenError;
use crate::service::Service;
use crate::work::resume;

/// A volume type could not be written.
#[derive(Debug, thiserror::Error)]
#[error("volume type {name} cannot be written to the database of block storage")]
pub struct TypeError {
    name: String,
    #[source]
    source: sea_orm::DbErr,
}

/// The service.
#[derive(Debug, Clone)]
pub struct BlockStorage {
    service: Arc<Service>,
    validator: TokenValidator,
}

impl BlockStorage {
    /// Opens the database and the pools; both are made when missing. The type `__DEFAULT__` (or whatever
    /// `default_volume_type` says) is made too.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the configuration or the directories.
    pub async fn open(config: BlockStorageConfig) -> Result<Self, OpenError> {
        check(&config.cinder)?;
        let db = Db::open(&config.database_path)
            .await
            .map_err(|source| OpenError::Database { path: config.database_path.clone(), source })?;
        let backends = open_pools(&config).await?;
        let session =
            Session::new(config.service_user, config.identity.session.clone()).map_err(OpenError::Client)?;
        let validator = TokenValidator::new(config.identity).map_err(OpenError::Client)?;
        let public = config.public_url.trim_end_matches('/');
        let service = Service::new(
            db,
            config.cinder,
            backends,
            public.strip_suffix("/v3").unwrap_or(public).to_owned(),
            config.host,
            config.internal_project_id,
            config.internal_user_id,
            config.data_dir.join("conversion"),
            ImageClient::new(session, Some(&config.image_endpoint), None),
        );
        let storage = Self { service: Arc::new(service), validator };
        let default = storage.service.conf.default_volume_type.clone();
        storage
            .ensure_volume_type(&default, Some("Default Volume Type"), true, &BTreeMap::new())
            .await
            .map_err(|error| OpenError::Database { path: config.database_path, source: error.source })?;
        Ok(storage)
    }

    /// The API, for any listener.
    pub fn router(&self) -> Router {
        api::router(Arc::clone(&self.service), self.validator.clone())
    }

    /// Takes up unfinished work, and ends when `cancel` is cancelled and no work runs any more. What is cut short
    /// then is done at the next start.
    #[must_use]
    pub fn start(&self, cancel: CancellationToken) -> JoinHandle<()> {
        let service = Arc::clone(&self.service);
        tokio::spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = async {
                    resume::run(&service).await;
                    cancel.cancelled().await;
                } => {}
            }
            service.cancel.cancel();
            service.tasks.close();
            service.tasks.wait().await;
        })
    }

    /// Makes a volume type, or brings description, visibility and extra specs of the one of that name to what is
    /// given; specs an administrator added beside them stay.
    ///
    /// # Errors
    /// [`TypeError`] when the database refuses.
    pub async fn ensure_volume_type(
        &self,
        name: &str,
        description: Option<&str>,
        is_public: bool,
        extra_specs: &BTreeMap<String, String>,
    ) -> Result<(), TypeError> {
        self.write_type(name, description, is_public, extra_specs)
            .await
            .map_err(|source| TypeError { name: name.to_owned(), source })
    }

    async fn write_type(
        &self,
        name: &str,
        description: Option<&str>,
        is_public: bool,
        specs: &Properties,
    ) -> Result<(), sea_orm::DbErr> {
        use sea_orm::{ActiveModelTrait, IntoActiveModel, Set};

        let tx = self.service.db.begin().await?;
        let known = types::all(&tx).await?.into_iter().find(|kind| kind.name == name);
        match known {
            None => {
                types::create(&tx, name, description, is_public, specs).await?;
            }
            Some(kind) => {
                let id = kind.id.clone();
                let mut row = kind.into_active_model();
                row.is_public = Set(is_public);
                if let Some(description) = description {
                    row.description = Set(Some(description.to_owned()));
                }
                row.update(&tx).await?;
                properties::merge(&tx, &id, Space::Specs, specs).await?;
            }
        }
        tx.commit().await
    }
}

fn check(conf: &CinderConf) -> Result<(), OpenError> {
    if conf.backends.is_empty() {
        return Err(OpenError::NoBackend);
    }
    for (n, backend) in conf.backends.iter().enumerate() {
        if conf.backends[..n].iter().any(|other| other.section == backend.section) {
            return Err(OpenError::DuplicateBackend(backend.section.clone()));
        }
        if let Some(id) = &backend.replica_backend {
            let known = conf.backends.iter().any(|other| {
                (other.section == *id || other.volume_backend_name == *id) && other.section != backend.section
            });
            if !known {
                return Err(OpenError::UnknownReplica {
                    section: backend.section.clone(),
                    backend_id: id.clone(),
                });
            }
        }
    }
    Ok(())
}

async fn open_pools(config: &BlockStorageConfig) -> Result<Backends, OpenError> {
    let (confs, host, data_dir) =
        (config.cinder.backends.clone(), config.host.clone(), config.data_dir.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let conversion = data_dir.join("conversion");
        // What an earlier process left half downloaded is of no use.
        let _ = std::fs::remove_dir_all(&conversion);
        std::fs::create_dir_all(&conversion)
            .map_err(|source| OpenError::Directory { path: conversion.clone(), source })?;
        let mut backends = Vec::new();
        for conf in &confs {
            let path = conf.pool_dir.clone().unwrap_or_else(|| data_dir.join(&conf.section));
            std::fs::create_dir_all(&path)
                .map_err(|source| OpenError::Directory { path: path.clone(), source })?;
            backends.push(Backend::open(conf, &host, path.clone()).map_err(|source| OpenError::Pool {
                backend: conf.section.clone(),
                path,
                source,
            })?);
        }
        Ok(Backends::new(backends))
    });
    opened.await.map_err(|_| OpenError::Thread)?
}
