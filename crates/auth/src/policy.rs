// SPDX-License-Identifier: Apache-2.0
//! oslo.policy's rules: who may do what, with the operator's overrides.

mod file;
pub mod glance;
mod parser;
mod properties;
mod rule;
mod rules;
mod target;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub use parser::ParseError;
pub use properties::{PropertyAction, PropertyProtectionError, PropertyProtections, RuleFormat};
pub use rules::Origin;
pub use target::{Attributes, Target};
pub use watch::PolicyFiles;

use crate::context::Context;
use rules::Rules;
use watch::Fingerprint;

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

/// A rule as it counts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveRule {
    /// Its name.
    pub name: String,
    /// The rule, in the rules language.
    pub check: String,
    /// The tokens it is for; empty for all.
    pub scopes: &'static [Scope],
    /// Where it stands; none for a rule the service ships.
    pub origin: Option<Origin>,
}

/// A service's rules, which follow their files when they change.
#[derive(Debug)]
pub struct Policy {
    /// Without what stands in `files`.
    base: Rules,
    files: PolicyFiles,
    current: RwLock<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    rules: Arc<Rules>,
    /// The files' state when they were last looked at, whether they could be used or not.
    seen: Fingerprint,
}

impl Clone for Policy {
    fn clone(&self) -> Self {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { base: self.base.clone(), files: self.files.clone(), current: RwLock::new(current) }
    }
}

impl Policy {
    /// The rules a service ships.
    ///
    /// # Errors
    /// [`PolicyError::Rule`] for a rule that is not in the language.
    pub fn new(defaults: &[RuleDefault]) -> Result<Self, PolicyError> {
        let base = Rules::new(defaults)?;
        let current = Current { rules: Arc::new(base.clone()), seen: Fingerprint::default() };
        Ok(Self { base, files: PolicyFiles::default(), current: RwLock::new(current) })
    }

    /// Whether a token of another scope than the rule's is refused (`[oslo_policy] enforce_scope`); it is by default.
    #[must_use]
    pub fn with_enforce_scope(mut self, enforce: bool) -> Self {
        self.change(|rules| rules.enforce_scope = enforce);
        self
    }

    /// The rule of whatever has none (`[oslo_policy] policy_default_rule`); `default` by default.
    #[must_use]
    pub fn with_default_rule(mut self, name: &str) -> Self {
        self.change(|rules| name.clone_into(&mut rules.default_rule));
        self
    }

    /// Allows also what an older release's rules allowed (`[oslo_policy] enforce_new_defaults = False`), except where
    /// an operator's rule takes their place. Comes before the operator's rules.
    ///
    /// # Errors
    /// [`PolicyError::Rule`] for a rule that is not in the language.
    pub fn with_old_defaults(mut self, old: &[(&str, &str)]) -> Result<Self, PolicyError> {
        self.base.add_old(old)?;
        self.change(|_| {});
        Ok(self)
    }

    /// Puts the operator's files over these rules and remembers them for [`Policy::refresh`].
    ///
    /// # Errors
    /// [`PolicyError`] when a file cannot be read, is not a mapping, or has a rule not in the language.
    pub fn with_files(mut self, files: PolicyFiles) -> Result<Self, PolicyError> {
        let seen = files.fingerprint();
        let rules = Arc::new(files.load(self.base.clone())?);
        self.files = files;
        self.current = RwLock::new(Current { rules, seen });
        Ok(self)
    }

    /// Reads the files again if they changed since the last look; says whether the rules are new.
    ///
    /// # Errors
    /// [`PolicyError`] once for each state of the files that cannot be used: the rules stay as they were.
    pub fn refresh(&self) -> Result<bool, PolicyError> {
        let seen = self.files.fingerprint();
        if self.current.read().unwrap_or_else(PoisonError::into_inner).seen == seen {
            return Ok(false);
        }
        let loaded = self.files.load(self.base.clone());
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.seen = seen;
        current.rules = Arc::new(loaded?);
        Ok(true)
    }

    /// Puts the rules of a file (YAML or JSON) over these.
    ///
    /// # Errors
    /// [`PolicyError`] when the file cannot be read, is not a mapping, or has a rule not in the language.
    pub fn load_file(&mut self, path: &Path) -> Result<(), PolicyError> {
        self.base.load_file(path)?;
        self.change(|_| {});
        Ok(())
    }

    /// Puts one rule over these, as from a file.
    ///
    /// # Errors
    /// [`PolicyError::Rule`] when it is not in the language.
    pub fn set_rule(&mut self, name: &str, check: &str) -> Result<(), PolicyError> {
        self.base.set_text(name, check)?;
        self.change(|_| {});
        Ok(())
    }

    /// Changes the rules before there are files over them.
    fn change(&mut self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.base);
        let rules = Arc::new(self.base.clone());
        self.current = RwLock::new(Current { rules, seen: Fingerprint::default() });
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).rules)
    }

    /// Whether there is such a rule.
    #[must_use]
    pub fn has_rule(&self, name: &str) -> bool {
        self.rules().rules.contains_key(name)
    }

    /// Whether the caller may do what the rule guards, to the target. A rule that does not exist is `default`'s, and
    /// without that everything is denied.
    #[must_use]
    pub fn check(&self, rule: &str, context: &Context, target: &dyn Attributes) -> bool {
        self.rules().check(rule, context, target)
    }

    /// Every rule as it counts now, by name.
    #[must_use]
    pub fn effective(&self) -> Vec<EffectiveRule> {
        let rules = self.rules();
        let effective = rules.rules.iter().map(|(name, rule)| EffectiveRule {
            name: name.clone(),
            check: match &rule.old {
                Some(old) => format!("({}) or ({old})", rule.check),
                None => rule.check.to_string(),
            },
            scopes: rule.scopes,
            origin: rule.origin.clone(),
        });
        effective.collect()
    }

    /// What an operator cannot have meant, one line each: rules nothing asks for, names that are not there, circles.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        self.rules().doubts()
    }
}

#[cfg(test)]
mod tests;
