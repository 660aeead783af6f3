// SPDX-License-Identifier: Apache-2.0
//! Databases to test on: an own PostgreSQL and an own MariaDB, started by the first test that asks and stopped when
//! none has used them for half a minute.
//!
//! Tests run in processes of their own, so a server is shared by a lock file: whoever uses it holds the lock.

mod server;

use std::fmt;
use std::fs::File;
use std::path::PathBuf;

use tempfile::TempDir;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// A file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    MySql,
}

impl DatabaseKind {
    /// What `SCURRY_TEST_DATABASE` names; SQLite otherwise.
    ///
    /// # Panics
    /// When it names none of them.
    #[must_use]
    pub fn asked_for() -> Self {
        match std::env::var("SCURRY_TEST_DATABASE").as_deref() {
            Err(_) | Ok("" | "sqlite") => Self::Sqlite,
            Ok("postgres") => Self::Postgres,
            Ok("mysql" | "mariadb") => Self::MySql,
            Ok(other) => panic!("SCURRY_TEST_DATABASE={other}: sqlite, postgres or mysql is expected"),
        }
    }
}

/// An empty database of a test's own, removed with it.
pub struct TestDatabase {
    /// Its address, as `[database] connection` has it.
    pub url: String,
    /// The file of an SQLite database.
    pub path: PathBuf,
    made: Option<(DatabaseKind, String)>,
    _in_use: Option<File>,
    _dir: TempDir,
}

impl fmt::Debug for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase").field("path", &self.path).finish_non_exhaustive()
    }
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// When a server is not installed or does not start.
    #[must_use]
    pub fn new(kind: DatabaseKind) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("glance.sqlite");
        let file = format!("sqlite:///{}", path.display());
        let mut database = Self { url: file, path, made: None, _in_use: None, _dir: dir };
        if kind != DatabaseKind::Sqlite {
            let name = format!("t{}", uuid::Uuid::new_v4().simple());
            let (in_use, url) = server::database(kind, &name);
            database.url = url;
            database.made = Some((kind, name));
            database._in_use = Some(in_use);
        }
        database
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((kind, name)) = &self.made {
            server::remove(*kind, name);
        }
    }
}
