// SPDX-License-Identifier: Apache-2.0
//! The tables of known options, and the search in them.

mod auth;
mod cinder;
mod glance;
mod library;
mod messaging;
mod stores;
mod stores_other;

use crate::option::{Kind, OptionSpec};

/// Which service's options count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `glance-api.conf`.
    Image,
    /// `cinder.conf`.
    BlockStorage,
}

/// The dialect's tables of options, in the order of a report.
#[must_use]
pub fn specs(dialect: Dialect) -> &'static [&'static [OptionSpec]] {
    match dialect {
        Dialect::Image => {
            &[glance::OPTIONS, stores::OPTIONS, stores_other::OPTIONS, auth::OPTIONS, messaging::OPTIONS]
        }
        Dialect::BlockStorage => &[cinder::OPTIONS, auth::OPTIONS],
    }
}

/// A section's option by name. Sections are the same in any case.
pub(crate) fn find(dialect: Dialect, group: &str, name: &str) -> Option<&'static OptionSpec> {
    specs(dialect)
        .iter()
        .flat_map(|table| table.iter())
        .find(|spec| spec.name == name && (spec.group == group || spec.group.eq_ignore_ascii_case(group)))
}

/// Whether a group is no section's name but stands for sections named by the operator.
pub(crate) fn is_kind_of_section(group: &str) -> bool {
    group.starts_with("store.") || group == "backend"
}

/// Whether a library's option: known, without effect here, not looked into.
pub(crate) fn is_library(group: &str, name: &str) -> bool {
    library::is_known(group, name)
}

/// The names a group's options have.
pub(crate) fn names(dialect: Dialect, group: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    let own = specs(dialect)
        .iter()
        .flat_map(|table| table.iter())
        .filter(move |spec| spec.group.eq_ignore_ascii_case(group))
        .map(|spec| spec.name);
    own.chain(library::names(group))
}

/// The sections that have known options under their own names.
pub(crate) fn sections(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let own = specs(dialect)
        .iter()
        .flat_map(|table| table.iter())
        .map(|spec| spec.group)
        .filter(|group| !is_kind_of_section(group));
    own.chain(library::sections())
}

/// Shorter names for the tables.
const fn text(group: &'static str, name: &'static str, help: &'static str) -> OptionSpec {
    OptionSpec::new(group, name, Kind::Str, help)
}

const fn boolean(group: &'static str, name: &'static str, default: bool, help: &'static str) -> OptionSpec {
    OptionSpec::new(group, name, Kind::Bool, help).default(if default { "True" } else { "False" })
}

const fn int(
    group: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> OptionSpec {
    OptionSpec::new(group, name, Kind::Int, help).default(default)
}

const fn list(
    group: &'static str,
    name: &'static str,
    default: &'static str,
    help: &'static str,
) -> OptionSpec {
    OptionSpec::new(group, name, Kind::List, help).default(default)
}

#[cfg(test)]
mod tests;
