// SPDX-License-Identifier: Apache-2.0
//! What the three databases want differently of the same statements, settled where statements pass.
//!
//! Points in time are text in SQLite, as Glance's library writes them there. A unary plus keeps SQLite's planner from
//! an index (see `images/list/terms.rs`); the others have statistics to choose by, and PostgreSQL no such operator.

use std::borrow::Cow;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, Value};

use crate::stamp::Stamp;

/// A connection or transaction that takes statements as they are written for SQLite.
#[derive(Debug, Clone)]
pub(crate) struct Adapted<C>(pub(crate) C);

/// A statement as its database takes it.
pub(crate) fn adapted(mut statement: Statement) -> Statement {
    if statement.db_backend == DbBackend::Sqlite {
        for value in statement.values.iter_mut().flat_map(|values| values.0.iter_mut()) {
            if let Value::ChronoDateTime(time) = value {
                *value = Value::String(time.map(|time| Stamp(time.and_utc()).text()));
            }
        }
        return statement;
    }
    if let Cow::Owned(sql) = without_plus(&statement.sql) {
        statement.sql = sql;
    }
    if statement.db_backend == DbBackend::MySql && statement.sql.contains("COALESCE(images.") {
        for (expression, column) in INDEXED {
            statement.sql = statement.sql.replace(expression, column);
        }
    }
    statement
}

/// What lists are sorted by, and the columns `schema/indexes.mysql.sql` makes of it: MariaDB indexes no expressions.
const INDEXED: [(&str, &str); 5] = [
    ("COALESCE(images.name, '')", "images.scurry_name"),
    ("COALESCE(images.size, 0)", "images.scurry_size"),
    ("COALESCE(images.updated_at, images.created_at)", "images.scurry_updated_at"),
    ("COALESCE(images.disk_format, '')", "images.scurry_disk_format"),
    ("COALESCE(images.container_format, '')", "images.scurry_container_format"),
];

/// Without the unary pluses, which stand right before a name.
fn without_plus(sql: &str) -> Cow<'_, str> {
    if !sql.contains('+') {
        return Cow::Borrowed(sql);
    }
    let mut parts = sql.split('+');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if !part.starts_with(|sign: char| sign.is_ascii_alphabetic()) {
            plain.push('+');
        }
        plain.push_str(part);
    }
    Cow::Owned(plain)
}

/// SQL written by hand, with `?` for values, as this database takes it.
pub(crate) fn by_hand(backend: DbBackend, sql: &str) -> String {
    if backend != DbBackend::Postgres {
        return sql.to_owned();
    }
    let mut numbered = String::with_capacity(sql.len() + 8);
    for (at, part) in sql.split('?').enumerate() {
        if at > 0 {
            numbered.push('$');
            numbered.push_str(&at.to_string());
        }
        numbered.push_str(part);
    }
    numbered
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Adapted<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(adapted(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.query_one_raw(adapted(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query_all_raw(adapted(statement)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_written_sql_is_numbered() {
        let sql = "SELECT 1 FROM images i WHERE i.owner = ? AND i.id <> ?";
        assert_eq!(by_hand(DbBackend::Sqlite, sql), sql);
        assert_eq!(by_hand(DbBackend::MySql, sql), sql);
        let numbered = "SELECT 1 FROM images i WHERE i.owner = $1 AND i.id <> $2";
        assert_eq!(by_hand(DbBackend::Postgres, sql), numbered);
    }

    #[test]
    fn pluses_are_for_sqlite_and_points_in_time_are_text_in_it() {
        let time = Stamp::read("2026-11-22 14:10:53.25").unwrap();
        let passed = |backend| {
            let sql = "SELECT \"hits\" + 1 FROM images WHERE +images.deleted = FALSE AND at < ?";
            let statement = adapted(Statement::from_sql_and_values(backend, sql, [Value::from(time)]));
            (statement.sql, statement.values.unwrap().0.remove(0))
        };
        let text = Value::from("2026-11-22 14:10:53.250000");
        let sql = "SELECT \"hits\" + 1 FROM images WHERE +images.deleted = FALSE AND at < ?";
        assert_eq!(passed(DbBackend::Sqlite), (sql.to_owned(), text));
        let plain = "SELECT \"hits\" + 1 FROM images WHERE images.deleted = FALSE AND at < ?";
        assert_eq!(passed(DbBackend::Postgres), (plain.to_owned(), Value::from(time)));
    }

    #[test]
    fn mysql_sorts_by_columns_of_its_own() {
        let sql = "SELECT COALESCE(images.name, '') FROM images ORDER BY COALESCE(images.size, 0)";
        let statement = adapted(Statement::from_string(DbBackend::MySql, sql));
        assert_eq!(statement.sql, "SELECT images.scurry_name FROM images ORDER BY images.scurry_size");
    }
}
