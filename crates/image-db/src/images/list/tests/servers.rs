// SPDX-License-Identifier: Apache-2.0
//! `EXPLAIN` of pages on PostgreSQL and MariaDB: which index the rows of each branch come from.

use scurry_image::ports::Viewer;
use scurry_image::{Direction, ListQuery, SortKey};
use scurry_testkit::DatabaseKind;
use scurry_types::ProjectId;
use sea_orm::{ConnectionTrait, QueryResult, Statement};

use super::super::super::usage;
use super::super::statements;
use super::{ALL_KEYS, filled_in, sorted_by};
use crate::connection::Database;
use crate::dialect::adapted;

async fn explained(db: &Database, viewer: Viewer<'_>, query: &ListQuery) -> Vec<QueryResult> {
    let backend = db.connection.get_database_backend();
    let mut rows = Vec::new();
    for mut found in statements(db, viewer, query).await.unwrap().unwrap() {
        found.ids.limit(25);
        let Statement { sql, values, db_backend } = adapted(backend.build(&found.ids));
        let explain = Statement { sql: format!("EXPLAIN {sql}"), values, db_backend };
        let snapshot = db.snapshot().await.unwrap();
        if kind_of(db) == DatabaseKind::Postgres {
            // A table of a few thousand rows is read from end to end for less; what matters is that it need not be.
            snapshot.execute_unprepared("SET LOCAL enable_seqscan = off").await.unwrap();
        }
        rows.extend(snapshot.query_all_raw(explain).await.unwrap());
    }
    rows
}

fn kind_of(db: &Database) -> DatabaseKind {
    match db.connection.get_database_backend() {
        sea_orm::DbBackend::Postgres => DatabaseKind::Postgres,
        _ => DatabaseKind::MySql,
    }
}

/// The plans of first pages, and of pages that go on behind them.
async fn each_page(db: &Database, check: impl Fn(SortKey, bool, &[QueryResult])) {
    let project = ProjectId::from("p7");
    for viewer in [Viewer::Admin { project: None }, Viewer::Project(Some(&project))] {
        for key in ALL_KEYS {
            let mut query = sorted_by(key, Direction::Desc);
            check(key, false, &explained(db, viewer, &query).await);
            let page = super::super::images(db, viewer, &query).await.unwrap().unwrap();
            query.marker = page.last().map(|image| image.id.clone());
            check(key, true, &explained(db, viewer, &query).await);
        }
    }
}

#[tokio::test]
async fn postgres_reads_pages_by_our_indexes() {
    let (_place, db) = filled_in(DatabaseKind::Postgres).await;
    db.connection.execute_unprepared("ANALYZE").await.unwrap();
    each_page(&db, |key, _, rows| {
        let lines: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let plan = lines.join("\n");
        assert!(!plan.contains("Seq Scan on images") && plan.contains("scurry_images_"), "{key:?}: {plan}");
    })
    .await;
}

#[tokio::test]
async fn mariadb_reads_no_page_from_the_whole_table() {
    let (_place, db) = filled_in(DatabaseKind::MySql).await;
    db.connection.execute_unprepared("ANALYZE TABLE images, image_members").await.unwrap();
    each_page(&db, |key, behind, rows| {
        let text = |row: &QueryResult, name: &str| {
            row.try_get::<Option<String>>("", name).unwrap().unwrap_or_default()
        };
        let images: Vec<_> = rows.iter().filter(|row| text(row, "table") == "images").collect();
        for row in &images {
            let (kind, index) = (text(row, "type"), text(row, "key"));
            assert!(kind != "ALL" && !index.is_empty(), "{key:?}: {kind} {index}");
            // All before the marker would be read again for each page.
            let whole = behind && kind == "ref" && index.starts_with("scurry_images_");
            assert!(!whole, "{key:?}: {kind} {index} reads more than what is behind the marker");
        }
        // By id, the table itself is in order.
        let ours = images.iter().any(|row| text(row, "key").starts_with("scurry_images_"));
        assert!(ours || key == SortKey::Id, "{key:?}");
    })
    .await;
}

#[tokio::test]
async fn mariadb_sums_up_a_project_by_its_images() {
    let (_place, db) = filled_in(DatabaseKind::MySql).await;
    db.connection.execute_unprepared("ANALYZE TABLE images, image_locations").await.unwrap();
    for sql in usage::ALL {
        let statement = usage::statement(db.connection.get_database_backend(), sql, ["p7".into()]);
        let explain = Statement { sql: format!("EXPLAIN {}", statement.sql), ..statement };
        let rows = db.connection.query_all_raw(explain).await.unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            let key: Option<String> = row.try_get("", "key").unwrap();
            // What nearly all rows share leads to nearly all of them.
            let key = key.unwrap_or_default();
            assert!(
                !key.contains("ix_images_deleted") && !key.contains("ix_image_locations_deleted"),
                "{sql}: {key}"
            );
        }
    }
}
