// SPDX-License-Identifier: Apache-2.0
//! Copying front to back, for images whose block hashes nobody recorded: digests are compared at the end.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use scurry_store::StoreReader;

use super::checks::Checks;
use super::parts::parts;
use super::{Copied, CopySpec, Read};
use crate::fan::Fan;
use crate::piece::Part;
use crate::{CopyError, Failed, MemoryBudget, Target};

/// Copies an object of which at most its digests are known.
pub(super) async fn copy(
    source: Arc<dyn StoreReader>,
    targets: Vec<Target>,
    spec: CopySpec,
    budget: &MemoryBudget,
) -> Result<Copied, Failed<CopyError>> {
    let fan = Fan::start(targets, spec.on_target_failure);
    let run = Run { source, spec, budget, fan };
    match run.read_all().await {
        Ok(read) => match run.fan.finish().await {
            Ok(targets) => Ok(read.copied(targets)),
            Err(ruins) => Err(ruins.of_copy(CopyError::AllTargetsFailed(Vec::new()))),
        },
        Err(error) => Err(run.fan.abort().await.of_copy(error)),
    }
}

/// One copy at work.
struct Run<'a> {
    source: Arc<dyn StoreReader>,
    spec: CopySpec,
    budget: &'a MemoryBudget,
    fan: Fan,
}

impl Run<'_> {
    async fn read_all(&self) -> Result<Read, CopyError> {
        let checks = Checks::start(self.spec.digests.as_ref()).map_err(CopyError::Hashing)?;
        let (bytes_data, bytes_zero) = self.pour(&checks).await?;
        let blocks = checks.finish().await?;
        Ok(Read { blocks, bytes_data, bytes_zero })
    }

    /// Hands all parts round; the answer is how many bytes were read and how many were known to be zero.
    async fn pour(&self, checks: &Checks) -> Result<(u64, u64), CopyError> {
        let (mut bytes_data, mut bytes_zero) = (0, 0);
        let mut parts = pin!(parts(&self.source, self.budget));
        while let Some(part) = self.guard(parts.next()).await? {
            let part = part.map_err(CopyError::Source)?;
            match &part {
                Part::Data(_) => bytes_data += part.len(),
                Part::Zero { .. } => bytes_zero += part.len(),
            }
            let hand_round = async {
                self.fan.send(&part).await;
                checks.send(&part).await;
            };
            self.guard(hand_round).await?;
            self.spec.progress.advance(part.len());
        }
        Ok((bytes_data, bytes_zero))
    }

    /// Whatever is waited for, the copy can be cancelled, and ends when its targets failed.
    async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, CopyError> {
        tokio::select! {
            biased;
            () = self.spec.cancel.cancelled() => Err(CopyError::Cancelled),
            () = self.fan.stopped() => Err(CopyError::AllTargetsFailed(Vec::new())),
            result = work => Ok(result),
        }
    }
}
