// SPDX-License-Identifier: Apache-2.0
//! Points in time as Glance's own library writes them: UTC; in SQLite text with always six decimals.
//!
//! Fixed width makes the text's order the order of time; another number of decimals would be misread by
//! Glance. Glance's columns in MySQL hold whole seconds.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, IntoActiveValue, QueryResult, TryGetError, TryGetable, Value};
use serde::{Deserialize, Deserializer, de};

/// A point in time in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub(crate) DateTime<Utc>);

impl Stamp {
    /// Stands for none where rows are sorted: the beginning of the epoch is before everything there is.
    pub(crate) const LEAST: Self = Self(DateTime::UNIX_EPOCH);

    /// The present, to the microsecond.
    pub(crate) fn now() -> Self {
        Self(Utc::now().trunc_subsecs(6))
    }

    pub(crate) fn text(self) -> String {
        self.0.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Some(time) = fixed(text) {
            return Some(Self(time));
        }
        let text = text.trim_end_matches('Z');
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|time| Self(time.and_utc()))
    }
}

/// The form it is written in, without a parser of forms: a page has two of them an image.
fn fixed(text: &str) -> Option<DateTime<Utc>> {
    let text: &[u8; 26] = text.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':'), (19, b'.')];
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    if marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(number(0, 4)?.cast_signed(), number(5, 7)?, number(8, 10)?)?;
    let time = date.and_hms_micro_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?)?;
    Some(time.and_utc())
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| de::Error::custom(format_args!("{text:?} is not a point in time")))
    }
}

impl From<DateTime<Utc>> for Stamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(6))
    }
}

/// What [`crate::dialect::Adapted`] makes text of for SQLite.
impl From<Stamp> for Value {
    fn from(stamp: Stamp) -> Self {
        Self::from(stamp.0.naive_utc())
    }
}

impl TryGetable for Stamp {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_sqlite_row().is_none() {
            return NaiveDateTime::try_get_by(row, index).map(|time| Self(time.and_utc()));
        }
        let text = String::try_get_by(row, index)?;
        Self::read(&text).ok_or_else(|| DbErr::Type(format!("{text:?} is not a point in time")).into())
    }
}

impl ValueType for Stamp {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <NaiveDateTime as ValueType>::try_from(value).map(|time| Self(time.and_utc()))
    }

    fn type_name() -> String {
        "Stamp".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::ChronoDateTime
    }

    fn column_type() -> ColumnType {
        ColumnType::DateTime
    }
}

impl Nullable for Stamp {
    fn null() -> Value {
        Value::ChronoDateTime(None)
    }
}

impl IntoActiveValue<Self> for Stamp {
    fn into_active_value(self) -> sea_orm::ActiveValue<Self> {
        sea_orm::ActiveValue::Set(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_six_decimals_and_reads_back() {
        let stamp = Stamp::read("2026-11-22 14:10:53").unwrap();
        assert_eq!(stamp.text(), "2026-11-22 14:10:53.000000");
        let now = Stamp::now();
        assert_eq!(Stamp::read(&now.text()), Some(now));
        assert_eq!(Stamp::read("soon"), None);
        for wrong in
            ["2026-13-22 14:10:53.000000", "2026-11-22 24:10:53.000000", "2026-11-22 14:10:5\u{e9}.00000"]
        {
            assert_eq!(Stamp::read(wrong), None);
        }
        assert_eq!(Stamp::read("2026-11-22T14:10:53.250000"), Stamp::read("2026-11-22 14:10:53.250000"));
    }
}
