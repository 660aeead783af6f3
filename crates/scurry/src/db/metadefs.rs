// SPDX-License-Identifier: Apache-2.0
//! Metadata definitions as files: `scurry db load-metadefs`, `unload-metadefs` and `export-metadefs`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use scurry_config::GlanceConf;
use scurry_image::metadef::{Document, Metadefs, Namespace};
use scurry_image::ports::{Existing, Loaded};
use scurry_image_db::Database;

use crate::cli::{ExportMetadefsOptions, LoadMetadefsOptions};
use crate::failure::Failure;

/// Takes in every file; one that cannot be used is named, and the others are taken in all the same.
pub(super) async fn load(
    database: Database,
    conf: &GlanceConf,
    options: &LoadMetadefsOptions,
) -> Result<ExitCode, Failure> {
    let path = options.path.as_deref().unwrap_or(&conf.metadata_source_path);
    let files =
        files(path).map_err(|error| Failure::new(format!("cannot read {}", path.display()), error))?;
    if files.is_empty() {
        return Err(Failure::plain(format!("there is no *.json file in {}", path.display())));
    }
    let existing = match (options.merge, options.prefer_new, options.overwrite) {
        (false, ..) => Existing::Skip,
        (true, true, _) => Existing::Update,
        (true, _, true) => Existing::Replace,
        (true, ..) => Existing::Complete,
    };
    let metadefs = Metadefs::new(Arc::new(database));
    let mut wrong = 0;
    for file in &files {
        let document = match read(file) {
            Ok(document) => document,
            Err(problem) => {
                eprintln!("{}: {problem}; left out", file.display());
                wrong += 1;
                continue;
            }
        };
        let loaded = metadefs
            .load(&document, existing)
            .await
            .map_err(|error| Failure::new(format!("cannot load {}", file.display()), error))?;
        let did = match loaded {
            Loaded::Created => "loaded",
            Loaded::Skipped => "skipped, it is there already",
            Loaded::Merged => "merged",
            Loaded::Replaced => "replaced",
        };
        println!("{}: {did}", document.namespace.name);
    }
    println!("{} files, {wrong} of them left out", files.len());
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn unload(database: Database) -> Result<ExitCode, Failure> {
    let removed = Metadefs::new(Arc::new(database)).unload().await;
    let removed = removed.map_err(|error| Failure::new("cannot remove the metadata definitions", error))?;
    println!("{removed} namespaces removed");
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn export(
    database: Database,
    conf: &GlanceConf,
    options: &ExportMetadefsOptions,
) -> Result<ExitCode, Failure> {
    let folder = options.path.as_deref().unwrap_or(&conf.metadata_source_path);
    let documents = Metadefs::new(Arc::new(database)).export().await;
    let documents = documents.map_err(|error| Failure::new("cannot read the metadata definitions", error))?;
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("cannot make {}", folder.display()), error))?;
    let mut names = HashSet::new();
    for document in &documents {
        let file = folder.join(file_name(&document.namespace, &mut names));
        write(&file, document)
            .map_err(|error| Failure::new(format!("cannot write {}", file.display()), error))?;
        println!("{}: {}", document.namespace.name, file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The file itself, or a directory's `*.json` files by name.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if file.is_file() && file.extension().is_some_and(|extension| extension == "json") {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<Document, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let content = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Document::from_json(&content, chrono::Utc::now()).map_err(|error| error.to_string())
}

/// Whole or not at all: a file of that name may be the only copy there is.
fn write(file: &Path, document: &Document) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".metadef").tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut new, &document.to_json())?;
    std::io::Write::write_all(&mut new, b"\n")?;
    new.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// The letters and digits of the display name, as with Glance; of the namespace's own name when that is not enough to
/// tell files apart.
fn file_name(namespace: &Namespace, taken: &mut HashSet<String>) -> String {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let shown = plain(namespace.display_name.as_deref().unwrap_or_default());
    let candidates = [shown.clone(), plain(&namespace.name), format!("{shown}{}", taken.len() + 1)];
    let free = candidates.into_iter().find(|name| !name.is_empty() && !taken.contains(name));
    let name = free.unwrap_or_else(|| format!("namespace{}", taken.len() + 1));
    taken.insert(name.clone());
    format!("{name}.json")
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn files_have_names_of_their_own() {
        let namespace = |name: &str, display_name: Option<&str>| Namespace {
            name: name.to_owned(),
            display_name: display_name.map(str::to_owned),
            description: None,
            public: true,
            protected: false,
            owner: "p".to_owned(),
            created_at: Utc::now(),
            updated_at: Utc::now(),
        };
        let mut taken = HashSet::new();
        let mut name = |id: &str, display: Option<&str>| file_name(&namespace(id, display), &mut taken);
        assert_eq!(name("OS::A", Some("CPU Pinning_1")), "CPUPinning1.json");
        assert_eq!(name("OS::B", Some("CPU Pinning 1")), "OSB.json");
        assert_eq!(name("OS::C", None), "OSC.json");
        assert_eq!(name("../..", Some("/")), "4.json");
        assert_eq!(name("...", Some("CPU Pinning 1")), "CPUPinning15.json");
    }
}
