// SPDX-License-Identifier: Apache-2.0
//! The database `[database]` names.

use scurry_config::GlanceConf;
use scurry_image_db::{Address, Database, PoolSettings, Revision, migrate, revision};

use crate::failure::Failure;

/// Opens it and brings its schema up to date.
pub(super) async fn open(conf: &GlanceConf) -> Result<Database, Failure> {
    let address = address(conf)?;
    let database = connect(conf, &address).await?;
    migrate(&database).await.map_err(|error| cannot(&address, error))?;
    let found = revision(&database).await.map_err(|error| cannot(&address, error))?;
    if conf.image_cache.is_some() && found == Some(Revision::Earlier) {
        return Err(Failure::plain(format!(
            "the database {address} lacks the tables of the image cache, which came with Glance 2024.1: scurry db \
             sync adds them, or leave out image_cache_dir"
        )));
    }
    Ok(database)
}

/// `[database] connection`. Its text is never repeated: it may hold a password.
pub(crate) fn address(conf: &GlanceConf) -> Result<Address, Failure> {
    let Some(connection) = &conf.database.connection else {
        return Err(Failure::plain(
            "[database] connection is not set: mysql+pymysql://user:password@host/glance and \
             sqlite:////var/lib/scurry/glance.db are examples",
        ));
    };
    let address = Address::parse(connection.expose())
        .map_err(|error| Failure::new("[database] connection cannot be used", error))?;
    if !address.unused().is_empty() {
        let options = address.unused().join(", ");
        tracing::warn!(%options, "options in [database] connection that have no effect here");
    }
    Ok(address)
}

/// Connects by the options of the pool; the schema is left as it is.
pub(crate) async fn connect(conf: &GlanceConf, address: &Address) -> Result<Database, Failure> {
    let options = &conf.database;
    let pool = PoolSettings {
        connections: options.connections,
        timeout: options.pool_timeout,
        recycle: options.recycle_time,
        retries: options.max_retries,
        retry_interval: options.retry_interval,
    };
    Database::connect(address, &pool).await.map_err(|error| cannot(address, error))
}

pub(crate) fn cannot(address: &Address, error: scurry_image_db::DatabaseError) -> Failure {
    Failure::new(format!("cannot use the database {address}"), error)
}
