// SPDX-License-Identifier: Apache-2.0
//! `scurry db`: the image service's database, made and looked at.
#![allow(clippy::print_stdout)]

mod metadefs;

use std::process::ExitCode;

use scurry_image_db::{Database, Status, migrate, status};

use crate::cli::DbAction;
use crate::config_files;
use crate::failure::Failure;
use crate::image_api;

pub(crate) async fn run(action: DbAction) -> Result<ExitCode, Failure> {
    let options = action.service();
    let loaded = config_files::load_glance(&options.config_files, &options.config_dirs)?;
    let path = image_api::database_path(&loaded.conf)?;
    if matches!(action, DbAction::Status(_)) && !path.exists() {
        println!("{}: there is no database yet; scurry db sync makes it", path.display());
        return Ok(ExitCode::FAILURE);
    }
    let cannot = |error| Failure::new(format!("cannot use the database {}", path.display()), error);
    let database = Database::open(&path).await.map_err(cannot)?;
    if !matches!(action, DbAction::Status(_)) {
        migrate(&database).await.map_err(cannot)?;
    }
    match &action {
        DbAction::Sync(_) | DbAction::Status(_) => {}
        DbAction::LoadMetadefs(options) => return metadefs::load(database, &loaded.conf, options).await,
        DbAction::UnloadMetadefs(_) => return metadefs::unload(database).await,
        DbAction::ExportMetadefs(options) => return metadefs::export(database, &loaded.conf, options).await,
    }
    let status = status(&database).await.map_err(cannot)?;
    let words = match &status {
        Status::Empty => "there are no tables yet; scurry db sync makes them".to_owned(),
        Status::Glance { revision } => {
            format!("Glance's tables at {revision}, Scurry's own are missing; scurry db sync adds them")
        }
        Status::Current { revision, version } => {
            format!("up to date: Glance's tables at {revision}, Scurry's own at version {version}")
        }
    };
    println!("{}: {words}", path.display());
    Ok(if matches!(status, Status::Current { .. }) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
