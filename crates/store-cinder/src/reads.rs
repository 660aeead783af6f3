// SPDX-License-Identifier: Apache-2.0
//! Volumes open for reading: one attachment however many readers this process has.
//!
//! ```text
//! no entry ── first reader: attach ──▶ open, n readers ── last reader gone ──▶ lingering
//!    ▲                                     ▲                                      │
//!    │                                     └────────────── next reader ───────────┤
//!    └──────────────── linger over, or the image is deleted: detach ──────────────┘
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scurry_connect::{Access, BlockVolume};
use tracing::Instrument;

use crate::attachments::{Attached, Attachments};
use crate::failure::Failure;

/// The volumes one store reads in this process.
#[derive(Debug)]
pub(crate) struct Reads {
    attachments: Arc<Attachments>,
    linger: Duration,
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<(Attached, u64)>,
    readers: usize,
    /// Counts the times the last reader went, so that an old timer leaves a newer wait alone.
    idle: u64,
    /// A read has failed: the attachment is not kept for later readers.
    doubtful: bool,
}

/// One reader's share of an attachment. Dropped, it is given back in the background.
#[derive(Debug)]
pub(crate) struct Share {
    reads: Arc<Reads>,
    volume: String,
    entry: Option<Arc<Entry>>,
    pub(crate) device: Arc<dyn BlockVolume>,
    pub(crate) len: u64,
}

impl Reads {
    pub(crate) fn new(attachments: Arc<Attachments>, linger: Duration) -> Self {
        Self { attachments, linger, entries: Mutex::default() }
    }

    /// A share of the volume's attachment; the first one calls `measure` for the image's length and attaches.
    pub(crate) async fn open<F>(self: &Arc<Self>, volume: &str, measure: F) -> Result<Share, Failure>
    where
        F: Future<Output = Result<u64, Failure>> + Send,
    {
        let entry = Arc::clone(self.lock().entry(volume.to_owned()).or_default());
        let mut state = entry.state.lock().await;
        let opened = match &state.open {
            Some((attached, len)) => attached.device().map(|device| (Arc::clone(device), *len)),
            None => self.attach(volume, &mut state, measure).await,
        };
        let (device, len) = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                drop(state);
                self.forget(volume, &entry);
                return Err(failure);
            }
        };
        state.readers += 1;
        drop(state);
        Ok(Share { reads: Arc::clone(self), volume: volume.to_owned(), entry: Some(entry), device, len })
    }

    async fn attach<F>(
        &self,
        volume: &str,
        state: &mut State,
        measure: F,
    ) -> Result<(Arc<dyn BlockVolume>, u64), Failure>
    where
        F: Future<Output = Result<u64, Failure>> + Send,
    {
        let len = measure.await?;
        let attached = self.attachments.attach(volume, Access::ReadOnly).await?;
        let device = Arc::clone(attached.device()?);
        state.open = Some((attached, len));
        state.doubtful = false;
        Ok((device, len))
    }

    /// Detaches a volume nobody reads at the moment.
    pub(crate) async fn evict(&self, volume: &str) -> Result<(), Failure> {
        let Some(entry) = self.lock().get(volume).cloned() else { return Ok(()) };
        self.detach_idle(volume, &entry, None).await
    }

    async fn detach_idle(&self, volume: &str, entry: &Arc<Entry>, idle: Option<u64>) -> Result<(), Failure> {
        let mut state = entry.state.lock().await;
        if state.readers > 0 {
            return Ok(());
        }
        if idle.is_some_and(|idle| idle != state.idle) {
            drop(state);
            self.forget(volume, entry);
            return Ok(());
        }
        // The lock is kept meanwhile: a reader that comes now attaches anew, after the detach.
        let released = match state.open.take() {
            Some((attached, _)) => attached.release().await,
            None => Ok(()),
        };
        drop(state);
        self.forget(volume, entry);
        released
    }

    /// Drops the entry unless somebody uses it.
    fn forget(&self, volume: &str, entry: &Arc<Entry>) {
        let mut entries = self.lock();
        let same = entries.get(volume).is_some_and(|current| Arc::ptr_eq(current, entry));
        let unused = entry.state.try_lock().is_ok_and(|state| state.readers == 0 && state.open.is_none());
        // Two references: the map's and the caller's. New ones are made under the map's lock only.
        if same && unused && Arc::strong_count(entry) == 2 {
            entries.remove(volume);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a share back; the last one detaches, now or after the linger time.
    async fn give_back(self: Arc<Self>, volume: String, entry: Arc<Entry>) -> Result<(), Failure> {
        let (idle, doubtful) = {
            let mut state = entry.state.lock().await;
            state.readers = state.readers.saturating_sub(1);
            if state.readers > 0 {
                return Ok(());
            }
            state.idle += 1;
            (state.idle, state.doubtful)
        };
        if doubtful || self.linger.is_zero() {
            return self.detach_idle(&volume, &entry, Some(idle)).await;
        }
        tokio::spawn(
            async move {
                tokio::time::sleep(self.linger).await;
                if let Err(failure) = self.detach_idle(&volume, &entry, Some(idle)).await {
                    tracing::warn!(volume.id = volume, error = failure.message, "cannot detach a volume");
                }
            }
            .in_current_span(),
        );
        Ok(())
    }
}

impl Share {
    /// Says that a read has failed, so that the next reader gets an attachment of its own.
    pub(crate) fn doubt(&self) -> impl Future<Output = ()> + Send + use<> {
        let entry = self.entry.clone();
        async move {
            if let Some(entry) = entry {
                entry.state.lock().await.doubtful = true;
            }
        }
    }

    /// Gives the share back. A failure to detach is logged where it is put off, told where it is not.
    pub(crate) async fn close(mut self) -> Result<(), Failure> {
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let back = Arc::clone(&self.reads).give_back(std::mem::take(&mut self.volume), entry);
        match tokio::spawn(back.in_current_span()).await {
            Ok(result) => result,
            Err(error) => {
                let message = "giving a volume back broke off";
                Err(Failure::new(scurry_store::StoreErrorKind::Other, message).because(error))
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(entry) = self.entry.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let back = Arc::clone(&self.reads).give_back(std::mem::take(&mut self.volume), entry);
        runtime.spawn(
            async move {
                if let Err(failure) = back.await {
                    tracing::warn!(error = failure.message, "cannot detach a volume");
                }
            }
            .in_current_span(),
        );
    }
}
