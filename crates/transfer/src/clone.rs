// SPDX-License-Identifier: Apache-2.0
//! The ladder from a backend's own clone down to moving bytes.

use scurry_store::{CloneOutcome, CloneSource, Store, StoredObject, Strategy, WriteSpec};
use scurry_types::StoreId;
use serde::{Deserialize, Serialize};

/// A strategy that was not taken, for the operator to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which.
    pub strategy: Strategy,
    /// Store of the source it was tried with, if it came that far.
    pub source: Option<StoreId>,
    /// Why not.
    pub reason: String,
}

/// Tries to have the backend clone one of the sources, those of the target store itself first.
///
/// `None` means that bytes must be copied; the refusals say why. An error of the store counts as a refusal: a
/// copy may still work, and what a failed clone left is found by [`Store::find`].
pub async fn clone_or_none(
    target: &dyn Store,
    sources: &[CloneSource],
    spec: &WriteSpec,
) -> (Option<StoredObject>, Vec<Refused>) {
    let strategy = Strategy::BackendClone;
    if !target.capability().clone {
        let reason = format!("store {} cannot clone", target.facts().id);
        return (None, vec![Refused { strategy, source: None, reason }]);
    }
    let own = &target.facts().id;
    let mut refused = Vec::new();
    for source in own_first(target, sources) {
        let reason = match target.clone_from(source, spec).await {
            Ok(CloneOutcome::Cloned(object)) if object.len == source.len => return (Some(object), refused),
            Ok(CloneOutcome::Cloned(object)) => {
                let removed = target.delete(&object.url).await;
                let left = removed.err().map(|error| format!("; it is left behind: {error}"));
                let left = left.unwrap_or_default();
                format!("the clone has {} bytes, its source {}{left}", object.len, source.len)
            }
            Ok(CloneOutcome::Refused(reason)) => reason,
            Err(error) => error.to_string(),
        };
        tracing::debug!(store.id = %own, source = %source.url, %reason, "no backend clone");
        refused.push(Refused { strategy, source: Some(source.store.clone()), reason });
    }
    (None, refused)
}

/// Sources in the order in which a store is asked about them: those in itself first.
pub(crate) fn own_first<'a>(target: &dyn Store, sources: &'a [CloneSource]) -> Vec<&'a CloneSource> {
    let own = &target.facts().id;
    let (mut ordered, others): (Vec<_>, Vec<_>) = sources.iter().partition(|source| source.store == *own);
    ordered.extend(others);
    ordered
}
