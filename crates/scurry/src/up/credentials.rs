// SPDX-License-Identifier: Apache-2.0
//! Passwords of the embedded users: random, made at the first start, kept in a file only the owner reads.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::layout::{Layout, LayoutError};

const FILE: &str = "passwords.json";

/// A password by user name. Debug shows none of them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Passwords {
    pub(crate) admin: String,
    pub(crate) demo: String,
    pub(crate) glance: String,
    pub(crate) cinder: String,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords { .. }")
    }
}

/// The passwords could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordsError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error(
        "passwords.json in the data directory is damaged: restore it, or start with a fresh data directory"
    )]
    Damaged(#[source] serde_json::Error),
    #[error("cannot read passwords.json in the data directory")]
    Read(#[source] std::io::Error),
}

impl Passwords {
    /// The passwords of this data directory; new ones at the first start.
    pub(crate) fn load(layout: &Layout, admin: Option<&str>) -> Result<Self, PasswordsError> {
        match std::fs::read_to_string(layout.path(FILE)) {
            Ok(text) => serde_json::from_str(&text).map_err(PasswordsError::Damaged),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let passwords = Self {
                    admin: admin.map_or_else(random, str::to_owned),
                    demo: random(),
                    glance: random(),
                    cinder: random(),
                };
                let text = serde_json::to_string_pretty(&passwords).map_err(PasswordsError::Damaged)?;
                layout.write_private(FILE, &text)?;
                Ok(passwords)
            }
            Err(error) => Err(PasswordsError::Read(error)),
        }
    }
}

/// 122 random bits as 32 hexadecimal digits: a version 4 UUID is drawn from the system's generator.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_stay_the_same_and_out_of_debug_output() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(folder.path()).unwrap();
        let first = Passwords::load(&layout, Some("chosen")).unwrap();
        let second = Passwords::load(&layout, Some("ignored")).unwrap();
        assert_eq!(first.admin, "chosen");
        assert_eq!((second.admin, second.glance), (first.admin.clone(), first.glance.clone()));
        assert!(!format!("{first:?}").contains("chosen"));
    }
}
