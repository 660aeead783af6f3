// SPDX-License-Identifier: Apache-2.0
//! Options on what images may hold and how they end.

use std::path::PathBuf;
use std::time::Duration;

use super::filled;
use crate::reader::Reader;

/// What the rules of a property protection file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyRules {
    /// Roles.
    Roles,
    /// Rules of the policy.
    Policies,
}

/// Who may touch which additional property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyProtection {
    /// `property_protection_file`; a relative path is looked for where the configuration is.
    pub file: PathBuf,
    /// `property_protection_rule_format`.
    pub rules: PropertyRules,
}

/// Keeping deleted images' data for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayedDelete {
    /// `delayed_delete`
    pub enabled: bool,
    /// `scrub_time`: how long it is kept at least.
    pub scrub_time: Duration,
    /// `scrub_pool_size`: images scrubbed at once.
    pub pool_size: usize,
    /// `wakeup_time`: pause between two runs of the scrubber.
    pub wakeup_time: Duration,
}

pub(super) fn property_protection(reader: &Reader<'_>) -> Option<PropertyProtection> {
    let file = filled(reader.opt("DEFAULT", "property_protection_file"))?;
    let format: String = reader.opt("DEFAULT", "property_protection_rule_format").unwrap_or_default();
    let rules = if format == "policies" { PropertyRules::Policies } else { PropertyRules::Roles };
    Some(PropertyProtection { file: file.into(), rules })
}

pub(super) fn delayed_delete(reader: &Reader<'_>) -> DelayedDelete {
    let seconds =
        |name: &str, otherwise| Duration::from_secs(reader.opt("DEFAULT", name).unwrap_or(otherwise));
    DelayedDelete {
        enabled: reader.opt("DEFAULT", "delayed_delete").unwrap_or_default(),
        scrub_time: seconds("scrub_time", 0),
        pool_size: reader.opt("DEFAULT", "scrub_pool_size").unwrap_or(1),
        wakeup_time: seconds("wakeup_time", 300),
    }
}
