// SPDX-License-Identifier: Apache-2.0
//! What a project's requests under way will add to its usage, so that many at once stay below the limit too.
//!
//! It holds for the requests of this process; several processes may together go over a limit by what they take in
//! at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use scurry_types::ProjectId;
use tokio::sync::OwnedMutexGuard;

use super::{Resource, mebibytes};
use crate::service::Answer;
use crate::service::core::Core;

#[derive(Debug, Default)]
pub(in crate::service) struct Reservations {
    turns: Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<()>>>>,
    /// Announced bytes on their way, by project.
    incoming: Mutex<HashMap<ProjectId, u64>>,
}

impl Reservations {
    /// One check of a project's usage and the change that follows it at a time.
    pub(in crate::service) async fn turn(&self, project: Option<&ProjectId>) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(project?.clone()).or_default())
        };
        Some(turn.lock_owned().await)
    }

    pub(super) fn incoming(&self, project: &ProjectId) -> u64 {
        let incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        incoming.get(project).copied().unwrap_or(0)
    }

    /// Counts bytes of the project as coming, as long as the answer is there.
    pub(super) fn hold(self: &Arc<Self>, project: &ProjectId, bytes: u64) -> Incoming {
        self.add(project, bytes);
        Incoming { reservations: Arc::clone(self), project: project.clone(), bytes }
    }

    fn add(&self, project: &ProjectId, bytes: u64) {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = incoming.entry(project.clone()).or_default();
        *sum = sum.saturating_add(bytes);
    }

    fn remove(&self, project: &ProjectId, bytes: u64) {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let left = incoming.get(project).map_or(0, |sum| sum.saturating_sub(bytes));
        if left == 0 {
            incoming.remove(project);
        } else {
            incoming.insert(project.clone(), left);
        }
    }
}

/// Announced bytes of one upload; they count until this is dropped.
#[derive(Debug)]
pub(in crate::service) struct Incoming {
    reservations: Arc<Reservations>,
    project: ProjectId,
    bytes: u64,
}

impl Incoming {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts that many bytes, where fewer were announced.
    pub(super) fn grow_to(&mut self, bytes: u64) {
        self.reservations.add(&self.project, bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.max(bytes);
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.reservations.remove(&self.project, self.bytes);
    }
}

impl Core {
    /// Refuses an upload that, with those under way, would exceed the project's `image_size_total`.
    pub(in crate::service) async fn reserve(
        &self,
        project: Option<&ProjectId>,
        announced: Option<u64>,
    ) -> Answer<Option<Incoming>> {
        let Some(project) = project.filter(|_| self.limits.is_some()) else { return Ok(None) };
        let _turn = self.reservations.turn(Some(project)).await;
        let bytes = announced.unwrap_or(0);
        let coming = self.reservations.incoming(project).saturating_add(bytes);
        self.enforce(Some(project), Resource::SizeTotal, mebibytes(Some(coming))).await?;
        Ok(Some(self.reservations.hold(project, bytes)))
    }
}
