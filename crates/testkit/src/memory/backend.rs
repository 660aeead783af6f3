// SPDX-License-Identifier: Apache-2.0
//! What several stores in memory have in common, so that one clones what another holds.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Object, Shared};

/// A backend that stores can be put on; clones are the same backend.
#[derive(Debug, Clone)]
pub struct MemoryBackend {
    name: Arc<str>,
    stores: Arc<Mutex<Vec<Weak<Shared>>>>,
}

impl MemoryBackend {
    /// A backend without stores.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), stores: Arc::default() }
    }

    /// What its stores answer when asked for their backend.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn join(&self, store: &Arc<Shared>) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(store));
    }

    pub(super) fn object(&self, url: &str) -> Option<Object> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.iter().filter_map(Weak::upgrade).find_map(|store| store.objects().get(url).cloned())
    }
}
