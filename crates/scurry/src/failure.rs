// SPDX-License-Identifier: Apache-2.0
//! Why a command ended, told to a person: what failed, and the causes below it.
#![allow(clippy::print_stderr)]

use std::error::Error;
use std::fmt;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// `text` says what could not be done, `source` why.
    pub(crate) fn new(text: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { text: text.into(), source: Some(source.into()) }
    }

    /// A failure that needs no cause.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), source: None }
    }

    /// The chain of causes on standard error, each only once.
    pub(crate) fn report(&self) {
        eprintln!("scurry: {self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        let mut last = self.text.clone();
        let mut cause: Option<&dyn Error> = self.source.as_ref().map(|source| &**source as &dyn Error);
        while let Some(error) = cause {
            let text = error.to_string();
            if !last.contains(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Failure {}

macro_rules! from_error {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let text = error.to_string();
                Self { text, source: error.source().map(|source| source.to_string().into()) }
            }
        })+
    };
}

from_error!(
    crate::serve::BindError,
    crate::up::layout::LayoutError,
    crate::up::credentials::PasswordsError,
    scurry_identity::IdentityError,
);
