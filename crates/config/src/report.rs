// SPDX-License-Identifier: Apache-2.0
//! What an operator is told about the files: mistakes, doubts, and what counts.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::error::Problem;
use crate::files::ConfigFiles;
use crate::glance::{GlanceConf, front};
use crate::option::{Kind, OptionSpec};
use crate::reader::{self, Reader};
use crate::registry::{self, Dialect};
use crate::value;

/// What is known about a set of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What keeps the service from starting.
    pub errors: Vec<Problem>,
    /// What it starts with but nobody can have meant.
    pub warnings: Vec<Problem>,
    /// Options without effect here.
    pub notes: Vec<Problem>,
}

/// Checks files against the dialect's options.
#[must_use]
pub fn check(files: &ConfigFiles, dialect: Dialect) -> Report {
    let reader = Reader::new(files, dialect);
    let stores = named_sections(&reader);
    let mut report = Report::default();
    if dialect == Dialect::Image {
        // The typed reading knows the rules between options; what it finds are errors.
        report.warnings.extend(GlanceConf::read(&reader).pipeline.warnings);
    }
    for section in files.sections() {
        check_section(&reader, &stores, section, &mut report);
    }
    report.errors = reader.take_problems();
    for problems in [&mut report.warnings, &mut report.notes] {
        problems.sort_by(|a, b| a.place.cmp(&b.place));
    }
    report
}

fn check_section(reader: &Reader<'_>, named: &Named, section: &str, report: &mut Report) {
    let files = reader.files();
    let group = named.group_of(section, reader.dialect());
    let Some(group) = group else {
        if registry::is_library(section, "") {
            return;
        }
        let mut known: Vec<&str> = registry::sections(reader.dialect()).collect();
        known.extend(named.0.iter().map(|(name, _)| name.as_str()));
        let text = format!(
            "section [{section}] is not known and not in enabled_backends{}",
            nearest(section, known.into_iter(), "[")
        );
        let place = files.section_place(section);
        report.warnings.push(Problem { place: place.cloned(), text });
        return;
    };
    for name in files.options(section) {
        let Some(raw) = files.get(section, name) else { continue };
        match registry::find(reader.dialect(), &group, name) {
            Some(spec) => {
                check_value(reader, section, &group, spec);
                if !spec.acted_on {
                    report
                        .notes
                        .push(Problem::at(&raw.place, format!("[{section}] {name} has no effect here")));
                } else if spec.deprecated {
                    report.notes.push(Problem::at(&raw.place, format!("[{section}] {name} is deprecated")));
                }
            }
            None if registry::is_library(&group, name) => {
                report.notes.push(Problem::at(&raw.place, format!("[{section}] {name} has no effect here")));
            }
            None => {
                let near = nearest(name, registry::names(reader.dialect(), &group), "");
                report
                    .warnings
                    .push(Problem::at(&raw.place, format!("[{section}] {name} is not a known option{near}")));
            }
        }
    }
}

/// Reads a value by its option's type, for the mistakes in it.
fn check_value(reader: &Reader<'_>, section: &str, group: &str, spec: &OptionSpec) {
    let name = spec.name;
    // The type read as decides nothing here; a wrong value is noted by the reader before it.
    match spec.kind {
        Kind::Str | Kind::Any => drop(reader.opt_in::<String>(section, group, name)),
        Kind::MultiStr => drop(reader.all(section, group, name)),
        Kind::Bool => drop(reader.opt_in::<bool>(section, group, name)),
        Kind::Int | Kind::Port => drop(reader.opt_in::<i64>(section, group, name)),
        Kind::Float => drop(reader.opt_in::<f64>(section, group, name)),
        Kind::List => drop(reader.opt_in::<Vec<String>>(section, group, name)),
        Kind::Dict => drop(reader.opt_in::<Vec<(String, String)>>(section, group, name)),
    }
}

/// Sections the operator named, and the kind of options each has.
struct Named(Vec<(String, String)>);

impl Named {
    /// The group whose options a section has.
    fn group_of(&self, section: &str, dialect: Dialect) -> Option<String> {
        if let Some((_, group)) = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(section)) {
            return Some(group.clone());
        }
        if dialect == Dialect::Image && front::is_cors(section) {
            return Some("cors".to_owned());
        }
        registry::sections(dialect).find(|group| group.eq_ignore_ascii_case(section)).map(str::to_owned)
    }
}

fn named_sections(reader: &Reader<'_>) -> Named {
    let mut named = Vec::new();
    match reader.dialect() {
        Dialect::Image => {
            // Asked of a reader of its own: a wrong list is noted once, by the real reading.
            let pairs = Reader::new(reader.files(), Dialect::Image)
                .opt::<Vec<(String, String)>>("DEFAULT", "enabled_backends")
                .unwrap_or_default();
            for (id, kind) in pairs {
                named.push((id, format!("store.{kind}")));
            }
            for reserved in ["os_glance_staging_store", "os_glance_tasks_store"] {
                named.push((reserved.to_owned(), "store.file".to_owned()));
            }
            if reader.files().has_section("backend_defaults") {
                named.push(("backend_defaults".to_owned(), "store.cinder".to_owned()));
            }
        }
        Dialect::BlockStorage => {
            let names = Reader::new(reader.files(), Dialect::BlockStorage)
                .opt::<Vec<String>>("DEFAULT", "enabled_backends")
                .unwrap_or_default();
            named.extend(names.into_iter().map(|name| (name, "backend".to_owned())));
            named.push(("backend_defaults".to_owned(), "backend".to_owned()));
        }
    }
    Named(named)
}

/// `; did you mean x?` when a name is near enough to be meant.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>, bracket: &str) -> String {
    let best = known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min_by_key(|(distance, candidate)| (*distance, *candidate));
    match best {
        Some((distance, candidate)) if distance <= 1 + name.len() / 4 => {
            let close = if bracket.is_empty() { "" } else { "]" };
            format!("; did you mean {bracket}{candidate}{close}?")
        }
        _ => String::new(),
    }
}

/// The values that count: one line each, `#` before those no file sets, `***` for secrets. Options without effect here
/// are left out.
#[must_use]
pub fn show(files: &ConfigFiles, dialect: Dialect) -> String {
    let reader = Reader::new(files, dialect);
    let named = named_sections(&reader);
    let mut sections: Vec<(String, String)> = Vec::new();
    let mut seen = BTreeSet::new();
    for group in registry::sections(dialect) {
        if seen.insert(group)
            && registry::specs(dialect).iter().any(|table| table.iter().any(|s| s.group == group))
        {
            sections.push((group.to_owned(), group.to_owned()));
        }
    }
    sections.extend(named.0.into_iter().filter(|(name, _)| !seen.contains(name.as_str())));
    let mut text = String::new();
    for (section, group) in sections {
        let mut lines = String::new();
        for spec in registry::specs(dialect).iter().flat_map(|table| table.iter()) {
            if spec.group != group || !spec.acted_on {
                continue;
            }
            let Some((value, is_default)) = reader::shown(&reader, &section, spec) else { continue };
            let mark = if is_default { "# " } else { "" };
            let wrong = if !spec.secret && value::parse(spec, &value).is_err() { "  # wrong" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{}", format!("{mark}{} = {value}{wrong}", spec.name).trim_end());
        }
        if !lines.is_empty() {
            let _ = writeln!(text, "[{section}]\n{lines}");
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
