// SPDX-License-Identifier: Apache-2.0
//! Rules for single files, and for the documents that must be there.

use std::path::Path;

use super::MAX_LINES;

const LICENCE: &str = "// SPDX-License-Identifier: Apache-2.0";
/// How a file would switch the lint against unsafe code off.
const UNSAFE: &str = concat!("#[allow(", "unsafe_code)]");
/// Largest file git may hold, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Longest docs/ARCHITECTURE.md, in lines.
const MAX_ARCHITECTURE: usize = 250;
/// File stems that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "misc", "manager", "data", "info"];
const DOCUMENTS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "deny.toml",
    "docs/ARCHITECTURE.md",
    "docs/COMPAT.md",
    "docs/adr",
    ".ci/run",
];

/// Checks one file by its path below the root and its content.
pub(super) fn check(path: &Path, content: &[u8], faults: &mut Vec<String>) {
    let shown = path.display();
    if content.len() > MAX_BYTES {
        faults.push(format!("{shown}: {} bytes, git holds nothing above {MAX_BYTES}", content.len()));
    }
    if path.extension().is_none_or(|extension| extension != "rs") {
        return;
    }
    let text = String::from_utf8_lossy(content);
    if text.lines().next() != Some(LICENCE) {
        faults.push(format!("{shown}:1: the first line must be {LICENCE}"));
    }
    let documented =
        text.lines().skip(1).find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("//!"));
    if !documented {
        faults.push(format!("{shown}:2: say in a //! line what the file is for"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{shown}: {lines} lines, {MAX_LINES} is the stop: split it"));
    }
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod") => faults.push(format!("{shown}: no mod.rs, name the file after the module")),
        Some(stem) if EMPTY_NAMES.contains(&stem) => {
            faults.push(format!("{shown}: the name says nothing, name what is inside"));
        }
        _ => {}
    }
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with(UNSAFE)
            && !path.starts_with("crates/connect")
            && !path.starts_with("crates/transfer")
        {
            faults.push(format!("{shown}:{}: unsafe code belongs in connect or transfer", number + 1));
        }
    }
}

/// Checks that the documents are there and the architecture stays short.
pub(super) fn check_documents(root: &Path, faults: &mut Vec<String>) {
    for document in DOCUMENTS {
        if !root.join(document).exists() {
            faults.push(format!("{document} is missing"));
        }
    }
    let architecture = std::fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap_or_default();
    let lines = architecture.lines().count();
    if lines > MAX_ARCHITECTURE {
        faults.push(format!("docs/ARCHITECTURE.md: {lines} lines, {MAX_ARCHITECTURE} is the bound"));
    }
    for member in ["crates", "xtask"].iter().flat_map(|folder| crate_names(&root.join(folder))) {
        if !architecture.contains(&format!("`{member}`")) {
            faults.push(format!("docs/ARCHITECTURE.md does not mention crate `{member}`"));
        }
    }
    if let (Ok(ci), Ok(readme)) =
        (std::fs::read_to_string(root.join(".ci/run")), std::fs::read_to_string(root.join("README.md")))
    {
        let command = ci
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim()
            .trim_start_matches("exec ");
        if !readme.contains(command) {
            faults.push(format!(".ci/run runs `{command}`, which README.md does not name"));
        }
    }
}

fn crate_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(path: &str, content: &str) -> usize {
        let mut faults = Vec::new();
        check(Path::new(path), content.as_bytes(), &mut faults);
        faults.len()
    }

    #[test]
    fn a_good_file_passes_and_each_rule_bites() {
        let good = format!("{LICENCE}\n//! What it is.\n");
        assert_eq!(faults_of("crates/x/src/a.rs", &good), 0);
        assert_eq!(faults_of("crates/x/src/a.rs", "//! What it is.\n"), 2);
        assert_eq!(faults_of("crates/x/src/a.rs", &format!("{LICENCE}\nuse x;\n")), 1);
        assert_eq!(faults_of("crates/x/src/mod.rs", &good), 1);
        assert_eq!(faults_of("crates/x/src/utils.rs", &good), 1);
        assert_eq!(faults_of("crates/x/src/a.rs", &(good.clone() + &"\n".repeat(MAX_LINES))), 1);
        assert_eq!(faults_of("crates/x/src/a.rs", &(good + UNSAFE + "\n")), 1);
        assert_eq!(faults_of("image.bin", &"x".repeat(MAX_BYTES + 1)), 1);
    }

    #[test]
    fn documents_are_missed() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let mut faults = Vec::new();
        check_documents(root.path(), &mut faults);
        assert_eq!(faults.len(), DOCUMENTS.len());
    }
}
