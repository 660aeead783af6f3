// SPDX-License-Identifier: Apache-2.0
//! Objects a copy writes to: begun anew, or gone on with where an earlier attempt left them.

use std::collections::BTreeMap;

use scurry_store::{StoreWriter, WriteSpec};
use scurry_transfer::{OnFailure, Target};
use scurry_types::{Ranges, StoreId};

use super::copy::CopyJob;
use super::copy_clone::Round;
use super::copy_step::loss;
use crate::error::ImageError;
use crate::image::Image;
use crate::service::Answer;
use crate::service::intake::Lane;

/// The targets of a copy, and the blocks some have already.
#[derive(Debug, Default)]
pub(super) struct Begun {
    pub(super) targets: Vec<Target>,
    pub(super) written: BTreeMap<StoreId, Ranges>,
}

impl CopyJob {
    /// Opens an object in each lane's store. A lane that cannot begin is lost; where all must succeed the
    /// first loss ends it for all of them.
    pub(super) async fn begin_all(
        &self,
        image: &Image,
        round: &mut Round,
        on_failure: OnFailure,
        resumable: bool,
    ) -> Answer<Begun> {
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len: image.size };
        let mut begun = Begun::default();
        let mut kept = Vec::new();
        let mut failed = false;
        for lane in std::mem::take(&mut round.lanes) {
            if failed && on_failure == OnFailure::AbortAll {
                self.clear(std::slice::from_ref(&lane)).await;
                continue;
            }
            let blocks = round.unfinished.remove(&lane.row.id);
            match self.begin_one(&lane, &spec, blocks, resumable, &mut begun.written).await {
                Ok(writer) => {
                    let (store, capability) = (lane.id().clone(), lane.store.capability());
                    begun.targets.push(Target { store, writer, capability });
                    kept.push(lane);
                }
                Err(ImageError::Store(error)) => {
                    failed = true;
                    round.lost.push(loss(lane.id(), &error));
                    self.clear(std::slice::from_ref(&lane)).await;
                }
                Err(error) => {
                    round.lanes = kept;
                    round.lanes.push(lane);
                    return Err(error);
                }
            }
        }
        if failed && on_failure == OnFailure::AbortAll {
            for target in begun.targets.drain(..) {
                if let Err(error) = target.writer.abort().await {
                    tracing::warn!(store.id = %target.store, error = %error, "an object that does not count is still there");
                }
            }
            self.clear(&kept).await;
            kept.clear();
        }
        round.lanes = kept;
        Ok(begun)
    }

    async fn begin_one(
        &self,
        lane: &Lane,
        spec: &WriteSpec,
        blocks: Option<Ranges>,
        resumable: bool,
        written: &mut BTreeMap<StoreId, Ranges>,
    ) -> Answer<Box<dyn StoreWriter>> {
        let Some(blocks) = blocks else { return self.core.begin(lane, spec).await };
        if resumable && let Some(writer) = go_on(lane, spec).await {
            tracing::info!(image.id = %spec.image, store.id = %lane.id(), url = writer.url(), blocks = blocks.len(), "going on with a copy");
            written.insert(lane.id().clone(), blocks);
            self.core.crash.pass("copy.resumed").await;
            return Ok(writer);
        }
        // The journal is about to name another object.
        self.core.clear_store(lane.store.as_ref(), &spec.image, Some(&lane.row)).await?;
        self.core.begin(lane, spec).await
    }
}

async fn go_on(lane: &Lane, spec: &WriteSpec) -> Option<Box<dyn StoreWriter>> {
    let url = lane.row.url.as_ref()?;
    lane.store.resume_write(url, spec).await.unwrap_or_else(|error| {
        tracing::warn!(store.id = %lane.id(), url, %error, "an unfinished copy cannot be gone on with");
        None
    })
}
