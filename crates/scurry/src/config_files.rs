// SPDX-License-Identifier: Apache-2.0
//! Configuration files: reading them for a service, and the commands that check and show them.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use scurry_config::{ConfigErrors, ConfigFiles, Dialect, GlanceConf, Reader, check, show};

use crate::cli::{self, ConfigAction, ConfigFileOptions};
use crate::failure::Failure;

/// The image service's configuration, understood.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) conf: GlanceConf,
    /// Where files are looked for that the configuration names by a relative path.
    pub(crate) search: Vec<PathBuf>,
}

/// Reads an image service's files; what is odd but not wrong goes to the log, once.
pub(crate) fn load_glance(paths: &[PathBuf], dirs: &[PathBuf]) -> Result<Loaded, Failure> {
    let files = ConfigFiles::load(paths, dirs).map_err(faults)?;
    warn_of(&files, Dialect::Image);
    let parents = paths.iter().rev().filter_map(|path| Some(path.parent()?.to_owned()));
    let search = dirs.iter().cloned().chain(parents).collect();
    Ok(Loaded { conf: GlanceConf::load(&files).map_err(faults)?, search })
}

/// Reads a block-storage service's files.
pub(crate) fn load_cinder(paths: &[PathBuf]) -> Result<ConfigFiles, Failure> {
    let files = ConfigFiles::load(paths, &[]).map_err(faults)?;
    warn_of(&files, Dialect::BlockStorage);
    Ok(files)
}

fn warn_of(files: &ConfigFiles, dialect: Dialect) {
    for warning in check(files, dialect).warnings {
        tracing::warn!("{warning}");
    }
}

/// What is wrong in the files, as the end of a command.
pub(crate) fn faults(errors: ConfigErrors) -> Failure {
    Failure::plain(format!("the configuration cannot be used:\n{errors}"))
}

/// Stores of a file that is read alone, before the embedded services have added to it.
#[derive(Debug)]
pub(crate) struct StoreNames {
    /// Identifiers of the stores that are volumes.
    pub(crate) volumes: Vec<String>,
    /// Identifiers of the file stores whose section names no directory.
    pub(crate) files_without_directory: Vec<String>,
}

/// Which stores a glance-api.conf enables; whether it is right is found out when it is loaded.
pub(crate) fn stores_of(path: &Path) -> Result<StoreNames, Failure> {
    let files = ConfigFiles::load(&[path.to_owned()], &[]).map_err(faults)?;
    let reader = Reader::new(&files, Dialect::Image);
    let enabled: Vec<(String, String)> = reader.opt("DEFAULT", "enabled_backends").unwrap_or_default();
    let of_kind = |kind: &str| {
        enabled.iter().filter(|(_, of)| of == kind).map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    let mut files_without_directory = of_kind("file");
    files_without_directory.retain(|id| files.get(id, "filesystem_store_datadir").is_none());
    Ok(StoreNames { volumes: of_kind("cinder"), files_without_directory })
}

pub(crate) fn run(action: ConfigAction) -> Result<ExitCode, Failure> {
    let (ConfigAction::Check(options) | ConfigAction::Show(options)) = &action;
    let files = ConfigFiles::load(&options.files, &[]).map_err(faults)?;
    let dialect = dialect(options);
    if matches!(action, ConfigAction::Show(_)) {
        print!("{}", show(&files, dialect));
        return Ok(ExitCode::SUCCESS);
    }
    let report = check(&files, dialect);
    for (kind, problems) in
        [("error", &report.errors), ("warning", &report.warnings), ("note", &report.notes)]
    {
        for problem in problems {
            println!("{kind}: {problem}");
        }
    }
    println!(
        "{}, {}, {}",
        counted(report.errors.len(), "error"),
        counted(report.warnings.len(), "warning"),
        counted(report.notes.len(), "note")
    );
    Ok(if report.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn dialect(options: &ConfigFileOptions) -> Dialect {
    let cinder =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains("cinder"));
    match options.service {
        cli::Dialect::Glance => Dialect::Image,
        cli::Dialect::Cinder => Dialect::BlockStorage,
        cli::Dialect::Auto if options.files.iter().any(cinder) => Dialect::BlockStorage,
        cli::Dialect::Auto => Dialect::Image,
    }
}
