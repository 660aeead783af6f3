// SPDX-License-Identifier: Apache-2.0
//! What an action is done to, as rules see it.

use std::collections::BTreeMap;

/// Attributes of the thing acted on, for `%(name)s` in rules.
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

    /// One attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
