// SPDX-License-Identifier: Apache-2.0
//! What is in a database of Glance's, for whoever is about to adopt it. Nothing is written, no table of ours is needed.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TryGetable};

use crate::connection::{Database, DatabaseError};
use crate::dialect::by_hand;
use crate::images::whole;
use crate::stamp::Stamp;

/// Locations read at a time.
const PAGE: u64 = 2000;

/// What is there, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Images that are not deleted, by their status.
    pub images: BTreeMap<String, u64>,
    /// Deleted images whose rows are kept.
    pub deleted_images: u64,
    /// Deleted images whose data waits for the scrubber.
    pub pending_delete: u64,
    /// Live rows of members, tags, properties and tasks, and namespaces of metadata definitions.
    pub rows: BTreeMap<&'static str, u64>,
    /// Images whose upload, staging or import was begun and not ended.
    pub unfinished: Vec<UnfinishedImage>,
    /// Tasks that wait or run.
    pub open_tasks: Vec<OpenTask>,
}

/// An image in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedImage {
    /// Its id.
    pub id: String,
    /// `saving`, `uploading`, `importing`; `active` when a task still holds it.
    pub status: String,
    /// When it was changed last (UTC).
    pub since: String,
    /// The task that holds it.
    pub task: Option<String>,
    /// The worker that has its staged data (`os_glance_stage_host`).
    pub stage_host: Option<String>,
}

/// A task that was not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTask {
    /// Its id.
    pub id: String,
    /// `api_image_import`, `import`, …
    pub kind: String,
    /// `pending` or `processing`.
    pub status: String,
    /// The image it is about.
    pub image: Option<String>,
    /// When it was changed last (UTC).
    pub since: String,
}

/// Where an image's data is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedLocation {
    /// The image.
    pub image: String,
    /// The image's status.
    pub image_status: String,
    /// The column as it is: an address, or what encryption made of it.
    pub value: String,
    /// The store its metadata names.
    pub store: Option<String>,
}

fn failed(source: DbErr) -> DatabaseError {
    DatabaseError::Schema { action: "survey", source }
}

async fn rows(db: &Database, sql: &str, values: Vec<sea_orm::Value>) -> Result<Vec<QueryResult>, DbErr> {
    let backend = db.connection.get_database_backend();
    let sql = by_hand(backend, sql);
    db.connection.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await
}

fn column<T: TryGetable>(row: &QueryResult, name: &str) -> Result<T, DbErr> {
    row.try_get("", name)
}

fn counted(row: &QueryResult) -> Result<u64, DbErr> {
    Ok(u64::try_from(column::<i64>(row, "number")?).unwrap_or(0))
}

/// Looks through everything but the locations.
pub async fn survey(db: &Database) -> Result<Survey, DatabaseError> {
    look(db).await.map_err(failed)
}

async fn look(db: &Database) -> Result<Survey, DbErr> {
    let mut found = Survey::default();
    let sql = "SELECT status, deleted, COUNT(*) AS number FROM images GROUP BY status, deleted";
    for row in rows(db, sql, Vec::new()).await? {
        let (status, number): (String, _) = (column(&row, "status")?, counted(&row)?);
        match (column::<bool>(&row, "deleted")?, status.as_str()) {
            (false, _) => *found.images.entry(status).or_default() += number,
            (true, "pending_delete") => found.pending_delete += number,
            (true, _) => found.deleted_images += number,
        }
    }
    for (name, table) in [
        ("members", "image_members"),
        ("tags", "image_tags"),
        ("properties", "image_properties"),
        ("tasks", "tasks"),
    ] {
        let sql = format!("SELECT COUNT(*) AS number FROM {table} WHERE deleted = ?");
        let row = rows(db, &sql, vec![false.into()]).await?;
        found.rows.insert(name, row.first().map(counted).transpose()?.unwrap_or(0));
    }
    let row = rows(db, "SELECT COUNT(*) AS number FROM metadef_namespaces", Vec::new()).await?;
    found.rows.insert("metadata namespaces", row.first().map(counted).transpose()?.unwrap_or(0));
    found.unfinished = unfinished(db).await?;
    found.open_tasks = open_tasks(db).await?;
    Ok(found)
}

/// When a row was changed last, else made.
fn since(row: &QueryResult) -> Result<String, DbErr> {
    let changed: Option<Stamp> = column(row, "updated_at")?;
    let stamp = changed.map_or_else(|| column::<Stamp>(row, "created_at"), Ok)?;
    Ok(stamp.0.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

async fn unfinished(db: &Database) -> Result<Vec<UnfinishedImage>, DbErr> {
    let sql = "SELECT i.id, i.status, i.created_at, i.updated_at, held.value AS task, staged.value AS stage_host \
         FROM images i \
         LEFT JOIN image_properties held ON held.image_id = i.id AND held.name = 'os_glance_import_task' \
           AND held.deleted = ? \
         LEFT JOIN image_properties staged ON staged.image_id = i.id AND staged.name = 'os_glance_stage_host' \
           AND staged.deleted = ? \
         WHERE i.deleted = ? AND (i.status IN ('saving', 'uploading', 'importing') OR held.id IS NOT NULL) \
         ORDER BY i.created_at, i.id";
    let found = rows(db, sql, vec![false.into(), false.into(), false.into()]).await?;
    let image = |row: &QueryResult| {
        Ok(UnfinishedImage {
            id: column(row, "id")?,
            status: column(row, "status")?,
            since: since(row)?,
            task: column(row, "task")?,
            stage_host: column(row, "stage_host")?,
        })
    };
    found.iter().map(image).collect()
}

async fn open_tasks(db: &Database) -> Result<Vec<OpenTask>, DbErr> {
    let sql = "SELECT id, type AS kind, status, image_id, created_at, updated_at FROM tasks \
         WHERE deleted = ? AND status IN ('pending', 'processing') ORDER BY created_at, id";
    let found = rows(db, sql, vec![false.into()]).await?;
    let task = |row: &QueryResult| {
        Ok(OpenTask {
            id: column(row, "id")?,
            kind: column(row, "kind")?,
            status: column(row, "status")?,
            image: column(row, "image_id")?,
            since: since(row)?,
        })
    };
    found.iter().map(task).collect()
}

/// Goes through the locations of all images, those that wait for the scrubber included, in bounded memory.
pub async fn each_location(
    db: &Database,
    mut see: impl FnMut(SurveyedLocation),
) -> Result<(), DatabaseError> {
    let sql = format!(
        "SELECT l.id, l.image_id, l.value, l.meta_data, i.status FROM image_locations l \
         JOIN images i ON i.id = l.image_id \
         WHERE l.id > ? AND (l.deleted = ? OR l.status = 'pending_delete') ORDER BY l.id LIMIT {PAGE}"
    );
    let mut last = 0_i32;
    loop {
        let page = rows(db, &sql, vec![last.into(), false.into()]).await.map_err(failed)?;
        for row in &page {
            let (id, location) = location(row).map_err(failed)?;
            last = id;
            see(location);
        }
        if (page.len() as u64) < PAGE {
            return Ok(());
        }
    }
}

fn location(row: &QueryResult) -> Result<(i32, SurveyedLocation), DbErr> {
    let metadata: Option<String> = column(row, "meta_data")?;
    let whole = whole::location(column(row, "value")?, metadata.as_deref(), String::new());
    let store = whole.store().map(str::to_owned);
    let (image, image_status) = (column(row, "image_id")?, column(row, "status")?);
    Ok((column(row, "id")?, SurveyedLocation { image, image_status, value: whole.url, store }))
}
