// SPDX-License-Identifier: Apache-2.0
//! Says what each file named on the command line is, and whether it may be kept under a `disk_format`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use scurry_formats::{InspectionRules, Inspector, judge};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let claimed = arguments.next().unwrap_or_default();
    for path in arguments {
        let found = Inspector::inspect_file(&std::fs::File::open(&path)?)?;
        let formats: Vec<_> = found.detected.iter().map(|format| format.as_str()).collect();
        let checks: Vec<_> = found.faults.iter().map(|fault| fault.check).collect();
        let verdict = match judge(&found, &claimed, "bare", &InspectionRules::default()) {
            Ok(verdict) => format!("ok {}", verdict.virtual_size.unwrap_or(0)),
            Err(refusal) => refusal.to_string(),
        };
        println!(
            "{path}\t{}\t{}\t{}\t{verdict}",
            formats.join(","),
            found.virtual_size.unwrap_or(0),
            checks.join(",")
        );
    }
    Ok(())
}
