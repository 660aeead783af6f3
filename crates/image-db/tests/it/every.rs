// SPDX-License-Identifier: Apache-2.0
//! The same tests on each database.

/// Makes three tests of each function that takes the kind of database.
macro_rules! on_every_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(scurry_testkit::DatabaseKind::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(scurry_testkit::DatabaseKind::Postgres).await;
            })+
        }
        mod mysql {
            $(#[tokio::test]
            async fn $test() {
                super::$test(scurry_testkit::DatabaseKind::MySql).await;
            })+
        }
    };
}
pub(crate) use on_every_database;
