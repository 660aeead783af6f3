// SPDX-License-Identifier: Apache-2.0
//! The rules of the code base that no compiler checks.

mod arrows;
mod files;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest Rust file, in lines.
const MAX_LINES: usize = 800;
/// Most that half of the Rust files may have, in lines.
const MAX_MEDIAN: usize = 150;

/// What was looked at and what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) faults: Vec<String>,
    lines: Vec<usize>,
    crates: usize,
}

impl Report {
    /// One line for the terminal.
    pub(crate) fn summary(&self) -> String {
        format!(
            "tidy: {} crates, {} Rust files, {} lines, median {}, longest {}: {} faults",
            self.crates,
            self.lines.len(),
            self.lines.iter().sum::<usize>(),
            median(&self.lines),
            self.lines.iter().max().unwrap_or(&0),
            self.faults.len()
        )
    }
}

fn median(lines: &[usize]) -> usize {
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// Looks at everything git tracks or would track below `root`.
pub(crate) fn check(root: &Path) -> Result<Report, Box<dyn Error>> {
    let mut report = Report::default();
    for path in tracked(root)? {
        // A file deleted in the working tree is still listed.
        let Ok(content) = std::fs::read(root.join(&path)) else { continue };
        files::check(&path, &content, &mut report.faults);
        if path.extension().is_some_and(|extension| extension == "rs") {
            report.lines.push(content.split(|&byte| byte == b'\n').count());
        }
    }
    if median(&report.lines) > MAX_MEDIAN {
        report.faults.push(format!(
            "half of the Rust files have more than {} lines, {MAX_MEDIAN} is the bound: split files",
            median(&report.lines)
        ));
    }
    files::check_documents(root, &mut report.faults);
    let metadata = cargo_metadata(root)?;
    report.crates = arrows::check(&metadata, &mut report.faults);
    Ok(report)
}

fn tracked(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let listing = output(Command::new("git").current_dir(root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]))?;
    let text = String::from_utf8(listing)?;
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect())
}

fn cargo_metadata(root: &Path) -> Result<serde_json::Value, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let bytes = output(Command::new(cargo).current_dir(root).args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]))?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn output(command: &mut Command) -> Result<Vec<u8>, Box<dyn Error>> {
    let output = command.output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
