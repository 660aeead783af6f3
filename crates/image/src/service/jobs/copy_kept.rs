// SPDX-License-Identifier: Apache-2.0
//! What a copy's job keeps in its row: the plan, how far it is, and objects an attempt after it can go on with.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use scurry_jobs::{Job, JobContext};
use scurry_store::Store;
use scurry_transfer::{CopyPlan, KeepCopied, Progress};
use scurry_types::{ImageId, Ranges, StoreId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Loss;
use crate::ports::{Purpose, WriteRow};
use crate::service::Answer;
use crate::service::core::Core;
use crate::service::intake::Lane;

/// How far a copy came, where its rows do not say so themselves.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::service) struct Kept {
    /// Set once it was decided to undo the copy: why.
    pub(super) undo: Option<Vec<Loss>>,
    /// What is being done.
    pub(in crate::service) plan: Option<CopyPlan>,
    /// Bytes gone through, zeroes included.
    pub(in crate::service) done: u64,
    /// Blocks that are durable in objects on their way, by the journal's rows.
    blocks: BTreeMap<String, Ranges>,
}

impl Kept {
    pub(in crate::service) fn of(job: &Job) -> Self {
        serde_json::from_value(job.checkpoint.clone()).unwrap_or_default()
    }
}

/// The job's row while it is worked on.
#[derive(Debug)]
pub(super) struct Notes {
    context: JobContext,
    kept: tokio::sync::Mutex<Kept>,
}

impl Notes {
    pub(super) fn new(context: &JobContext, kept: Kept) -> Arc<Self> {
        Arc::new(Self { context: context.clone(), kept: tokio::sync::Mutex::new(kept) })
    }

    /// Changes what is kept; `false` when the job is no longer this node's. Without the database the copy goes on: at
    /// worst more of it is done again.
    pub(super) async fn note(&self, change: impl FnOnce(&mut Kept) + Send) -> bool {
        let mut kept = self.kept.lock().await;
        change(&mut kept);
        self.context.checkpoint(&json!(*kept)).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error.source, "how far a copy is cannot be kept");
            true
        })
    }

    /// Keeps that the copy is undone and why: from then on there is only one way, also after a crash.
    pub(super) async fn decide_undo(&self, lost: &[Loss]) -> Answer<()> {
        let mut kept = self.kept.lock().await;
        kept.undo = Some(lost.to_vec());
        self.context.checkpoint(&json!(*kept)).await?;
        Ok(())
    }

    pub(super) async fn has_plan(&self) -> bool {
        self.kept.lock().await.plan.is_some()
    }
}

/// What a copy still has to do.
#[derive(Debug)]
pub(super) struct Remaining {
    /// Stores without the image.
    pub(super) missing: Vec<Arc<dyn Store>>,
    /// Objects in some of them that can be gone on with.
    pub(super) unfinished: Vec<Unfinished>,
    pub(super) notes: Arc<Notes>,
}

/// Keeps how much of a copy is durable.
#[derive(Debug)]
pub(super) struct Keeper {
    notes: Arc<Notes>,
    /// The journal's rows of the stores.
    rows: BTreeMap<StoreId, String>,
    progress: Arc<Progress>,
    core: Arc<Core>,
}

impl Keeper {
    pub(super) fn new(
        core: &Arc<Core>,
        notes: &Arc<Notes>,
        lanes: &[Lane],
        progress: &Arc<Progress>,
    ) -> Self {
        let rows = lanes.iter().map(|lane| (lane.id().clone(), lane.row.id.clone())).collect();
        Self { notes: Arc::clone(notes), rows, progress: Arc::clone(progress), core: Arc::clone(core) }
    }
}

#[async_trait]
impl KeepCopied for Keeper {
    async fn keep(&self, written: Vec<(StoreId, Ranges)>) -> bool {
        let row = |(store, blocks)| Some((self.rows.get(&store)?.clone(), blocks));
        let blocks = written.into_iter().filter_map(row).collect();
        let done = self.progress.snapshot().done;
        let ours = self.notes.note(|kept| (kept.blocks, kept.done) = (blocks, done)).await;
        self.core.crash.pass("copy.kept").await;
        ours
    }
}

/// An object on its way that an earlier attempt left, and the blocks that are there.
pub(super) type Unfinished = (WriteRow, Ranges);

impl Core {
    /// Clears what earlier attempts left, but for what can be gone on with: that is the answer. Only for whoever has the
    /// image's turn.
    pub(super) async fn unfinished_copies(&self, id: &ImageId, kept: &Kept) -> Answer<Vec<Unfinished>> {
        let mut unfinished = Vec::new();
        for row in self.images.journal(Some(id), None).await? {
            match kept.blocks.get(&row.id).filter(|_| kept.undo.is_none() && row.url.is_some()) {
                Some(blocks) if row.purpose == Purpose::Import => unfinished.push((row, blocks.clone())),
                _ if matches!(row.purpose, Purpose::Import | Purpose::Undo) => self.clear_write(&row).await?,
                _ => {}
            }
        }
        Ok(unfinished)
    }
}
