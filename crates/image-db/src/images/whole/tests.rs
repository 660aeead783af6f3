// SPDX-License-Identifier: Apache-2.0
//! What comes back of rows that are odd, and by which index children are found.

use scurry_image::ports::ImageRepository;
use scurry_testkit::{DatabaseKind, TestDatabase};
use sea_orm::{ConnectionTrait, Statement};

use super::*;
use crate::dialect::by_hand;
use crate::every_database::on_every_database;
use crate::{Address, Database, PoolSettings, migrate};

const ID: &str = "00000000-0000-4000-8000-000000000001";

async fn opened(kind: DatabaseKind) -> (TestDatabase, Database) {
    let place = TestDatabase::new(kind);
    let address = Address::parse(&place.url).unwrap();
    let db = Database::connect(&address, &PoolSettings::default()).await.unwrap();
    migrate(&db).await.unwrap();
    (place, db)
}

fn every_image() -> Found {
    let mut ids = Query::select();
    ids.column(Alias::new("id")).from(Alias::new("images"));
    Found { ids, order: vec![("id".to_owned(), Order::Asc)] }
}

#[tokio::test]
async fn children_are_found_by_their_image() {
    let (_dir, db) = opened(DatabaseKind::Sqlite).await;
    let Statement { sql, values, db_backend } =
        db.connection.get_database_backend().build(&every_image().statement());
    let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {sql}"), values, db_backend };
    let rows = db.connection.query_all_raw(explain).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
    for (child, name) in [("p", "properties"), ("t", "tags"), ("l", "locations")] {
        let search = format!("SEARCH {child} USING");
        let lines: Vec<_> = plan.iter().filter(|line| line.starts_with(&search)).collect();
        assert!(lines.len() == 1 && lines[0].contains("image_id=?"), "{name}: {plan:?}");
    }
}

/// Whatever text a client or Glance wrote comes back as it was; deleted children do not.
async fn every_text_comes_back(kind: DatabaseKind) {
    let (_place, db) = opened(kind).await;
    // PostgreSQL's texts hold no NUL, Glance's columns in MySQL no signs beyond the first plane.
    let odd = match kind {
        DatabaseKind::Sqlite => "a\"b\\c\u{1}\u{1f}\n\u{2028}\u{1F980}\u{0}é",
        DatabaseKind::Postgres => "a\"b\\c\u{1}\u{1f}\n\u{2028}\u{1F980}é",
        DatabaseKind::MySql => "a\"b\\c\u{1}\u{1f}\n\u{2028}é",
    };
    let image = format!(
        "INSERT INTO images (id, name, size, status, owner, min_disk, min_ram, protected, visibility, os_hidden,
                             created_at, updated_at, deleted)
         VALUES ('{ID}', ?, 9223372036854775807, 'active', ?, 1, 2, TRUE, 'private', FALSE, '2026-11-22 14:10:53',
                 NULL, FALSE)"
    );
    let children = [
        ("image_properties", "name, value", "(?, NULL, FALSE), ('gone', ?, TRUE), ('here', ?, FALSE)"),
        ("image_tags", "value", "(?, FALSE), ('gone', TRUE)"),
        (
            "image_locations",
            "value, meta_data, status",
            "(?, '{\"store\": \"b\"}', 'active', FALSE), ('a', ?, 'active', FALSE)",
        ),
    ];
    let backend = db.connection.get_database_backend();
    let run = async |sql: String| {
        let values = vec![odd.into(); sql.matches('?').count()];
        let statement = Statement::from_sql_and_values(backend, by_hand(backend, &sql), values);
        db.connection.execute_raw(statement).await.unwrap();
    };
    run(image).await;
    for (table, columns, values) in children {
        let values = values.replace('(', &format!("('{ID}', '2026-11-22 14:10:53', "));
        run(format!("INSERT INTO {table} (image_id, created_at, {columns}, deleted) VALUES {values}")).await;
    }
    let image = db.get(&ID.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((image.name.as_deref(), image.size), (Some(odd), Some(i64::MAX as u64)));
    assert_eq!(image.owner.map(|owner| owner.as_str().to_owned()).as_deref(), Some(odd));
    assert_eq!(image.updated_at, image.created_at);
    assert!(image.protected && !image.os_hidden);
    let properties = image.properties.into_iter().collect::<Vec<_>>();
    assert_eq!(properties, [(odd.to_owned(), String::new()), ("here".to_owned(), odd.to_owned())]);
    assert_eq!(image.tags.into_iter().collect::<Vec<_>>(), [odd]);
    let locations: Vec<_> = image.locations.iter().map(|one| (one.url.as_str(), one.store())).collect();
    assert_eq!(locations, [(odd, Some("b")), ("a", None)]);
}

on_every_database!(every_text_comes_back);

#[tokio::test]
async fn what_cannot_be_read_is_an_error() {
    let (_dir, db) = opened(DatabaseKind::Sqlite).await;
    let sql = format!(
        "INSERT INTO images (id, status, min_disk, min_ram, protected, visibility, os_hidden, created_at, deleted)
         VALUES ('{ID}', 'active', 0, 0, 0, 'private', 0, 'soon', 0)"
    );
    db.connection.execute_unprepared(&sql).await.unwrap();
    let error = read(&db.connection, &every_image()).await.unwrap_err();
    assert!(error.to_string().contains("soon"), "{error}");
}
