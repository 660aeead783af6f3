// SPDX-License-Identifier: Apache-2.0
//! A known option: its place, type, default and bounds.

/// The type of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Str,
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A TCP port.
    Port,
    /// Words between commas.
    List,
    /// `key:value` pairs between commas.
    Dict,
    /// Text, and the option may be repeated.
    MultiStr,
    /// Belongs to a library; not looked into.
    Any,
}

impl Kind {
    /// The word for it in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Str => "text",
            Self::Bool => "boolean",
            Self::Int => "integer",
            Self::Float => "number",
            Self::Port => "port",
            Self::List => "list",
            Self::Dict => "pairs",
            Self::MultiStr => "repeated text",
            Self::Any => "any",
        }
    }
}

/// A known option.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The section it stands in, or the kind of section (`store.cinder`, `store.file`, `backend`).
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its default, as it would be written.
    pub default: Option<&'static str>,
    /// The smallest number allowed.
    pub min: Option<i64>,
    /// The largest number allowed.
    pub max: Option<i64>,
    /// The only words allowed; empty for any.
    pub choices: &'static [&'static str],
    /// Never shown.
    pub secret: bool,
    /// Deprecated in Glance or Cinder.
    pub deprecated: bool,
    /// Whether Scurry does what it says.
    pub acted_on: bool,
    /// What it means.
    pub help: &'static str,
}

impl OptionSpec {
    /// An option that is acted on, without default or bounds.
    pub(crate) const fn new(group: &'static str, name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            group,
            name,
            kind,
            default: None,
            min: None,
            max: None,
            choices: &[],
            secret: false,
            deprecated: false,
            acted_on: true,
            help,
        }
    }

    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(crate) const fn min(mut self, min: i64) -> Self {
        self.min = Some(min);
        self
    }

    pub(crate) const fn max(mut self, max: i64) -> Self {
        self.max = Some(max);
        self
    }

    pub(crate) const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// Known, but without effect here.
    pub(crate) const fn ignored(mut self) -> Self {
        self.acted_on = false;
        self
    }
}
