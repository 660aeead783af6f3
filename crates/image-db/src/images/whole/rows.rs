// SPDX-License-Identifier: Apache-2.0
//! Images whole from PostgreSQL and MariaDB/MySQL: a row each, its children in it as JSON texts.

use scurry_image::Image;
use sea_orm::sea_query::{Alias, Expr, JoinType, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};

use super::{Found, content, location};
use crate::images::RowError;
use crate::stamp::Stamp;

const COLUMNS: [&str; 17] = [
    "id",
    "name",
    "size",
    "status",
    "disk_format",
    "container_format",
    "checksum",
    "owner",
    "min_disk",
    "min_ram",
    "protected",
    "virtual_size",
    "os_hidden",
    "os_hash_algo",
    "os_hash_value",
    "created_at",
    "updated_at",
];

/// Children: the name here, the table, and what is taken of a row beside its number.
const CHILDREN: [(&str, &str, &str); 3] = [
    ("properties", "image_properties", "c.name, c.value"),
    ("tags", "image_tags", "c.value"),
    ("locations", "image_locations", "c.value, c.meta_data, c.status"),
];

/// All children of an image as one JSON text of rows.
fn gathered(backend: DbBackend, table: &str, columns: &str) -> Expr {
    let row = format!("c.id, {columns}");
    let gathered = match backend {
        DbBackend::Postgres => format!("CAST(json_agg(json_build_array({row})) AS text)"),
        _ => format!("CAST(JSON_ARRAYAGG(JSON_ARRAY({row})) AS CHAR)"),
    };
    Expr::cust(format!("(SELECT {gathered} FROM {table} c WHERE c.image_id = i.id AND c.deleted = FALSE)"))
}

impl Found {
    /// The one statement that reads these images, a row each.
    fn rows(&self, backend: DbBackend) -> SelectStatement {
        let mut whole = Query::select();
        for column in COLUMNS {
            whole.column((Alias::new("i"), Alias::new(column)));
        }
        let text = if backend == DbBackend::Postgres { "CAST(i.visibility AS text)" } else { "i.visibility" };
        whole.expr_as(Expr::cust(text), "visibility");
        for (name, table, columns) in CHILDREN {
            whole.expr_as(gathered(backend, table, columns), name);
        }
        whole.from_subquery(self.ids.clone(), "f").join_as(
            JoinType::InnerJoin,
            Alias::new("images"),
            Alias::new("i"),
            Expr::cust("i.id = f.id"),
        );
        for (key, order) in &self.order {
            whole.order_by((Alias::new("f"), Alias::new(key)), order.clone());
        }
        whole
    }
}

/// Reads images in their order.
pub(super) async fn read<C: ConnectionTrait>(db: &C, found: &Found) -> Result<Vec<Image>, RowError> {
    let rows = db.query_all(&found.rows(db.get_database_backend())).await?;
    rows.iter().map(image).collect()
}

fn image(row: &QueryResult) -> Result<Image, RowError> {
    let text = |column: &str| row.try_get::<Option<String>>("", column);
    let word = |column: &str| row.try_get::<String>("", column);
    let size = |column: &str| -> Result<Option<u64>, DbErr> {
        Ok(row.try_get::<Option<i64>>("", column)?.and_then(|size| u64::try_from(size).ok()))
    };
    let (id, status, visibility) = (word("id")?, word("status")?, word("visibility")?);
    let created_at: Stamp = row.try_get("", "created_at")?;
    let properties: Vec<(i64, String, Option<String>)> = children(row, "properties")?;
    let tags: Vec<(i64, String)> = children(row, "tags")?;
    let mut locations: Vec<(i64, String, Option<String>, String)> = children(row, "locations")?;
    locations.sort_by_key(|(number, ..)| *number);
    Ok(Image {
        id: id.parse().map_err(|_| content("id", &id))?,
        status: status.parse().map_err(|_| content("status", &status))?,
        visibility: visibility.parse().map_err(|_| content("visibility", &visibility))?,
        name: text("name")?,
        protected: row.try_get("", "protected")?,
        os_hidden: row.try_get("", "os_hidden")?,
        owner: text("owner")?.map(Into::into),
        container_format: text("container_format")?,
        disk_format: text("disk_format")?,
        min_disk: row.try_get::<i32>("", "min_disk")?.into(),
        min_ram: row.try_get::<i32>("", "min_ram")?.into(),
        size: size("size")?,
        virtual_size: size("virtual_size")?,
        checksum: text("checksum")?,
        os_hash_algo: text("os_hash_algo")?,
        os_hash_value: text("os_hash_value")?,
        created_at: created_at.0,
        updated_at: row.try_get::<Option<Stamp>>("", "updated_at")?.unwrap_or(created_at).0,
        properties: properties
            .into_iter()
            .map(|(_, name, value)| (name, value.unwrap_or_default()))
            .collect(),
        tags: tags.into_iter().map(|(_, tag)| tag).collect(),
        locations: locations
            .into_iter()
            .map(|(_, url, metadata, status)| location(url, metadata.as_deref(), status))
            .collect(),
    })
}

fn children<T: for<'a> serde::Deserialize<'a>>(
    row: &QueryResult,
    column: &'static str,
) -> Result<Vec<T>, RowError> {
    let Some(text) = row.try_get::<Option<String>>("", column)? else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| content(column, &error.to_string()))
}
