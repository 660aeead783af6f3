// SPDX-License-Identifier: Apache-2.0
//! `scurry db adopt`: a database of Glance's, looked through and completed by our own tables.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use scurry_config::GlanceConf;
use scurry_image_db::{
    Address, Database, DatabaseError, Revision, Status, adopt, each_location, heads, revision, status, survey,
};

use super::report::Report;
use super::whereabouts;
use crate::cli::AdoptOptions;
use crate::failure::Failure;
use crate::image_api::database;

pub(super) async fn run(
    db: &Database,
    conf: &GlanceConf,
    address: &Address,
    options: &AdoptOptions,
) -> Result<ExitCode, Failure> {
    let cannot = |error| database::cannot(address, error);
    let found = revision(db).await.map_err(cannot)?.ok_or_else(|| cannot(DatabaseError::NoTables))?;
    let mut report = Report::of(address.to_string(), heads(db).await.map_err(cannot)?, note(found));
    report.take(survey(db).await.map_err(cannot)?);
    each_location(db, |location| {
        let place = whereabouts::of(&location, conf);
        report.add(location, place);
    })
    .await
    .map_err(cannot)?;
    let refused = report.encrypted() > 0;
    if !options.dry_run && !refused {
        adopt(db).await.map_err(cannot)?;
    }
    report.adopted = matches!(status(db).await.map_err(cannot)?, Status::Current { .. });
    if options.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::new("cannot write the report", error))?;
        println!("{text}");
    } else {
        print!("{report}");
    }
    if refused {
        return Err(Failure::plain(format!(
            "{address}: {} locations are encrypted with metadata_encryption_key, which this service cannot read; \
             nothing was added",
            report.encrypted()
        )));
    }
    if !options.json {
        println!(
            "\n{}",
            if options.dry_run { "nothing was written" } else { "adopted: our own tables are there" }
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn note(found: Revision) -> Option<String> {
    let text = match found {
        Revision::Newest => return None,
        Revision::Earlier => {
            "that is Glance 2023.1 or 2023.2: it is served as it is, without an image cache; scurry db sync (or a \
             newer Glance's) adds the cache's tables"
        }
        Revision::Expanded => "an upgrade was begun: scurry db contract (or Glance's) ends it",
    };
    Some(text.to_owned())
}
