// SPDX-License-Identifier: Apache-2.0
//! `scurry policy`: what an operator's rules come to, before the service reads them.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use scurry_auth::policy::{EffectiveRule, Policy, Scope, glance};
use scurry_config::{ConfigFiles, GlanceConf};

use crate::config_files::faults;
use crate::failure::Failure;
use crate::image_api::access;

/// What to do with the rules.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PolicyAction {
    /// Name every rule that cannot be used, with file and line, and every one nobody can have meant
    Check(PolicyOptions),
    /// Show every rule as it counts: what Glance ships, with your files over it; the output is a policy file
    Show(PolicyOptions),
}

/// Which rules.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  scurry policy check /etc/glance/policy.yaml\n  \
                  scurry policy show --config-file /etc/glance/glance-api.conf")]
pub(crate) struct PolicyOptions {
    /// Policy files in YAML or JSON, later ones over earlier ones
    #[arg(value_name = "FILE", required_unless_present = "config_files")]
    files: Vec<PathBuf>,

    /// The service's configuration: [oslo_policy] names policy_file and policy_dirs
    #[arg(long = "config-file", value_name = "FILE")]
    config_files: Vec<PathBuf>,

    /// Directory of further *.conf files, read after the files in alphabetical order
    #[arg(long = "config-dir", value_name = "DIR")]
    config_dirs: Vec<PathBuf>,

    /// Only the rules that are not as shipped
    #[arg(long)]
    changed: bool,
}

pub(crate) fn run(action: PolicyAction) -> Result<ExitCode, Failure> {
    match action {
        PolicyAction::Check(options) => {
            let policy = load(&options)?;
            let doubts = policy.doubts();
            for doubt in &doubts {
                println!("warning: {doubt}");
            }
            let rules = policy.effective();
            let changed = rules.iter().filter(|rule| rule.origin.is_some()).count();
            println!("{} rules, {changed} of them from files, {} warnings", rules.len(), doubts.len());
        }
        PolicyAction::Show(options) => {
            let rules = load(&options)?.effective();
            for rule in rules.iter().filter(|rule| rule.origin.is_some() || !options.changed) {
                println!("{}", line(rule));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn load(options: &PolicyOptions) -> Result<Policy, Failure> {
    let cannot = |error| Failure::new("the policy cannot be used", error);
    let mut policy = if options.config_files.is_empty() {
        Policy::new(glance::DEFAULTS).map_err(cannot)?
    } else {
        let files = ConfigFiles::load(&options.config_files, &options.config_dirs).map_err(faults)?;
        access::policy(&GlanceConf::load(&files).map_err(faults)?)?
    };
    for file in &options.files {
        policy.load_file(file).map_err(cannot)?;
    }
    Ok(policy)
}

/// `"get_image": "role:reader"  # project; policy.yaml:3`
fn line(rule: &EffectiveRule) -> String {
    let quoted = rule.check.replace('\\', "\\\\").replace('"', "\\\"");
    let mut notes: Vec<String> = Vec::new();
    if !rule.scopes.is_empty() {
        let words = rule.scopes.iter().map(|scope| match scope {
            Scope::Project => "project",
            Scope::Domain => "domain",
            Scope::System => "system",
        });
        notes.push(format!("for tokens of a {}", words.collect::<Vec<_>>().join(" or ")));
    }
    if let Some(origin) = &rule.origin {
        notes.push(format!("{}:{}", origin.file.display(), origin.line));
    }
    let notes = if notes.is_empty() { String::new() } else { format!("  # {}", notes.join("; ")) };
    format!("\"{}\": \"{quoted}\"{notes}", rule.name)
}
