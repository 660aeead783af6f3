// SPDX-License-Identifier: Apache-2.0
//! How far an import is, kept on its job, and how another attempt goes on from there.

use std::sync::Arc;

use async_trait::async_trait;
use scurry_jobs::{Job, JobContext};
use scurry_store::{StoreWriter, WriteSpec};
use scurry_transfer::{Checkpoint, Checkpoints, KeepCheckpoint};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ImportPayload;
use super::super::origin::Version;
use crate::image::Image;
use crate::ports::Purpose;
use crate::service::Answer;
use crate::service::core::Core;
use crate::service::intake::{Going, Lane};

/// Bytes from one checkpoint to the next at least.
const EVERY: u64 = 64 << 20;

/// What a job's row keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mark {
    transfer: Checkpoint,
    /// What was read; other bytes are not gone on with.
    version: Version,
    /// Journal rows of the objects, in the order of the job's stores.
    rows: Vec<String>,
}

impl Mark {
    pub(super) fn of(job: &Job) -> Option<Self> {
        serde_json::from_value(job.checkpoint.clone()).ok()
    }

    /// Where the source is to be read on, and what it has to be.
    pub(super) fn place(&self) -> (u64, &Version) {
        (self.transfer.offset(), &self.version)
    }
}

/// The objects of an earlier attempt, open again.
#[derive(Debug)]
pub(super) struct Reopened {
    pub(super) lanes: Vec<Lane>,
    pub(super) mark: Mark,
    pub(super) writers: Vec<Box<dyn StoreWriter>>,
}

/// Keeps checkpoints on the job for as long as that is this node's.
#[derive(Debug)]
struct Keeper {
    context: JobContext,
    version: Version,
    rows: Vec<String>,
}

#[async_trait]
impl KeepCheckpoint for Keeper {
    async fn keep(&self, transfer: Checkpoint) -> bool {
        let mark = Mark { transfer, version: self.version.clone(), rows: self.rows.clone() };
        match self.context.checkpoint(&json!(mark)).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, "a checkpoint of an import cannot be kept");
                false
            }
        }
    }
}

/// How a transfer of that version of the source is kept track of.
pub(super) fn going(
    context: &JobContext,
    version: Version,
    lanes: &[Lane],
    reopened: Option<(Mark, Vec<Box<dyn StoreWriter>>)>,
) -> Going {
    let rows = lanes.iter().map(|lane| lane.row.id.clone()).collect();
    let keep = Arc::new(Keeper { context: context.clone(), version, rows });
    let resume = reopened.map(|(mark, writers)| (mark.transfer, writers));
    Going { checkpoints: Checkpoints { every: EVERY, keep }, resume }
}

impl Core {
    /// Whether an import's bytes go into the stores as they come.
    pub(super) fn imports_as_is(&self) -> bool {
        use crate::plugins::ImportPlugin::{InjectMetadata, NoOp};
        self.settings.import_plugins.steps.iter().all(|step| matches!(step, NoOp | InjectMetadata))
    }

    /// Opens what an earlier attempt began; `None` when that is not all there any more.
    pub(super) async fn reopen_import(
        &self,
        job: &Job,
        image: &Image,
        payload: &ImportPayload,
    ) -> Answer<Option<Reopened>> {
        let Some(mark) = Mark::of(job).filter(|_| self.imports_as_is()) else { return Ok(None) };
        let mut rows = self.images.journal(Some(&image.id), None).await?;
        rows.retain(|row| row.purpose == Purpose::Import);
        if rows.len() != mark.rows.len() {
            return Ok(None);
        }
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len: mark.version.len };
        let (mut lanes, mut writers) = (Vec::new(), Vec::new());
        for (store, id) in payload.stores.iter().zip(&mark.rows) {
            let row = rows.iter().find(|row| row.id == *id && row.store.as_ref() == Some(store)).cloned();
            let (Some(row), Some(store)) = (row, self.stores.get(store.as_str())) else { return Ok(None) };
            let Some(url) = row.url.as_deref() else { return Ok(None) };
            let writer = match store.resume_write(url, &spec).await {
                Ok(Some(writer)) => writer,
                Ok(None) => return Ok(None),
                Err(error) => {
                    tracing::warn!(image.id = %image.id, store.id = %row.id, %error, "an import begins anew");
                    return Ok(None);
                }
            };
            writers.push(writer);
            lanes.push(Lane { store: Arc::clone(store), row });
        }
        Ok((lanes.len() == mark.rows.len()).then_some(Reopened { lanes, mark, writers }))
    }
}
