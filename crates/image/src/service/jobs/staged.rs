// SPDX-License-Identifier: Apache-2.0
//! Where the staged bytes are that an import is to read: here, or in another node's staging directory.

use scurry_types::ImageId;

use super::{Core, Source};
use crate::service::Answer;

/// Where an import's bytes are.
pub(super) enum Bytes {
    /// This node can read them.
    Here,
    /// That node can, and is there or will be.
    On(String),
    /// No node can: why.
    Lost(String),
}

/// How much longer a node that holds staged bytes is waited for than one that holds only unfinished ones.
const PATIENCE: u32 = 5;

impl Core {
    pub(super) async fn bytes_at(&self, id: &ImageId, source: &Source) -> Answer<Bytes> {
        if *source != Source::Staged {
            return Ok(Bytes::Here);
        }
        let Some(node) = self.images.staged_on(id).await? else { return Ok(Bytes::Here) };
        // With a staging directory in common it does not matter who has written there.
        if node == self.settings.node_id || tokio::fs::try_exists(self.staged_file(id)).await.unwrap_or(false)
        {
            return Ok(Bytes::Here);
        }
        let nodes = self.images.nodes().await?;
        let seen = nodes.into_iter().find(|seen| seen.name == node);
        let most = self.settings.node_silence.saturating_mul(PATIENCE);
        if seen.as_ref().is_some_and(|seen| seen.silent_for < most) {
            return Ok(Bytes::On(node));
        }
        let since = seen.map_or_else(String::new, |seen| format!(" for {} s", seen.silent_for.as_secs()));
        Ok(Bytes::Lost(format!("The image was staged on node {node}, which has not been heard of{since}")))
    }
}
