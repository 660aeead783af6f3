// SPDX-License-Identifier: Apache-2.0
//! The image list's filters, order and page, as types.

use chrono::{DateTime, Utc};
use scurry_types::{ImageId, MemberStatus, Visibility};

/// How a text column is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Equal to it.
    Eq(String),
    /// Equal to one of them.
    In(Vec<String>),
}

/// How a time column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TimeOp {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
}

/// Columns that hold numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NumberField {
    Size,
    VirtualSize,
    MinDisk,
    MinRam,
}

/// `visibility=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisibilityFilter {
    /// Everything the caller may see.
    All,
    /// Images of that visibility.
    Is(Visibility),
}

/// `member_status=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberStatusFilter {
    /// Whatever the caller answered.
    All,
    /// Images the caller answered that way.
    Is(MemberStatus),
}

/// One condition; all of a query's conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Filter {
    Name(Match),
    Id(Match),
    Status(Match),
    DiskFormat(Match),
    ContainerFormat(Match),
    Owner(String),
    Visibility(VisibilityFilter),
    MemberStatus(MemberStatusFilter),
    /// The image has the tag; given several times, all of them.
    Tag(String),
    OsHidden(bool),
    Protected(bool),
    /// At least.
    Min(NumberField, i64),
    /// At most.
    Max(NumberField, i64),
    /// Equal.
    Number(NumberField, i64),
    CreatedAt(TimeOp, DateTime<Utc>),
    UpdatedAt(TimeOp, DateTime<Utc>),
    Checksum(String),
    OsHashAlgo(String),
    OsHashValue(String),
    /// The image has the additional property with that value.
    Property(String, String),
    /// Nothing matches (a value its column can never have).
    Nothing,
}

/// What a list may be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SortKey {
    Name,
    Status,
    ContainerFormat,
    DiskFormat,
    Size,
    Id,
    CreatedAt,
    UpdatedAt,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Direction {
    Asc,
    Desc,
}

/// Query of `GET /v2/images`. Without an [`Filter::OsHidden`] hidden images stay out; without a
/// [`Filter::Visibility`] the caller's own, public and accepted shared images are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Conditions.
    pub filters: Vec<Filter>,
    /// Order; `created_at` and `id` break ties.
    pub sort: Vec<(SortKey, Direction)>,
    /// Last image of the page before.
    pub marker: Option<ImageId>,
    /// Longest page.
    pub limit: u32,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            sort: vec![(SortKey::CreatedAt, Direction::Desc)],
            marker: None,
            limit: 25,
        }
    }
}
