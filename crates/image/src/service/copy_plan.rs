// SPDX-License-Identifier: Apache-2.0
//! What a copy would do, and what one that is under way does.

use std::sync::Arc;

use scurry_store::{CloneSource, Store, WriteSpec};
use scurry_transfer::{CopyPlan, plan_targets, survey};
use scurry_types::{ImageId, JobId};

use super::core::Core;
use super::import::check_state;
use super::jobs::{COPY, Kept};
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::image::Image;
use crate::import::{ImportMethod, ImportRequest};

/// A copy's plan; how far it is, if it is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyOutlook {
    /// The image, with the stores it is in.
    pub image: Image,
    /// What is done, or would be.
    pub plan: CopyPlan,
    /// The task that does it, and bytes it has gone through.
    pub under_way: Option<(JobId, u64)>,
}

impl ImageService {
    /// The plan of the copy that is under way; of the one that `request` would start, if there is none. Nothing is
    /// written anywhere.
    pub async fn copy_plan(
        &self,
        caller: &Caller,
        id: &ImageId,
        request: &ImportRequest,
    ) -> Answer<CopyOutlook> {
        let core = &self.core;
        let image = core.visible(caller, id).await?;
        let jobs = core.jobs.open_jobs(id).await?;
        let copying = jobs.iter().find(|job| job.kind == COPY && image.held_by() == Some(job.id.as_str()));
        if let Some(job) = copying {
            let Kept { plan, done, .. } = Kept::of(job);
            if let Some(plan) = plan {
                return Ok(CopyOutlook { image, plan, under_way: Some((job.id.clone(), done)) });
            }
        }
        check_state(&image, &ImportMethod::CopyImage)?;
        let stores = self.target_stores(&image, request)?;
        let stores: Vec<_> =
            stores.iter().filter_map(|store| core.stores.get(store.as_str())).cloned().collect();
        let mut plan = core.plan_targets(&image, &stores).await;
        if plan.moves_bytes() {
            core.look_at_source(&image, &mut plan).await;
        }
        let under_way = copying.map(|job| (job.id.clone(), 0));
        Ok(CopyOutlook { image, plan, under_way })
    }
}

impl Core {
    /// How each store would get the image.
    pub(super) async fn plan_targets(&self, image: &Image, stores: &[Arc<dyn Store>]) -> CopyPlan {
        let sources = self.clone_sources(image);
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len: image.size };
        let targets = plan_targets(stores, &sources, &spec).await;
        let source = sources.first().map(|source| source.store.clone());
        CopyPlan { len: image.size.unwrap_or(0), source, extents: None, targets }
    }

    /// Counts what there is to read. What cannot be opened now is left out of the plan.
    async fn look_at_source(&self, image: &Image, plan: &mut CopyPlan) {
        let ranked = self.ranked(image, &[]);
        let Some(location) = ranked.first() else { return };
        let found = match self.open(location).await {
            Ok(reader) => {
                let found = survey(reader.as_ref()).await;
                if let Err(error) = reader.close().await {
                    tracing::warn!(image.id = %image.id, %error, "a source did not close");
                }
                found
            }
            Err(error) => Err(error),
        };
        match found {
            Ok(extents) => plan.extents = Some(extents),
            Err(error) => tracing::warn!(image.id = %image.id, %error, "a source cannot be looked at"),
        }
    }

    /// Locations a backend may clone from, best first.
    pub(super) fn clone_sources(&self, image: &Image) -> Vec<CloneSource> {
        let Some(len) = image.size else { return Vec::new() };
        let ranked = self.ranked(image, &[]).into_iter();
        ranked
            .filter_map(|location| {
                let store = self.stores.get(location.store()?)?;
                let facts = store.facts();
                Some(CloneSource {
                    store: facts.id.clone(),
                    kind: facts.kind.to_owned(),
                    url: location.url.clone(),
                    len,
                })
            })
            .collect()
    }
}
