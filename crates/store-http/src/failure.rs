// SPDX-License-Identifier: Apache-2.0
//! What a failed fetch is to whoever uses the store.

use scurry_fetch::FetchError;
use scurry_store::{Operation, StoreError, StoreErrorKind};
use scurry_types::StoreId;

pub(crate) fn failed(store: &StoreId, operation: Operation, error: &FetchError) -> StoreError {
    let kind = match error {
        FetchError::Refused { .. } => StoreErrorKind::Invalid,
        FetchError::Status { status, .. } => match status.as_u16() {
            404 | 410 => StoreErrorKind::NotFound,
            401 | 403 => StoreErrorKind::Denied,
            _ if error.is_passing() => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Other,
        },
        _ if error.is_passing() => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Other,
    };
    StoreError::new(store, operation, kind, scurry_types::with_causes(&error))
}
