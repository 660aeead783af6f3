// SPDX-License-Identifier: Apache-2.0
//! Project tasks that are not worth a tool of their own: `cargo xtask tidy`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

tasks:
  tidy    check the rules of docs/ARCHITECTURE.md that a compiler does not: which crate may know
          which, file sizes, licence lines, documents present, nothing large or private in git";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    match task.as_deref() {
        Some("tidy") => run_tidy(),
        Some("help" | "--help" | "-h") | None => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some(other) => {
            eprintln!("no task {other:?}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run_tidy() -> ExitCode {
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        eprintln!("xtask does not lie inside the workspace");
        return ExitCode::FAILURE;
    };
    match tidy::check(root) {
        Err(error) => {
            eprintln!("tidy: {error}");
            ExitCode::FAILURE
        }
        Ok(report) => {
            for fault in &report.faults {
                eprintln!("tidy: {fault}");
            }
            println!("{}", report.summary());
            if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
