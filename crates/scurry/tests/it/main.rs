// SPDX-License-Identifier: Apache-2.0
//! The commands of the binary that need no running service; the rest is what `scripts/walkthrough` is for.
#![allow(clippy::unwrap_used)]

mod config;
mod database;
mod downloads;
mod image;
mod metadefs;
mod policy;
mod start;
mod trusted;

use std::path::Path;
use std::process::{Command, Output};

fn scurry(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scurry")).args(words).env_remove("SCURRY_LOG").output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
