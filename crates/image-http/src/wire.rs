// SPDX-License-Identifier: Apache-2.0
//! JSON bodies as clients read and write them.

pub(crate) mod image;
pub(crate) mod member;
pub(crate) mod metadef;
pub(crate) mod new_image;
pub(crate) mod task;

use chrono::{DateTime, SecondsFormat, Utc};

/// A time on the wire: UTC, whole seconds.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
