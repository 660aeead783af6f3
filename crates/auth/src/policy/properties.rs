// SPDX-License-Identifier: Apache-2.0
//! Property protections: who may create, read, update and delete which additional properties of images.
//!
//! The operator's file (`property_protection_file`) has a section a pattern. The first section whose pattern is
//! found in a property's name decides; a name that no pattern is found in is nobody's. Properties of the service
//! itself (`os_glance*`) are not protected, whatever the file says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;
use scurry_config::ini;

use super::{Policy, Target};
use crate::context::Context;

/// Prefix of the properties the service keeps for itself.
const UNPROTECTED: &str = "os_glance";

/// What the rules of a file name (`property_protection_rule_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFormat {
    /// Roles, one of which is enough.
    Roles,
    /// One rule of the policy.
    Policies,
}

/// What somebody wants to do with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PropertyAction {
    Create,
    Read,
    Update,
    Delete,
}

const ACTIONS: [(PropertyAction, &str); 4] = [
    (PropertyAction::Create, "create"),
    (PropertyAction::Read, "read"),
    (PropertyAction::Update, "update"),
    (PropertyAction::Delete, "delete"),
];

/// A file of protections cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PropertyProtectionError {
    /// It cannot be read.
    #[error("cannot read property protection file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("property protection file {}, line {line}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Grant {
    Everybody,
    Nobody,
    /// Lower case.
    Roles(Vec<String>),
    Rule(String),
}

#[derive(Debug, Clone)]
struct Section {
    pattern: Regex,
    /// In the order of [`ACTIONS`].
    grants: [Grant; 4],
}

/// The protections of a deployment.
#[derive(Debug, Clone)]
pub struct PropertyProtections {
    sections: Vec<Section>,
}

impl PropertyProtections {
    /// Reads a file. Rules it names must be in `policy`: one that is not would be the default rule, which lets
    /// everybody.
    ///
    /// # Errors
    /// [`PropertyProtectionError`], with the line.
    pub fn load(path: &Path, format: RuleFormat, policy: &Policy) -> Result<Self, PropertyProtectionError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PropertyProtectionError::Read { path: path.to_owned(), source })?;
        read(&text, format, policy).map_err(|(line, problem)| PropertyProtectionError::Content {
            path: path.to_owned(),
            line,
            problem,
        })
    }

    /// Whether the caller may do that with the property.
    #[must_use]
    pub fn permit(&self, action: PropertyAction, property: &str, context: &Context, policy: &Policy) -> bool {
        if property.starts_with(UNPROTECTED) {
            return true;
        }
        let Some(section) = self.sections.iter().find(|section| section.pattern.is_match(property)) else {
            return false;
        };
        let grant = ACTIONS.iter().zip(&section.grants).find(|((one, _), _)| *one == action);
        match grant.map(|(_, grant)| grant) {
            Some(Grant::Everybody) => true,
            Some(Grant::Nobody) | None => false,
            Some(Grant::Roles(roles)) => {
                let mut own = context.roles.iter().chain(&context.service_roles);
                own.any(|role| roles.contains(&role.to_lowercase()))
            }
            Some(Grant::Rule(rule)) => policy.has_rule(rule) && policy.check(rule, context, &Target::new()),
        }
    }
}

type Wrong = (usize, String);

fn read(text: &str, format: RuleFormat, policy: &Policy) -> Result<PropertyProtections, Wrong> {
    let parsed = ini::parse(text);
    if let Some((line, problem)) = parsed.wrong.into_iter().next() {
        return Err((line, problem));
    }
    let mut names: Vec<&str> = Vec::new();
    let mut sections = Vec::new();
    // `[DEFAULT]` holds what sections that say nothing themselves mean.
    let headings = parsed.headings.iter().filter(|heading| heading.name != "DEFAULT");
    for heading in headings {
        if names.contains(&heading.name.as_str()) {
            return Err((heading.line, format!("section [{}] is there twice", heading.name)));
        }
        names.push(&heading.name);
        let mut said = BTreeMap::new();
        for section in ["DEFAULT", heading.name.as_str()] {
            let own = parsed.assignments.iter().filter(|one| one.section == section);
            said.extend(own.map(|one| (one.key.to_lowercase(), (one.line, one.value.as_str()))));
        }
        if heading.name.starts_with(UNPROTECTED) {
            continue;
        }
        let pattern = Regex::new(&heading.name).map_err(|error| {
            (heading.line, format!("[{}] is no regular expression: {error}", heading.name))
        })?;
        let mut grants = Vec::with_capacity(ACTIONS.len());
        for (_, action) in ACTIONS {
            let Some((line, value)) = said.get(action) else {
                return Err((heading.line, format!("[{}] does not say who may {action}", heading.name)));
            };
            grants.push(grant(value, format, policy).map_err(|problem| (*line, problem))?);
        }
        let Ok(grants) = <[Grant; 4]>::try_from(grants) else { continue };
        sections.push(Section { pattern, grants });
    }
    Ok(PropertyProtections { sections })
}

fn grant(value: &str, format: RuleFormat, policy: &Policy) -> Result<Grant, String> {
    let words: Vec<&str> = value.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let (all, none) = (words.contains(&"@"), words.contains(&"!"));
    if all && none {
        return Err("\"@\" (everybody) and \"!\" (nobody) exclude each other".to_owned());
    }
    match (format, words.as_slice()) {
        (_, []) => Ok(Grant::Nobody),
        (RuleFormat::Policies, [_, _, ..]) => Err(format!(
            "{value:?} names several rules; one is expected: rules are combined in the policy file"
        )),
        _ if none => Ok(Grant::Nobody),
        _ if all => Ok(Grant::Everybody),
        (RuleFormat::Roles, roles) => {
            Ok(Grant::Roles(roles.iter().map(|role| role.to_lowercase()).collect()))
        }
        (RuleFormat::Policies, [rule]) if policy.has_rule(rule) => Ok(Grant::Rule((*rule).to_owned())),
        (RuleFormat::Policies, [rule]) => Err(format!("there is no policy rule {rule}")),
    }
}

#[cfg(test)]
mod tests;
