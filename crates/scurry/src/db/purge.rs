// SPDX-License-Identifier: Apache-2.0
//! `scurry db purge` and `purge-images`.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use chrono::{TimeDelta, Utc};
use scurry_image_db::{Database, DatabaseError, Purge, Purged, purge, purge_images};

pub(super) async fn parts(database: &Database, days: u32, rows: i64) -> Result<ExitCode, DatabaseError> {
    told(&purge(database, asked(days, rows)).await?);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn images(database: &Database, days: u32, rows: i64) -> Result<ExitCode, DatabaseError> {
    let (purged, left) = purge_images(database, asked(days, rows)).await?;
    told(&purged);
    if left > 0 {
        println!(
            "{left} images of that age are left: over --max-rows, waiting for the scrubber, or with rows that \
             refer to them (scurry db purge removes those)"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn asked(days: u32, rows: i64) -> Purge {
    Purge { before: Utc::now() - TimeDelta::days(days.into()), most: u64::try_from(rows).ok() }
}

fn told(purged: &[Purged]) {
    for Purged { table, rows } in purged {
        println!("{table}: {rows} rows removed");
    }
}
