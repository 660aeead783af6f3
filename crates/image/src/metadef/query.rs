// SPDX-License-Identifier: Apache-2.0
//! What lists are asked for.

use crate::query::Direction;

/// What namespaces are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NamespaceSortKey {
    Id,
    Name,
    DisplayName,
    Description,
    Visibility,
    Protected,
    Owner,
    CreatedAt,
    UpdatedAt,
}

/// Query of `/v2/metadefs/namespaces`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceQuery {
    /// Only those of that visibility.
    pub visibility: Option<String>,
    /// Only those associated with one of these.
    pub resource_types: Option<Vec<String>>,
    /// Order; ties are broken by creation and id.
    pub sort: (NamespaceSortKey, Direction),
    /// Name of the last namespace of the page before.
    pub marker: Option<String>,
    /// Longest page.
    pub limit: u32,
}

/// What objects and tags are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ItemSortKey {
    Id,
    Name,
    Description,
    CreatedAt,
    UpdatedAt,
}

/// Query of the objects or tags of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemQuery {
    /// Order, by name without; ties are broken by creation and id.
    pub sort: Option<(ItemSortKey, Direction)>,
    /// Name of the last item of the page before.
    pub marker: Option<String>,
    /// Longest page.
    pub limit: Option<usize>,
}
