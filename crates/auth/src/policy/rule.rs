// SPDX-License-Identifier: Apache-2.0
//! A rule as a tree, and whether it holds.

use super::target::Target;
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
    fn fill(&self, target: &Target) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Attribute(name) => text.push_str(target.get(name)?),
            }
        }
        Some(text)
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
    /// Whether it holds; `follow` answers for other rules.
    pub(super) fn holds(
        &self,
        context: &Context,
        target: &Target,
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

/// Whether one of the caller's credentials has this value. A credential the caller lacks never matches: oslo.policy
/// compares it as the text `None`, which an attribute could have.
fn credential_is(context: &Context, name: &str, wanted: &str) -> bool {
    let one = |value: Option<&str>| value.is_some_and(|value| value == wanted);
    match name {
        "user_id" | "user" => one(Some(context.user_id.as_str())),
        "user_domain_id" => one(context.user_domain_id.as_deref()),
        "project_id" | "tenant" | "tenant_id" => {
            one(context.project_id.as_ref().map(scurry_types::ProjectId::as_str))
        }
        "project_domain_id" => one(context.project_domain_id.as_deref()),
        "domain_id" => one(context.domain_id.as_deref()),
        "system_scope" => one(context.system_scope.as_deref()),
        "is_admin" => one(Some(if context.is_admin { "True" } else { "False" })),
        // Keystone has one admin project only where an operator set one up; every project's tokens say True otherwise.
        "is_admin_project" => one(Some("True")),
        "roles" => context.roles.iter().any(|role| role == wanted),
        "service_roles" => context.service_roles.iter().any(|role| role == wanted),
        _ => false,
    }
}
