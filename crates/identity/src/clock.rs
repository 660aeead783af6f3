// SPDX-License-Identifier: Apache-2.0
//! Points in time as the database and the API write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Now, in microseconds since 1970.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// `2026-11-22T14:10:31.000000Z`, as tokens write it.
pub(crate) fn token_time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// `2026-11-22T14:10:31.000000`, as application credentials write it.
pub(crate) fn plain_time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// Reads an ISO 8601 time in UTC, with or without a fraction and `Z`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let text = text.strip_suffix('Z').unwrap_or(text);
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .map(|time| time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_back_as_written() {
        let micros = parse("2036-01-02T03:04:05").unwrap();
        assert_eq!(plain_time(micros), "2036-01-02T03:04:05.000000");
        assert_eq!(parse(&plain_time(micros)), Some(micros));
        assert_eq!(parse(&token_time(micros)), Some(micros));
        assert_eq!(parse("2036-01-02T04:04:05+01:00"), Some(micros));
        assert_eq!(parse("tomorrow"), None);
    }
}
