// SPDX-License-Identifier: Apache-2.0
//! The `scurry` binary: reads the command line and wires the crates together.

mod attach;
mod cache;
mod cli;
mod client;
mod config_files;
mod copy;
mod db;
mod demo;

mod failure;
mod image;
mod image_api;
mod policy;
mod scrub;
mod serve;
mod up;
mod volume;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command, LogStyle};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.report();
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let quiet = matches!(
        cli.command,
        Command::Demo(_)
            | Command::Volume { .. }
            | Command::Cache(_)
            | Command::Copy(_)
            | Command::Config { .. }
            | Command::Db { .. }
            | Command::Image { .. }
            | Command::Policy { .. }
            | Command::Scrub(_)
    );
    let format = match cli.log_format {
        LogStyle::Text => scurry_telemetry::LogFormat::Text,
        LogStyle::Json => scurry_telemetry::LogFormat::Json,
    };
    // The demo and the short commands talk to a person: what they log is only what went wrong.
    let filter = std::env::var("SCURRY_LOG").unwrap_or_else(|_| {
        if quiet { "error".to_owned() } else { "info,sqlx=warn,sea_orm_migration=warn".to_owned() }
    });
    scurry_telemetry::init(format, &filter).map_err(|error| Failure::new("cannot set up the log", error))?;
    if let Command::Completions { shell } = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "scurry", &mut std::io::stdout());
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start the runtime", error))?;
    runtime.block_on(async {
        match cli.command {
            Command::Up(options) => up::run(options).await,
            Command::Demo(options) => demo::run(options).await,
            Command::ImageApi(options) => image_api::run(options).await,
            Command::Image { action } => image::run(action).await,
            Command::Db { action } => db::run(action).await,
            Command::Scrub(options) => scrub::run(options).await,
            Command::Config { action } => config_files::run(action),
            Command::Policy { action } => policy::run(action),
            Command::Volume { action } => volume::run(action).await,
            Command::Cache(options) => cache::run(options).await,
            Command::Copy(options) => copy::run(options).await,
            Command::Completions { .. } => Ok(ExitCode::SUCCESS),
        }
    })
}
