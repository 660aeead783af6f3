// SPDX-License-Identifier: Apache-2.0
//! `scurry db`: the image service's database, made, adopted, looked at and cleaned up.
#![allow(clippy::print_stdout)]

mod adopt;
mod metadefs;
mod purge;
mod report;
mod whereabouts;

use std::process::ExitCode;

use scurry_image_db::{Database, Pending, Status, contract, expand, heads, migrate, pending, status, sync};

use crate::cli::DbAction;
use crate::config_files;
use crate::failure::Failure;
use crate::image_api::database;

pub(crate) async fn run(action: DbAction) -> Result<ExitCode, Failure> {
    let options = action.service();
    let loaded = config_files::load_glance(&options.config_files, &options.config_dirs)?;
    let conf = &loaded.conf;
    let address = database::address(conf)?;
    let only_looks = matches!(
        action,
        DbAction::Status(_) | DbAction::Check(_) | DbAction::Version(_) | DbAction::Adopt(_)
    );
    if only_looks && address.path().is_some_and(|path| !path.exists()) {
        println!("{address}: there is no database yet; scurry db sync makes it");
        return Ok(if matches!(action, DbAction::Check(_)) { EXPAND.into() } else { ExitCode::FAILURE });
    }
    let cannot = |error| database::cannot(&address, error);
    let database = database::connect(conf, &address).await?;
    match &action {
        DbAction::Status(_) => return shown(&database, &address.to_string()).await.map_err(cannot),
        DbAction::Check(_) => return check(&database).await.map_err(cannot),
        DbAction::Version(_) => {
            for head in heads(&database).await.map_err(cannot)? {
                println!("{head}");
            }
            return Ok(ExitCode::SUCCESS);
        }
        DbAction::Adopt(options) => return adopt::run(&database, conf, &address, options).await,
        DbAction::Sync(_) => sync(&database).await.map_err(cannot)?,
        DbAction::Expand(_) => expand(&database).await.map_err(cannot)?,
        DbAction::Contract(_) => contract(&database).await.map_err(cannot)?,
        DbAction::Migrate(_)
        | DbAction::Purge(_)
        | DbAction::PurgeImages(_)
        | DbAction::LoadMetadefs(_)
        | DbAction::UnloadMetadefs(_)
        | DbAction::ExportMetadefs(_) => migrate(&database).await.map_err(cannot)?,
    }
    match &action {
        DbAction::LoadMetadefs(options) => metadefs::load(database, conf, options).await,
        DbAction::UnloadMetadefs(_) => metadefs::unload(database).await,
        DbAction::ExportMetadefs(options) => metadefs::export(database, conf, options).await,
        DbAction::Purge(options) => {
            purge::parts(&database, options.age_in_days, options.max_rows).await.map_err(cannot)
        }
        DbAction::PurgeImages(options) => {
            purge::images(&database, options.age_in_days, options.max_rows).await.map_err(cannot)
        }
        DbAction::Migrate(_) => {
            println!("{address}: there is no data to be moved");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            shown(&database, &address.to_string()).await.map_err(cannot)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// glance-manage's exit codes.
const EXPAND: u8 = 3;
const CONTRACT: u8 = 5;

async fn check(database: &Database) -> Result<ExitCode, scurry_image_db::DatabaseError> {
    let (text, code) = match pending(database).await? {
        Pending::Nothing => ("the database is up to date, nothing is to be done", 0),
        Pending::Expand => ("the database is not up to date: the first step is scurry db expand", EXPAND),
        Pending::Contract => {
            ("the database is not up to date: the next step is scurry db contract", CONTRACT)
        }
    };
    println!("{text}");
    Ok(code.into())
}

async fn shown(database: &Database, address: &str) -> Result<ExitCode, scurry_image_db::DatabaseError> {
    let status = status(database).await?;
    let words = match &status {
        Status::Empty => "there are no tables yet; scurry db sync makes them".to_owned(),
        Status::Glance { revision } => {
            format!("Glance's tables at {revision}, Scurry's own are missing; scurry db adopt adds them")
        }
        Status::Current { revision, version } => {
            let upgrade = match pending(database).await? {
                Pending::Nothing => "up to date: ",
                Pending::Expand | Pending::Contract => "scurry db sync would bring it up to date: ",
            };
            format!("{upgrade}Glance's tables at {revision}, Scurry's own at version {version}")
        }
    };
    println!("{address}: {words}");
    Ok(if matches!(status, Status::Current { .. }) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
