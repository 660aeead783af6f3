// SPDX-License-Identifier: Apache-2.0
//! Doing again what a database could not do just then: a deadlock, a conflict of transactions, a restart.

use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};

use crate::images::RowError;

/// How often something is tried before it has failed.
const ATTEMPTS: u32 = 10;

/// Attempts of one piece of work. A piece is a whole transaction or a read: what failed left nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Attempts(u32);

impl Attempts {
    /// Whether to try again; waits before that, longer each time.
    pub(crate) async fn again(&mut self, error: &RowError) -> bool {
        self.0 += 1;
        if self.0 >= ATTEMPTS || !passes(error) {
            return false;
        }
        // Racers that met once shall not meet again: the clock's last digits tell them apart.
        let jitter = u64::from(chrono::Utc::now().timestamp_subsec_nanos() / 1000 % 8);
        tokio::time::sleep(Duration::from_millis((2_u64 << self.0.min(8)) + jitter)).await;
        true
    }
}

/// Does something, and again when what hindered it passes. The expression is evaluated anew each time.
macro_rules! again {
    ($work:expr) => {{
        let mut attempts = crate::retry::Attempts::default();
        loop {
            match $work.await {
                Err(error) => {
                    let error = crate::images::RowError::from(error);
                    if !attempts.again(&error).await {
                        break Err(error);
                    }
                }
                Ok(done) => break Ok(done),
            }
        }
    }};
}
pub(crate) use again;

/// What passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hindrance {
    /// Another transaction; this one was rolled back.
    Conflict,
    /// The server went away or is coming up.
    Away,
}

fn passes(error: &RowError) -> bool {
    matches!(error, RowError::Database(error) if hindrance(error).is_some())
}

/// A connection that breaks in a commit leaves open whether it was done: such an error is not one to try again after.
pub(crate) fn after_commit(error: DbErr) -> DbErr {
    match hindrance(&error) {
        Some(Hindrance::Away) => {
            DbErr::Custom(format!("the connection broke while a change was committed: {error}"))
        }
        _ => error,
    }
}

fn hindrance(error: &DbErr) -> Option<Hindrance> {
    let (DbErr::Conn(error) | DbErr::Exec(error) | DbErr::Query(error)) = error else { return None };
    let RuntimeErr::SqlxError(error) = error else { return None };
    let error = match &**error {
        sqlx::Error::Io(_) => return Some(Hindrance::Away),
        sqlx::Error::Database(error) => error,
        _ => return None,
    };
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return match error.number() {
            // Deadlock (Galera's certification failures too), lock wait, changed since it was read.
            1213 | 1205 | 1020 => Some(Hindrance::Conflict),
            // Node not ready; shutdown; connection killed.
            1047 | 1053 | 1927 => Some(Hindrance::Away),
            _ => None,
        };
    }
    match error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.code() {
        "40001" | "40P01" | "55P03" => Some(Hindrance::Conflict),
        "57P01" | "57P02" | "57P03" => Some(Hindrance::Away),
        _ => None,
    }
}
