// SPDX-License-Identifier: Apache-2.0
//! What a copy is going to do, decided and told before it is done.

use std::sync::Arc;

use scurry_store::{CloneSource, Offer, Store, StoreError, StoreReader, Strategy, WriteSpec};
use scurry_types::{ExtentKind, StoreId};
use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::clone::own_first;
use crate::copy::walk::extents;

/// Extents are asked for this many bytes of image at a time.
const WINDOW: u64 = 1 << 34;

/// How an image gets into stores.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CopyPlan {
    /// Length of the image in bytes.
    pub len: u64,
    /// The store that is read, where bytes are.
    pub source: Option<StoreId>,
    /// What is there to read; `None` while nobody has looked.
    pub extents: Option<SourceExtents>,
    /// One a target, in the order in which they were asked for.
    pub targets: Vec<Planned>,
}

/// What a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceExtents {
    /// Stretches of data.
    pub count: u64,
    /// Bytes in them: what is read, and written to each target of an extent copy.
    pub data: u64,
    /// Bytes known to be zero.
    pub zero: u64,
}

/// How one target gets the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The target.
    pub store: StoreId,
    /// The best way there is.
    pub strategy: Strategy,
    /// The store that is cloned or read from, another target that gets the image first included.
    pub source: Option<StoreId>,
    /// Why not a better one.
    pub refused: Vec<Refused>,
}

impl CopyPlan {
    /// Whether any target needs bytes.
    #[must_use]
    pub fn moves_bytes(&self) -> bool {
        self.targets.iter().any(|target| target.strategy == Strategy::ExtentCopy)
    }

    /// Notes that a store did not do what was planned: it gets bytes.
    pub fn falls_back(&mut self, store: &StoreId, refused: Vec<Refused>) {
        let planned = |target: &&mut Planned| {
            // Refused of another source than the one that is to be cloned, nothing changes.
            target.store == *store && refused.iter().any(|refusal| refusal.source == target.source)
        };
        let Some(target) = self.targets.iter_mut().find(planned) else { return };
        target.strategy = Strategy::ExtentCopy;
        target.source = self.source.clone();
        for refusal in refused {
            if !target.refused.contains(&refusal) {
                target.refused.push(refusal);
            }
        }
    }
}

/// Asks each target for the best it can do with the sources, which are in the order in which they would be read. Nothing
/// is done, and nothing is promised: what a store does in the end may differ.
pub async fn plan_targets(
    targets: &[Arc<dyn Store>],
    sources: &[CloneSource],
    spec: &WriteSpec,
) -> Vec<Planned> {
    let first = sources.first().map(|source| source.store.clone());
    let mut planned = Vec::with_capacity(targets.len());
    // Stores that get bytes, by their backend: the next one of it is cloned from there.
    let mut leaders: Vec<(&'static str, String, StoreId)> = Vec::new();
    for target in targets {
        let facts = target.facts();
        let (best, mut refused) = best(target.as_ref(), sources, spec).await;
        let (strategy, source) = match best {
            Some((strategy, source)) => (strategy, Some(source)),
            None => match target.backend().await.filter(|_| target.capability().clone) {
                Some(backend) => {
                    let same =
                        |leader: &&(&str, String, StoreId)| (leader.0, &leader.1) == (facts.kind, &backend);
                    match leaders.iter().find(same).map(|leader| leader.2.clone()) {
                        Some(leader) => (of_same_backend(&refused), Some(leader)),
                        None => {
                            leaders.push((facts.kind, backend, facts.id.clone()));
                            (Strategy::ExtentCopy, first.clone())
                        }
                    }
                }
                None => (Strategy::ExtentCopy, first.clone()),
            },
        };
        refused.retain(|refusal| refusal.strategy <= strategy);
        planned.push(Planned { store: facts.id.clone(), strategy, source, refused });
    }
    planned
}

/// What a store that clones was asked about is what it does with an object of its own backend.
fn of_same_backend(refused: &[Refused]) -> Strategy {
    let asked = refused.iter().map(|refusal| refusal.strategy);
    asked.filter(|strategy| *strategy != Strategy::ServerSideCopy).min().unwrap_or(Strategy::BackendClone)
}

async fn best(
    target: &dyn Store,
    sources: &[CloneSource],
    spec: &WriteSpec,
) -> (Option<(Strategy, StoreId)>, Vec<Refused>) {
    let mut best: Option<(Strategy, StoreId)> = None;
    let mut refused = Vec::new();
    for source in own_first(target, sources) {
        let offers = target.offers(source, spec).await.unwrap_or_else(|error| {
            tracing::warn!(store.id = %target.facts().id, %error, "a store cannot say what it would do");
            vec![Offer::refused(Strategy::BackendClone, format!("the store cannot say: {:?}", error.kind))]
        });
        for Offer { strategy, refused: reason } in offers {
            match reason {
                Some(reason) => {
                    refused.push(Refused { strategy, source: Some(source.store.clone()), reason });
                }
                None if best.as_ref().is_none_or(|best| strategy < best.0) => {
                    best = Some((strategy, source.store.clone()));
                }
                None => {}
            }
        }
    }
    (best, refused)
}

/// What an object holds, in time that grows with its extents only.
pub async fn survey(reader: &dyn StoreReader) -> Result<SourceExtents, StoreError> {
    let len = reader.len();
    let mut found = SourceExtents::default();
    let (mut start, mut before) = (0, ExtentKind::Zero);
    while start < len {
        let end = len.min(start.saturating_add(WINDOW));
        for extent in extents(reader, start..end).await? {
            match extent.kind {
                ExtentKind::Data => {
                    // One that goes on from the window before is the same.
                    found.count += u64::from(before == ExtentKind::Zero);
                    found.data += extent.len;
                }
                ExtentKind::Zero => found.zero += extent.len,
            }
            before = extent.kind;
        }
        start = end;
    }
    Ok(found)
}
