// SPDX-License-Identifier: Apache-2.0
//! The stores of a deployment, in the order of `enabled_backends`.

use std::sync::Arc;

use scurry_types::StoreId;

use crate::Store;

/// All stores, one of them the default.
#[derive(Debug, Clone)]
pub struct Registry {
    stores: Vec<Arc<dyn Store>>,
    default: StoreId,
}

/// The configured stores do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// `default_backend` names a store that is not enabled.
    #[error("default_backend {default} is not among the enabled stores: {known}")]
    UnknownDefault {
        /// What `default_backend` says.
        default: StoreId,
        /// The enabled stores, comma separated.
        known: String,
    },
    /// Two stores have the same identifier.
    #[error("store {0} is enabled twice")]
    Duplicate(StoreId),
}

impl Registry {
    /// Stores in the order in which clients are shown them.
    pub fn new(stores: Vec<Arc<dyn Store>>, default: StoreId) -> Result<Self, RegistryError> {
        for (index, store) in stores.iter().enumerate() {
            if stores[..index].iter().any(|other| other.facts().id == store.facts().id) {
                return Err(RegistryError::Duplicate(store.facts().id.clone()));
            }
        }
        let registry = Self { stores, default };
        if registry.get(registry.default.as_str()).is_none() {
            let known: Vec<_> = registry.iter().map(|store| store.facts().id.as_str()).collect();
            return Err(RegistryError::UnknownDefault {
                default: registry.default.clone(),
                known: known.join(", "),
            });
        }
        Ok(registry)
    }

    /// The store of that identifier.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<dyn Store>> {
        self.stores.iter().find(|store| store.facts().id.as_str() == id)
    }

    /// Identifier of the store that takes uploads nobody chose a store for.
    #[must_use]
    pub fn default_id(&self) -> &StoreId {
        &self.default
    }

    /// The stores in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Store>> {
        self.stores.iter()
    }
}
