// SPDX-License-Identifier: Apache-2.0
//! Tables and their migrations.

use sea_orm::{ConnectionTrait, DbErr, DeriveMigrationName};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// Every migration, oldest first.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(M0001Initial)]
    }
}

#[derive(DeriveMigrationName)]
struct M0001Initial;

#[async_trait::async_trait]
impl MigrationTrait for M0001Initial {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in INITIAL {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const INITIAL: &[&str] = &[
    "CREATE TABLE volume_types (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT, is_public BOOLEAN NOT NULL,
        created_at TEXT NOT NULL, updated_at TEXT)",
    "CREATE TABLE volumes (
        id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT, description TEXT,
        size INTEGER NOT NULL, target_size INTEGER, status TEXT NOT NULL, previous_status TEXT,
        attach_status TEXT NOT NULL, volume_type_id TEXT NOT NULL REFERENCES volume_types(id),
        host TEXT, availability_zone TEXT NOT NULL, bootable BOOLEAN NOT NULL, multiattach BOOLEAN NOT NULL,
        source_volid TEXT, snapshot_id TEXT, image_id TEXT, replication_status TEXT, replica_host TEXT,
        consumes_quota BOOLEAN NOT NULL,
        created_at TEXT NOT NULL, updated_at TEXT)",
    "CREATE INDEX volumes_by_project ON volumes (project_id, created_at)",
    "CREATE INDEX volumes_by_status ON volumes (status)",
    "CREATE TABLE snapshots (
        id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volumes(id), project_id TEXT NOT NULL,
        user_id TEXT NOT NULL, name TEXT, description TEXT, size INTEGER NOT NULL, status TEXT NOT NULL,
        progress TEXT NOT NULL, volume_type_id TEXT NOT NULL, host TEXT NOT NULL, consumes_quota BOOLEAN NOT NULL,
        created_at TEXT NOT NULL, updated_at TEXT)",
    "CREATE INDEX snapshots_by_volume ON snapshots (volume_id)",
    "CREATE TABLE attachments (
        id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volumes(id) ON DELETE CASCADE,
        project_id TEXT NOT NULL, instance_uuid TEXT, attach_status TEXT NOT NULL, attach_mode TEXT,
        attached_host TEXT, mountpoint TEXT, connector TEXT, connection_info TEXT, attached_at TEXT,
        detached_at TEXT, created_at TEXT NOT NULL)",
    "CREATE INDEX attachments_by_volume ON attachments (volume_id)",
    // One table for every key/value set: user, admin and image metadata, extra specs, type access.
    "CREATE TABLE properties (
        owner_id TEXT NOT NULL, space TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (owner_id, space, name)) WITHOUT ROWID",
    "CREATE TABLE quotas (
        project_id TEXT NOT NULL, resource TEXT NOT NULL, hard_limit INTEGER NOT NULL,
        PRIMARY KEY (project_id, resource)) WITHOUT ROWID",
    "CREATE TABLE messages (
        id TEXT PRIMARY KEY, project_id TEXT NOT NULL, request_id TEXT, resource_type TEXT, resource_uuid TEXT,
        event_id TEXT NOT NULL, user_message TEXT NOT NULL, message_level TEXT NOT NULL,
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL)",
    "CREATE TABLE disabled_services (
        host TEXT NOT NULL, binary_name TEXT NOT NULL, reason TEXT, updated_at TEXT NOT NULL,
        PRIMARY KEY (host, binary_name)) WITHOUT ROWID",
];
