// SPDX-License-Identifier: Apache-2.0
//! Setting up the process's log on standard error.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Shape of the log's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = InitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(InitError::Format(text.to_owned())),
        }
    }
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error("{filter:?} is not a log filter: levels such as info, or info,scurry_image=debug are expected")]
    Filter {
        /// What was given.
        filter: String,
        /// Where it goes wrong.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The format is not one.
    #[error("{0:?} is not a log format: text or json is expected")]
    Format(String),
    /// There is one already.
    #[error("the log is set up already")]
    Twice(#[source] TryInitError),
}

/// Sends the process's log to standard error.
///
/// `filter` is in the syntax of `RUST_LOG`, such as `info` or `info,scurry_store_cinder=debug`.
///
/// # Errors
/// [`InitError`] for a wrong filter, and when it is called a second time.
pub fn init(format: LogFormat, filter: &str) -> Result<(), InitError> {
    let parsed = EnvFilter::try_new(filter)
        .map_err(|source| InitError::Filter { filter: filter.to_owned(), source })?;
    let base = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => base.with_target(true).finish().try_init(),
        LogFormat::Json => base.json().flatten_event(true).with_current_span(true).finish().try_init(),
    }
    .map_err(InitError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named_and_a_second_log_refused() {
        let error = init(LogFormat::Text, "scurry=loudest").unwrap_err();
        assert!(error.to_string().contains("scurry=loudest"), "{error}");
        init(LogFormat::Json, "info,scurry=debug").unwrap();
        assert!(matches!(init(LogFormat::Text, "info"), Err(InitError::Twice(_))));
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
        assert!("xml".parse::<LogFormat>().is_err());
    }
}
