// SPDX-License-Identifier: Apache-2.0
//! oslo.policy's rules: who may do what, with the operator's overrides.

mod file;
pub mod glance;
mod parser;
mod properties;
mod rule;
mod target;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use parser::ParseError;
pub use properties::{PropertyAction, PropertyProtectionError, PropertyProtections, RuleFormat};
pub use target::Target;

use crate::context::Context;
use rule::Check;

/// How deep `rule:` may lead from rule to rule; a loop ends here and denies.
const DEPTH_LIMIT: usize = 64;

/// The kind of token a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A project's token.
    Project,
    /// A domain's token.
    Domain,
    /// A token of the whole system.
    System,
}

/// A rule as a service ships it.
#[derive(Debug, Clone, Copy)]
pub struct RuleDefault {
    /// Its name, such as `get_image`.
    pub name: &'static str,
    /// The rule, in the rules language.
    pub check: &'static str,
    /// The tokens it is for; empty for all.
    pub scopes: &'static [Scope],
}

/// Rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A rule is not in the language.
    #[error("policy rule {rule:?}{origin} is not in the rules language")]
    Rule {
        /// The rule's name.
        rule: String,
        /// ` of <file>`, or empty for a default.
        origin: String,
        /// What is wrong.
        #[source]
        source: ParseError,
    },
    /// The policy file cannot be read.
    #[error("cannot read policy file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The policy file is not a mapping of rule names to rules.
    #[error("policy file {}, line {line}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Debug, Clone)]
struct Rule {
    check: Check,
    scopes: &'static [Scope],
}

/// A service's rules.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: HashMap<String, Rule>,
    enforce_scope: bool,
}

impl Policy {
    /// The rules a service ships.
    ///
    /// # Errors
    /// [`PolicyError::Rule`] for a rule that is not in the language.
    pub fn new(defaults: &[RuleDefault]) -> Result<Self, PolicyError> {
        let mut rules = HashMap::with_capacity(defaults.len());
        for default in defaults {
            let check = parser::parse(default.check).map_err(|source| PolicyError::Rule {
                rule: default.name.to_owned(),
                origin: String::new(),
                source,
            })?;
            rules.insert(default.name.to_owned(), Rule { check, scopes: default.scopes });
        }
        Ok(Self { rules, enforce_scope: true })
    }

    /// Whether a token of another scope than the rule's is refused (`[oslo_policy] enforce_scope`); it is by default.
    #[must_use]
    pub fn with_enforce_scope(mut self, enforce: bool) -> Self {
        self.enforce_scope = enforce;
        self
    }

    /// Puts the rules of an operator's file (YAML or JSON) over these.
    ///
    /// # Errors
    /// [`PolicyError`] when the file cannot be read, is not a mapping, or has a rule not in the language.
    pub fn load_file(&mut self, path: &Path) -> Result<(), PolicyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
        for (name, check) in file::read(path, &text)? {
            let check = check.parse().map_err(|source| PolicyError::Rule {
                rule: name.clone(),
                origin: format!(" of {}", path.display()),
                source,
            })?;
            self.set(name, check);
        }
        Ok(())
    }

    /// Puts every `*.yaml`, `*.yml` and `*.json` file of a directory (`[oslo_policy] policy_dirs`) over these, in the
    /// order of their names. A directory that is not there has none.
    ///
    /// # Errors
    /// As [`Policy::load_file`].
    pub fn load_dir(&mut self, dir: &Path) -> Result<(), PolicyError> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(PolicyError::Read { path: dir.to_owned(), source }),
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml" || ext == "json")
                    && !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
            })
            .collect();
        paths.sort();
        paths.iter().try_for_each(|path| self.load_file(path))
    }

    /// Puts one rule over these, as from a file.
    ///
    /// # Errors
    /// [`PolicyError::Rule`] when it is not in the language.
    pub fn set_rule(&mut self, name: &str, check: &str) -> Result<(), PolicyError> {
        let check = parser::parse(check).map_err(|source| PolicyError::Rule {
            rule: name.to_owned(),
            origin: String::new(),
            source,
        })?;
        self.set(name.to_owned(), check);
        Ok(())
    }

    fn set(&mut self, name: String, check: Check) {
        let scopes = self.rules.get(&name).map_or(&[][..], |rule| rule.scopes);
        self.rules.insert(name, Rule { check, scopes });
    }

    /// Whether there is such a rule.
    #[must_use]
    pub fn has_rule(&self, name: &str) -> bool {
        self.rules.contains_key(name)
    }

    /// Whether the caller may do what the rule guards, to the target. A rule that does not exist is `default`'s, and
    /// without that everything is denied.
    #[must_use]
    pub fn check(&self, rule: &str, context: &Context, target: &Target) -> bool {
        if self.enforce_scope
            && let Some(rule) = self.rules.get(rule)
            && !rule.scopes.is_empty()
            && !rule.scopes.contains(&scope_of(context))
        {
            return false;
        }
        self.follow(rule, context, target, 0)
    }

    fn follow(&self, name: &str, context: &Context, target: &Target, depth: usize) -> bool {
        if depth > DEPTH_LIMIT {
            tracing::error!(rule = name, "policy rules lead in a circle; the request is denied");
            return false;
        }
        let Some(rule) = self.rules.get(name).or_else(|| self.rules.get("default")) else { return false };
        rule.check.holds(context, target, &mut |name| self.follow(name, context, target, depth + 1))
    }
}

/// An unscoped token counts as a project's, as in oslo.policy.
fn scope_of(context: &Context) -> Scope {
    if context.system_scope.is_some() {
        Scope::System
    } else if context.domain_id.is_some() {
        Scope::Domain
    } else {
        Scope::Project
    }
}

#[cfg(test)]
mod tests;
