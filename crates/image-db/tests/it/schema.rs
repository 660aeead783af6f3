// SPDX-License-Identifier: Apache-2.0
//! Migrations.

use std::path::Path;

use scurry_image_db::{Database, DatabaseError, Status, migrate, status};
use sea_orm::{ConnectionTrait, Statement};

async fn sql(path: &Path, text: &str) -> Vec<sea_orm::QueryResult> {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let backend = connection.get_database_backend();
    connection.query_all_raw(Statement::from_string(backend, text)).await.unwrap()
}

#[tokio::test]
async fn an_empty_file_gets_glances_tables_and_ours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("glance.sqlite");
    let db = Database::open(&path).await.unwrap();
    assert_eq!(status(&db).await.unwrap(), Status::Empty);
    migrate(&db).await.unwrap();
    migrate(&db).await.unwrap();
    let revision = "2024_1_contract01".to_owned();
    assert_eq!(status(&db).await.unwrap(), Status::Current { revision, version: 1 });
    let tables = sql(&path, "SELECT name FROM sqlite_master WHERE type = 'table'").await;
    let mut names: Vec<String> = tables.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    names.retain(|name| {
        !name.starts_with("scurry_") && name != "alembic_version" && name != "sqlite_sequence"
    });
    names.sort();
    assert_eq!(
        names,
        [
            "cached_images",
            "image_locations",
            "image_members",
            "image_properties",
            "image_tags",
            "images",
            "metadef_namespace_resource_types",
            "metadef_namespaces",
            "metadef_objects",
            "metadef_properties",
            "metadef_resource_types",
            "metadef_tags",
            "node_reference",
            "task_info",
            "tasks",
        ]
    );
    let mode = sql(&path, "PRAGMA journal_mode").await;
    assert_eq!(mode[0].try_get_by_index::<String>(0).unwrap(), "wal");
}

#[tokio::test]
async fn glances_own_file_is_completed_and_an_unknown_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("glance.sqlite");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let glance = sea_orm::Database::connect(url).await.unwrap();
    glance.execute_unprepared(include_str!("../../src/schema/glance.sql")).await.unwrap();
    sql(&path, "INSERT INTO alembic_version VALUES ('2024_1_contract01')").await;
    let db = Database::open(&path).await.unwrap();
    assert!(matches!(status(&db).await.unwrap(), Status::Glance { .. }));
    migrate(&db).await.unwrap();
    assert!(matches!(status(&db).await.unwrap(), Status::Current { .. }));
    sql(&path, "UPDATE alembic_version SET version_num = '2031_1_contract01'").await;
    assert!(matches!(migrate(&db).await, Err(DatabaseError::TooNew { .. })));
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let error = Database::open(Path::new("/nonexistent/glance.sqlite")).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/glance.sqlite"), "{error}");
}
