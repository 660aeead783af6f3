// SPDX-License-Identifier: Apache-2.0
//! The database's time, by which nodes keep their leases: their own clocks may be minutes apart.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(60);
/// What is less may as well be the way to the database and back.
const SLIGHT: TimeDelta = TimeDelta::seconds(1);

/// How far this node's clock is from the database's. A file has the clock of the machine.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    at: Option<Instant>,
    ahead: TimeDelta,
}

impl Clock {
    /// The time of the database, as it was last compared.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.0.lock().unwrap_or_else(PoisonError::into_inner).ahead
    }

    /// Compares the clocks, if that was long ago.
    pub(crate) async fn look<C: ConnectionTrait>(&self, db: &C) -> Result<(), DbErr> {
        let backend = db.get_database_backend();
        let sql = match backend {
            DbBackend::Postgres => "SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now",
            DbBackend::MySql => "SELECT UTC_TIMESTAMP(6) AS now",
            _ => return Ok(()),
        };
        let at = self.0.lock().unwrap_or_else(PoisonError::into_inner).at;
        if at.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(());
        }
        let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
        if let Some(row) = row {
            self.note(row.try_get::<NaiveDateTime>("", "now")?.and_utc());
        }
        Ok(())
    }

    fn note(&self, there: DateTime<Utc>) {
        let ahead = there - Utc::now();
        let ahead = if ahead.abs() < SLIGHT { TimeDelta::zero() } else { ahead };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ahead.is_zero() && seen.at.is_none() {
            tracing::warn!(
                seconds = ahead.num_seconds(),
                "the database's clock and this machine's differ; leases are kept by the database's"
            );
        }
        *seen = Seen { at: Some(Instant::now()), ahead };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_follow_the_database_where_its_clock_is_another() {
        let clock = Clock::default();
        assert!((clock.now() - Utc::now()).abs() < TimeDelta::seconds(1));
        clock.note(Utc::now() - TimeDelta::seconds(300));
        let behind = Utc::now() - clock.now();
        assert!(behind > TimeDelta::seconds(298) && behind < TimeDelta::seconds(302), "{behind}");
        clock.note(Utc::now() + TimeDelta::milliseconds(200));
        assert!((clock.now() - Utc::now()).abs() < TimeDelta::milliseconds(100));
    }
}
