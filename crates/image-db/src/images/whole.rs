// SPDX-License-Identifier: Apache-2.0
//! Images whole, in one statement: the database gathers each row and its children into one JSON text.
//!
//! One statement is one snapshot, one row and one way to the database's thread and back, however many images it
//! finds. From PostgreSQL and MariaDB they come a row each (`rows.rs`).

mod rows;

use std::borrow::Cow;

use scurry_image::{Image, ImageLocation};
use sea_orm::sea_query::{Alias, Expr, JoinType, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, Order};
use serde::Deserialize;

use super::RowError;
use crate::connection::Database;
use crate::stamp::Stamp;

/// A row of `images` and its children, in the order of [`Row`]'s fields. A unary plus keeps the planner from the
/// indexes on `deleted`: nearly every row is the same there.
const ROW: &str = "json_array(i.id, i.name, i.size, i.status, i.disk_format, i.container_format, i.checksum, \
    i.owner, i.min_disk, i.min_ram, i.protected, i.virtual_size, i.visibility, i.os_hidden, i.os_hash_algo, \
    i.os_hash_value, i.created_at, i.updated_at, \
    (SELECT json_group_array(json_array(p.name, p.value)) FROM image_properties p \
     WHERE p.image_id = i.id AND +p.deleted = 0), \
    (SELECT json_group_array(t.value) FROM image_tags t WHERE t.image_id = i.id AND +t.deleted = 0), \
    (SELECT json_group_array(json_array(l.value, l.meta_data, l.status) ORDER BY l.id) FROM image_locations l \
     WHERE l.image_id = i.id AND +l.deleted = 0))";

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    name: Option<String>,
    size: Option<i64>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    disk_format: Option<String>,
    container_format: Option<String>,
    checksum: Option<String>,
    owner: Option<String>,
    min_disk: i64,
    min_ram: i64,
    protected: i64,
    virtual_size: Option<i64>,
    #[serde(borrow)]
    visibility: Cow<'a, str>,
    os_hidden: i64,
    os_hash_algo: Option<String>,
    os_hash_value: Option<String>,
    created_at: Stamp,
    updated_at: Option<Stamp>,
    properties: Vec<(String, Option<String>)>,
    tags: Vec<String>,
    /// Address, metadata, status.
    locations: Vec<(String, Option<String>, String)>,
}

/// Ids to be read, by what they are in order.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// A column `id`, and those of `order`.
    pub(super) ids: SelectStatement,
    pub(super) order: Vec<(String, Order)>,
}

impl Found {
    /// The one statement that reads these images.
    pub(super) fn statement(&self) -> SelectStatement {
        let word = |order: &Order| if *order == Order::Asc { "ASC" } else { "DESC" };
        let order: Vec<_> =
            self.order.iter().map(|(key, order)| format!("f.{key} {}", word(order))).collect();
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        let mut whole = Query::select();
        whole
            .expr_as(Expr::cust(format!("json_group_array({ROW}{order})")), "found")
            .from_subquery(self.ids.clone(), "f")
            .join_as(JoinType::InnerJoin, Alias::new("images"), Alias::new("i"), Expr::cust("i.id = f.id"));
        whole
    }
}

/// Reads images in their order.
pub(super) async fn read<C: ConnectionTrait>(db: &C, found: &Found) -> Result<Vec<Image>, RowError> {
    if db.get_database_backend() != DbBackend::Sqlite {
        return rows::read(db, found).await;
    }
    let row = db.query_one(&found.statement()).await?;
    parse(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// The same outside of a transaction, the shortest way.
pub(super) async fn read_alone(db: &Database, found: &Found) -> Result<Vec<Image>, RowError> {
    match &db.readers {
        Some(readers) => parse(readers.text(&found.statement()).await?),
        None => rows::read(&db.connection, found).await,
    }
}

fn parse(text: Option<String>) -> Result<Vec<Image>, RowError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let wrong = |error: serde_json::Error| RowError::Content {
        table: "images",
        column: "a whole row",
        value: error.to_string(),
    };
    let rows: Vec<Row<'_>> = serde_json::from_str(&text).map_err(wrong)?;
    rows.into_iter().map(image).collect()
}

fn content(column: &'static str, value: &str) -> RowError {
    RowError::Content { table: "images", column, value: value.to_owned() }
}

/// A location from its columns.
pub(crate) fn location(url: String, metadata: Option<&str>, status: String) -> ImageLocation {
    // Glance writes a JSON object; anything else tells nothing.
    let metadata = metadata.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    ImageLocation { url, metadata, status }
}

fn image(row: Row<'_>) -> Result<Image, RowError> {
    let location =
        |(url, metadata, status): (_, Option<String>, _)| location(url, metadata.as_deref(), status);
    Ok(Image {
        id: row.id.parse().map_err(|_| content("id", &row.id))?,
        status: row.status.parse().map_err(|_| content("status", &row.status))?,
        visibility: row.visibility.parse().map_err(|_| content("visibility", &row.visibility))?,
        name: row.name,
        protected: row.protected != 0,
        os_hidden: row.os_hidden != 0,
        owner: row.owner.map(Into::into),
        container_format: row.container_format,
        disk_format: row.disk_format,
        min_disk: row.min_disk,
        min_ram: row.min_ram,
        size: row.size.and_then(|size| u64::try_from(size).ok()),
        virtual_size: row.virtual_size.and_then(|size| u64::try_from(size).ok()),
        checksum: row.checksum,
        os_hash_algo: row.os_hash_algo,
        os_hash_value: row.os_hash_value,
        created_at: row.created_at.0,
        updated_at: row.updated_at.unwrap_or(row.created_at).0,
        properties: row
            .properties
            .into_iter()
            .map(|(name, value)| (name, value.unwrap_or_default()))
            .collect(),
        tags: row.tags.into_iter().collect(),
        locations: row.locations.into_iter().map(location).collect(),
    })
}

#[cfg(test)]
mod tests;
