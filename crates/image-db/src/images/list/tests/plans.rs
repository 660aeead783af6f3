// SPDX-License-Identifier: Apache-2.0
//! `EXPLAIN QUERY PLAN` of the very statements that find pages.

use scurry_image::ports::Viewer;
use scurry_image::{Direction, Filter, ListQuery, NumberField, SortKey};
use scurry_types::ProjectId;
use sea_orm::{ConnectionTrait, Statement};

use super::super::statements;
use super::{ALL_KEYS, filled, filter_sets, sorted_by};
use crate::connection::Database;

async fn plan(db: &Database, viewer: Viewer<'_>, query: &ListQuery) -> Vec<String> {
    let connection = &db.connection;
    let mut lines = Vec::new();
    for mut found in statements(db, viewer, query).await.unwrap().unwrap() {
        found.ids.limit(25);
        let built = connection.get_database_backend().build(&found.statement());
        let Statement { sql, values, db_backend } = built;
        let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {sql}"), values, db_backend };
        let rows = connection.query_all_raw(explain).await.unwrap();
        lines.extend(rows.iter().map(|row| row.try_get::<String>("", "detail").unwrap()));
    }
    // That much is sorted of any page: as many images as it shows.
    lines.retain(|line| line != "USE TEMP B-TREE FOR json_group_array(ORDER BY)");
    lines
}

/// What must hold of every plan: no table is read from end to end, and the one sort there may be is of the few images
/// a filter or a membership leads to. With statistics, the planner
/// knows better than this test what is few.
fn check(plan: &[String], what: &str, analyzed: bool) {
    let shown = plan.join("\n");
    for (at, line) in plan.iter().enumerate() {
        // The page's ids, once found.
        if ["SCAN CONSTANT ROW", "SCAN f"].contains(&line.as_str()) {
            continue;
        }
        assert!(!line.starts_with("SCAN"), "{what}: {line}\n{shown}");
        assert!(!line.contains("AUTOMATIC"), "{what}: {line}\n{shown}");
        if analyzed {
            continue;
        }
        if line.starts_with("SEARCH images") {
            let known = ["scurry_images_", "(id=?)", "checksum_image_idx", "os_hash_value_image_idx"];
            let known = known.iter().any(|index| line.contains(index));
            assert!(known, "{what}: {line}\n{shown}");
        }
        if line.contains("TEMP B-TREE") {
            let branch = plan[..at].iter().rev().take_while(|line| *line != "LEFT" && *line != "RIGHT");
            let mut searches = branch.filter(|line| line.starts_with("SEARCH images"));
            let few = |line: &String| line.contains("(id=?)");
            assert!(searches.any(few), "{what}: {line}\n{shown}");
        }
    }
}

async fn check_all(db: &Database, analyzed: bool) -> usize {
    let projects = ["p1", "p2", "p7"].map(ProjectId::from);
    let mut viewers = vec![Viewer::Admin { project: Some(&projects[2]) }, Viewer::Project(None)];
    viewers.extend(projects.iter().map(|project| Viewer::Project(Some(project))));
    let mut seen = 0;
    for (at, viewer) in viewers.into_iter().enumerate() {
        for (turn, filters) in filter_sets().into_iter().enumerate() {
            // Each filter in the default order and in three others, all of them in turn.
            for pick in [0, turn + at, turn + at + 3, turn + at + 5] {
                let direction = if (turn + pick) % 2 == 0 { Direction::Desc } else { Direction::Asc };
                let order = sorted_by(ALL_KEYS[pick % ALL_KEYS.len()], direction);
                let mut query = ListQuery { filters: filters.clone(), ..order };
                let what = format!("{viewer:?} {query:?}");
                check(&plan(db, viewer, &query).await, &what, analyzed);
                let page = super::super::images(db, viewer, &query).await.unwrap().unwrap();
                query.marker = page.last().map(|image| image.id.clone());
                check(&plan(db, viewer, &query).await, &format!("deep {what}"), analyzed);
                seen += 2;
            }
        }
    }
    seen
}

