// SPDX-License-Identifier: Apache-2.0
//! What an action is done to, as rules see it.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The thing acted on: gives its attributes for `%(name)s` in rules, as they are asked for.
pub trait Attributes {
    /// One attribute; rules that use one that is not there do not hold.
    fn attribute(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// Attributes collected beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target(BTreeMap<String, String>);

impl Target {
    /// A target without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// With an attribute when there is a value; without, there is none, and rules that use it do not hold.
    #[must_use]
    pub fn with_opt(mut self, name: impl Into<String>, value: Option<impl Into<String>>) -> Self {
        let name = name.into();
        match value {
            Some(value) => self.0.insert(name, value.into()),
            None => self.0.remove(&name),
        };
        self
    }
}

impl Attributes for Target {
    fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name).map(|value| Cow::Borrowed(value.as_str()))
    }
}
