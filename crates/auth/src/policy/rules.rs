// SPDX-License-Identifier: Apache-2.0
//! One set of rules: shipped ones with an operator's over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::rule::Check;
use super::{Attributes, PolicyError, RuleDefault, Scope, file, parser};
use crate::context::Context;

/// How deep `rule:` may lead from rule to rule; a loop ends here and denies.
const DEPTH_LIMIT: usize = 64;

/// Where a rule stands that an operator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) check: Check,
    /// What an older release allowed, as long as no operator's rule takes its place.
    pub(super) old: Option<Check>,
    pub(super) scopes: &'static [Scope],
    pub(super) shipped: bool,
    pub(super) origin: Option<Origin>,
}

#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) enforce_scope: bool,
    /// The rule of whatever has none.
    pub(super) default_rule: String,
}

impl Rules {
    pub(super) fn new(defaults: &[RuleDefault]) -> Result<Self, PolicyError> {
        let mut rules = BTreeMap::new();
        for default in defaults {
            let check = parsed(default.name, default.check)?;
            let rule = Rule { check, old: None, scopes: default.scopes, shipped: true, origin: None };
            rules.insert(default.name.to_owned(), rule);
        }
        Ok(Self { rules, enforce_scope: true, default_rule: "default".to_owned() })
    }

    pub(super) fn add_old(&mut self, old: &[(&str, &str)]) -> Result<(), PolicyError> {
        for (name, check) in old {
            let check = parsed(name, check)?;
            if let Some(rule) = self.rules.get_mut(*name) {
                rule.old = Some(check);
            }
        }
        Ok(())
    }

    pub(super) fn load_file(&mut self, path: &Path) -> Result<(), PolicyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
        for entry in file::read(path, &text)? {
            let check = entry.source.parse().map_err(|source| PolicyError::Rule {
                rule: entry.name.clone(),
                origin: format!(" of {}, line {},", path.display(), entry.line),
                source,
            })?;
            self.set(entry.name, check, Some(Origin { file: path.to_owned(), line: entry.line }));
        }
        Ok(())
    }

    pub(super) fn set_text(&mut self, name: &str, check: &str) -> Result<(), PolicyError> {
        let check = parsed(name, check)?;
        self.set(name.to_owned(), check, None);
        Ok(())
    }

    fn set(&mut self, name: String, check: Check, origin: Option<Origin>) {
        match self.rules.get_mut(&name) {
            Some(rule) => (rule.check, rule.old, rule.origin) = (check, None, origin),
            None => {
                self.rules.insert(name, Rule { check, old: None, scopes: &[], shipped: false, origin });
            }
        }
    }

    pub(super) fn check(&self, name: &str, context: &Context, target: &dyn Attributes) -> bool {
        if self.enforce_scope
            && let Some(rule) = self.rules.get(name)
            && !rule.scopes.is_empty()
            && !rule.scopes.contains(&scope_of(context))
        {
            return false;
        }
        self.follow(name, context, target, 0)
    }

    fn follow(&self, name: &str, context: &Context, target: &dyn Attributes, depth: usize) -> bool {
        if depth > DEPTH_LIMIT {
            tracing::error!(rule = name, "policy rules lead in a circle; the request is denied");
            return false;
        }
        let Some(rule) = self.rules.get(name).or_else(|| self.rules.get(&self.default_rule)) else {
            return false;
        };
        let mut follow = |name: &str| self.follow(name, context, target, depth + 1);
        rule.check.holds(context, target, &mut follow)
            || rule.old.as_ref().is_some_and(|old| old.holds(context, target, &mut follow))
    }

    /// What an operator cannot have meant, one line each.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let mut asked = BTreeSet::new();
        for rule in self.rules.values() {
            rule.check.names(&mut asked);
        }
        for (name, rule) in &self.rules {
            let at = rule
                .origin
                .as_ref()
                .map_or_else(String::new, |origin| format!("{}:{}: ", origin.file.display(), origin.line));
            let mut names = BTreeSet::new();
            rule.check.names(&mut names);
            for missing in names.iter().filter(|other| !self.rules.contains_key(*other)) {
                let near = self.nearest(missing);
                let default = &self.default_rule;
                doubts.push(format!(
                    "{at}{name} asks for rule:{missing}, which is not there; {default} counts{near}"
                ));
            }
            if self.leads_to(name, name, &mut BTreeSet::new()) {
                doubts.push(format!("{at}{name} leads back to itself, and denies"));
            }
            if !rule.shipped && !asked.contains(name) {
                doubts.push(format!(
                    "{at}{name} guards nothing: no route and no rule asks for it{}",
                    self.nearest(name)
                ));
            }
        }
        doubts
    }

    fn leads_to(&self, from: &str, wanted: &str, seen: &mut BTreeSet<String>) -> bool {
        let Some(rule) = self.rules.get(from) else { return false };
        let mut names = BTreeSet::new();
        rule.check.names(&mut names);
        names
            .into_iter()
            .any(|name| name == wanted || (seen.insert(name.clone()) && self.leads_to(&name, wanted, seen)))
    }

    fn nearest(&self, name: &str) -> String {
        let shipped = self.rules.iter().filter(|(known, rule)| rule.shipped && known.as_str() != name);
        let best = shipped.map(|(known, _)| (strsim::damerau_levenshtein(name, known), known)).min();
        match best {
            Some((distance, known)) if distance <= 1 + name.len() / 4 => format!("; did you mean {known}?"),
            _ => String::new(),
        }
    }
}

fn parsed(name: &str, check: &str) -> Result<Check, PolicyError> {
    parser::parse(check).map_err(|source| PolicyError::Rule {
        rule: name.to_owned(),
        origin: String::new(),
        source,
    })
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