#[tokio::test]
async fn every_list_is_found_by_an_index() {
    let (_dir, db) = filled().await;
    assert!(check_all(&db, false).await > 1000);
}

/// Whoever keeps statistics must not make it worse.
#[tokio::test]
async fn statistics_change_no_plan_for_the_worse() {
    let (_dir, db) = filled().await;
    db.connection.execute_unprepared("ANALYZE").await.unwrap();
    // Plans are made by the statistics a connection began with.
    db.connection.execute_unprepared("ANALYZE sqlite_schema").await.unwrap();
    check_all(&db, true).await;
}

#[tokio::test]
async fn the_default_list_reads_the_head_of_each_branch() {
    let (_dir, db) = filled().await;
    let project = ProjectId::from("p7");
    let plan = plan(&db, Viewer::Project(Some(&project)), &ListQuery::default()).await;
    let has = |text: &str| plan.iter().any(|line| line.contains(text));
    assert!(has("MERGE (UNION ALL)"), "{plan:?}");
    assert!(has("scurry_images_owner_created_at (deleted=? AND os_hidden=? AND owner=?)"), "{plan:?}");
    assert!(
        has("scurry_images_visibility_created_at (deleted=? AND os_hidden=? AND visibility=?)"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn few_are_followed_and_many_are_walked() {
    let (_dir, db) = filled().await;
    let viewer = Viewer::Admin { project: None };
    let tagged = |tag: &str| ListQuery { filters: vec![Filter::Tag(tag.to_owned())], ..ListQuery::default() };
    let rare = plan(&db, viewer, &tagged("rare")).await.join("\n");
    assert!(rare.contains("scurry_image_tags_value (value=? AND deleted=?)"), "{rare}");
    assert!(!rare.contains("scurry_images_"), "{rare}");
    let common = plan(&db, viewer, &tagged("common")).await.join("\n");
    assert!(common.contains("scurry_images_visibility_created_at"), "{common}");
    assert!(!common.contains("TEMP B-TREE"), "{common}");
    let sizes = |least, most| ListQuery {
        filters: vec![Filter::Min(NumberField::Size, least), Filter::Max(NumberField::Size, most)],
        ..ListQuery::default()
    };
    let narrow = plan(&db, viewer, &sizes(2000, 2010)).await.join("\n");
    assert!(narrow.contains("scurry_images_visibility_size"), "{narrow}");
    let wide = plan(&db, viewer, &sizes(1, 4_000_000)).await.join("\n");
    assert!(!wide.contains("scurry_images_visibility_size"), "{wide}");
}

/// Several keys: the first is served by an index; runs of equal values are sorted one run at a time.
#[tokio::test]
async fn several_keys_begin_with_an_index() {
    let (_dir, db) = filled().await;
    let sort = vec![(SortKey::Name, Direction::Asc), (SortKey::Size, Direction::Desc)];
    let query = ListQuery { sort, ..ListQuery::default() };
    let plan = plan(&db, Viewer::Admin { project: None }, &query).await.join("\n");
    assert!(plan.contains("scurry_images_visibility_name"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
}

#[tokio::test]
async fn sums_of_a_project_read_its_images_only() {
    let (_dir, db) = filled().await;
    for sql in super::super::super::usage::ALL {
        let explain = Statement::from_sql_and_values(
            db.connection.get_database_backend(),
            format!("EXPLAIN QUERY PLAN {sql}"),
            ["p0".into()],
        );
        let rows = db.connection.query_all_raw(explain).await.unwrap();
        for row in rows {
            let line: String = row.try_get("", "detail").unwrap();
            assert!(!line.starts_with("SCAN"), "{sql}: {line}");
            assert!(!line.starts_with("SEARCH i ") || line.contains("owner=?"), "{sql}: {line}");
        }
    }
}
