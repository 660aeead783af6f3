// SPDX-License-Identifier: Apache-2.0
//! Columns as an index may serve them, and as it may not.
//!
//! Without statistics the database takes any equality for a rare one. So a page's SQL leaves one way to be answered:
//! what shall choose the index is written plainly, everything else behind a unary plus.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, IntoSimpleExpr};

use crate::entity::image::Column;

/// A column that may choose an index.
pub(super) fn plain(column: Column) -> Expr {
    column.into_simple_expr()
}

/// The same value, of use to no index of SQLite's. The others choose by statistics, see [`crate::dialect`].
pub(in crate::images) fn checked<C: ColumnTrait>(column: C) -> Expr {
    Expr::cust(format!("+{}.{}", column.entity_name(), column.as_str()))
}
