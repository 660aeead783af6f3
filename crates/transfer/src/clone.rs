// SPDX-License-Identifier: Apache-2.0
//! The ladder from a backend's own clone down to moving bytes.

use std::fmt;

use scurry_store::{CloneOutcome, CloneSource, Store, StoredObject, WriteSpec};

/// A way to get an image into a store, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The backend makes the object out of one it has; no bytes move.
    BackendClone,
    /// Data extents are read once and written to the targets.
    ExtentCopy,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackendClone => "backend clone",
            Self::ExtentCopy => "extent copy",
        })
    }
}

/// A strategy that was not taken, for the operator to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub strategy: Strategy,
    /// Url of the source it was tried with, if it came that far.
    pub source: Option<String>,
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
    let (mut ordered, others): (Vec<_>, Vec<_>) = sources.iter().partition(|source| source.store == *own);
    ordered.extend(others);
    let mut refused = Vec::new();
    for source in ordered {
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
        refused.push(Refused { strategy, source: Some(source.url.clone()), reason });
    }
    (None, refused)
}
