// SPDX-License-Identifier: Apache-2.0
//! Several nodes on one database: each says that it is there, and one of them clears up after those that are not any
//! more.
//!
//! A node that was taken for dead and is not does no harm: its writes are gone from the journal, and without them what it
//! wrote does not count.

use std::collections::BTreeSet;
use std::time::Duration;

use scurry_store::{StoreError, WriteSpec};

use super::core::Core;
use super::{Answer, ImageService};
use crate::ports::{NodeSeen, WriteRow};

/// Pause between two signs of life.
const BEAT: Duration = Duration::from_secs(10);
/// Age at which a staged file that no image knows of is removed: its image may just be told of it.
const SETTLED: Duration = Duration::from_secs(60);

impl ImageService {
    /// Says that this node is there, and looks after the others and the staging area, until the service goes down.
    pub(super) fn look_after_nodes(&self) {
        let core = std::sync::Arc::clone(&self.core);
        let beat = BEAT.min(core.settings.node_silence / 4);
        self.tracker.spawn(async move {
            loop {
                tokio::select! {
                    () = core.stopping.cancelled() => return,
                    () = tokio::time::sleep(beat) => {}
                }
                if let Err(error) = core.round().await {
                    tracing::warn!(error = error.reason(), "the nodes cannot be looked after");
                }
            }
        });
    }
}

impl Core {
    async fn round(&self) -> Answer<()> {
        self.images.node_heartbeat(&self.settings.node_id).await?;
        self.sweep_staging(SETTLED).await?;
        if self.leads().await? {
            self.bury().await?;
        }
        Ok(())
    }

    fn is_alive(&self, seen: &NodeSeen) -> bool {
        seen.silent_for < self.settings.node_silence
    }

    /// Whether what one node is to do for all is this one's to do. While a node starts or dies it may be two or none:
    /// nothing of it is harmed by that.
    pub(super) async fn leads(&self) -> Answer<bool> {
        let nodes = self.images.nodes().await?;
        let first = nodes.iter().filter(|seen| self.is_alive(seen)).map(|seen| seen.name.as_str()).min();
        Ok(first.is_none_or(|first| first >= self.settings.node_id.as_str()))
    }

    /// Names of the other nodes that are there.
    pub(super) async fn others_alive(&self) -> Answer<BTreeSet<String>> {
        let mut nodes = self.images.nodes().await?;
        nodes.retain(|seen| self.is_alive(seen) && seen.name != self.settings.node_id);
        Ok(nodes.into_iter().map(|seen| seen.name).collect())
    }

    /// Clears up after nodes that are not heard of any more.
    async fn bury(&self) -> Answer<()> {
        let nodes = self.images.nodes().await?;
        let mut dead = BTreeSet::new();
        for row in self.images.journal(None, None).await? {
            let seen = nodes.iter().find(|seen| seen.name == row.node);
            if row.node != self.settings.node_id && seen.is_none_or(|seen| !self.is_alive(seen)) {
                dead.insert(row.node);
            }
        }
        let any = !dead.is_empty();
        for node in dead {
            tracing::warn!(node, "a node is not heard of any more; what it was writing is cleared up");
            self.clear_journal(&node).await?;
        }
        if any {
            self.free_images().await?;
            self.drop_dead_holds().await?;
        }
        // Those whose staged bytes are waited for are remembered for longer.
        let forgotten = self.settings.node_silence.saturating_mul(100);
        for seen in nodes.iter().filter(|seen| seen.silent_for > forgotten) {
            self.images.forget_node(&seen.name, forgotten).await?;
        }
        Ok(())
    }

    /// Takes an unfinished object from a node that is not there any more: it may still hold it open in the store. What
    /// cannot be taken is left to be cleared as it is.
    pub(super) async fn wrest(&self, row: &WriteRow) {
        let store = row.store.as_ref().and_then(|id| self.stores.get(id.as_str()));
        let (Some(store), Some(url)) = (store, &row.url) else { return };
        let spec = WriteSpec { image: row.image.clone(), owner: None, len: None };
        let taken: Result<(), StoreError> = async {
            match store.resume_write(url, &spec).await? {
                Some(writer) => writer.abort().await,
                None => Ok(()),
            }
        }
        .await;
        if let Err(error) = taken {
            tracing::info!(image.id = %row.image, url, %error, "an unfinished object of another node is not to be had");
        }
    }
}
