// SPDX-License-Identifier: Apache-2.0
//! The database: how it is opened and what its tables are.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

use crate::error::IdentityError;

/// Opens the database file, made readable by its owner alone when it is new, and brings its tables up to date.
pub(crate) async fn open(path: &Path) -> Result<DatabaseConnection, IdentityError> {
    create_private(path)
        .await
        .map_err(|source| IdentityError::CreateDatabase { path: path.to_path_buf(), source })?;
    let filename = path.to_path_buf();
    let mut options = ConnectOptions::new("sqlite:identity.db");
    options.max_connections(4).sqlx_logging(false).map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .filename(&filename)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(20))
            .foreign_keys(true)
    });
    let database = Database::connect(options)
        .await
        .map_err(|source| IdentityError::OpenDatabase { path: path.to_path_buf(), source })?;
    Migrator::up(&database, None)
        .await
        .map_err(|source| IdentityError::OpenDatabase { path: path.to_path_buf(), source })?;
    Ok(database)
}

/// SQLite gives its journal files the mode of the database, so this one mode covers them all.
async fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).await.map(drop)
}

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(FirstTables)]
    }
}

struct FirstTables;

impl MigrationName for FirstTables {
    fn name(&self) -> &str {
        "m0001_first_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FirstTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(include_str!("schema/m0001_first_tables.sql")).await?;
        Ok(())
    }
}
