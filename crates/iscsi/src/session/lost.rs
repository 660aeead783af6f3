// SPDX-License-Identifier: Apache-2.0
//! The end of a connection: happens once, for one reason, and everybody hears of it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::Fault;

/// Whether and why the connection ended.
#[derive(Debug)]
pub(super) struct Lost(watch::Sender<Option<Arc<Fault>>>);

impl Lost {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Ends it; gives the reason where this was the first.
    pub(super) fn end(&self, fault: Fault) -> Option<Arc<Fault>> {
        let fault = Arc::new(fault);
        let first = self.0.send_if_modified(|slot| {
            let first = slot.is_none();
            if first {
                *slot = Some(Arc::clone(&fault));
            }
            first
        });
        first.then_some(fault)
    }

    pub(super) fn why(&self) -> Option<Arc<Fault>> {
        self.0.borrow().clone()
    }

    /// Waits for the end.
    pub(super) async fn wait(&self) -> Arc<Fault> {
        let mut watcher = self.0.subscribe();
        match watcher.wait_for(Option::is_some).await {
            Ok(slot) => slot.clone().unwrap_or_else(|| Arc::new(Fault::LoggedOut)),
            Err(_) => Arc::new(Fault::LoggedOut),
        }
    }
}
