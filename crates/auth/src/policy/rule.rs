// SPDX-License-Identifier: Apache-2.0
//! A rule as a tree, and whether it holds.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::target::Attributes;
use crate::context::Context;

/// Text with places for the target's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `%(name)s`.
    Attribute(String),
}

/// What stands after the colon of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) Vec<Piece>);

impl Pattern {
    /// The text with the target's attributes in; none when the target lacks one.
    fn fill<'a>(&'a self, target: &'a dyn Attributes) -> Option<Cow<'a, str>> {
        let filled = |piece: &'a Piece| match piece {
            Piece::Text(part) => Some(Cow::Borrowed(part.as_str())),
            Piece::Attribute(name) => target.attribute(name),
        };
        match self.0.as_slice() {
            [only] => filled(only),
            several => several.iter().map(filled).collect::<Option<String>>().map(Cow::Owned),
        }
    }
}

/// One node of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Check {
    True,
    False,
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    /// `rule:<name>`.
    Rule(String),
    /// `role:<name>`.
    Role(Pattern),
    /// `'literal':<pattern>`: the literal is the pattern's text.
    Literal(String, Pattern),
    /// `<credential>:<pattern>`.
    Credential(String, Pattern),
}

impl Check {
    /// The other rules it asks for.
    pub(super) fn names(&self, found: &mut BTreeSet<String>) {
        match self {
            Self::Not(inner) => inner.names(found),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.names(found)),
            Self::Rule(name) => {
                found.insert(name.clone());
            }
            Self::True | Self::False | Self::Role(_) | Self::Literal(..) | Self::Credential(..) => {}
        }
    }

    /// Whether it holds; `follow` answers for other rules.
    pub(super) fn holds(
        &self,
        context: &Context,
        target: &dyn Attributes,
        follow: &mut dyn FnMut(&str) -> bool,
    ) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Not(inner) => !inner.holds(context, target, follow),
            Self::All(parts) => parts.iter().all(|part| part.holds(context, target, follow)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(context, target, follow)),
            Self::Rule(name) => follow(name),
            Self::Role(pattern) => pattern.fill(target).is_some_and(|role| context.has_role(&role)),
            Self::Literal(literal, pattern) => pattern.fill(target).is_some_and(|text| text == *literal),
            Self::Credential(name, pattern) => {
                pattern.fill(target).is_some_and(|text| credential_is(context, name, &text))
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('%', "%%")),
            Piece::Attribute(name) => write!(f, "%({name})s"),
        })
    }
}

/// In the rules language, with no more parentheses than needed.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str, tight: bool| {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                let nested = matches!(part, Self::Any(_)) || (!tight && matches!(part, Self::All(_)));
                if nested { write!(f, "({part})")? } else { write!(f, "{part}")? }
            }
            Ok(())
        };
        match self {
            Self::True => f.write_str("@"),
            Self::False => f.write_str("!"),
            Self::Not(inner) if matches!(**inner, Self::All(_) | Self::Any(_)) => write!(f, "not ({inner})"),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::All(parts) => join(f, parts, "and", true),
            Self::Any(parts) => join(f, parts, "or", false),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Role(pattern) => write!(f, "role:{pattern}"),
            Self::Literal(literal, pattern) if is_bare(literal) => write!(f, "{literal}:{pattern}"),
            Self::Literal(literal, pattern) if literal.contains('\'') => write!(f, "\"{literal}\":{pattern}"),
            Self::Literal(literal, pattern) => write!(f, "'{literal}':{pattern}"),
            Self::Credential(name, pattern) => write!(f, "{name}:{pattern}"),
        }
    }
}

/// Whether a literal is written without quotes: Python's constants and numbers.
pub(super) fn is_bare(literal: &str) -> bool {
    matches!(literal, "True" | "False" | "None")
        || (literal.starts_with(|c: char| c.is_ascii_digit() || c == '-') && literal.parse::<f64>().is_ok())
}

/// Whether one of the caller's credentials has this value. A credential the caller lacks never matches: oslo.policy
/// compares it as the text `None`, which an attribute could have.
fn credential_is(context: &Context, name: &str, wanted: &str) -> bool {
    let one = |value: Option<&str>| value.is_some_and(|value| value == wanted);
    match name {
        "user_id" | "user" => one(Some(context.user_id.as_str())),
        "user_domain_id" | "user_domain" => one(context.user_domain_id.as_deref()),
        "project_id" | "project" | "tenant" | "tenant_id" => {
            one(context.project_id.as_ref().map(scurry_types::ProjectId::as_str))
        }
        "project_domain_id" | "project_domain" => one(context.project_domain_id.as_deref()),
        "domain_id" | "domain" => one(context.domain_id.as_deref()),
        "system_scope" | "system" => one(context.system_scope.as_deref()),
        "is_admin" => one(Some(if context.is_admin { "True" } else { "False" })),
        "is_admin_project" => one(Some(if context.is_admin_project { "True" } else { "False" })),
        "service_user_id" => one(context.service.user_id.as_deref()),
        "service_user_domain_id" => one(context.service.user_domain_id.as_deref()),
        "service_project_id" => one(context.service.project_id.as_deref()),
        "service_project_domain_id" => one(context.service.project_domain_id.as_deref()),
        "roles" => context.roles.iter().any(|role| role == wanted),
        "service_roles" => context.service_roles.iter().any(|role| role == wanted),
        _ => false,
    }
}
