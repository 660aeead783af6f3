// SPDX-License-Identifier: Apache-2.0
//! The store's volume type: there or not, and its name.

use scurry_openstack_client::ClientError;
use scurry_types::StoreId;

use super::Shared;

/// A store's section names a volume type that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[{store}] cinder_volume_type = {volume_type}: there is no such volume type; known are {known}")]
pub struct UnknownVolumeType {
    /// The store, which is the section of the configuration.
    pub store: StoreId,
    /// What it says.
    pub volume_type: String,
    /// The types there are, comma separated.
    pub known: String,
}

impl Shared {
    pub(super) async fn check_volume_type(&self) -> Result<(), UnknownVolumeType> {
        let Some(wanted) = &self.config.volume_type else { return Ok(()) };
        let types = match self.cinder.client.volume_types().await {
            Ok(types) => types,
            Err(error) => {
                tracing::warn!(
                    store.id = %self.config.id, %error,
                    "cannot check cinder_volume_type: the block-storage service cannot be asked"
                );
                return Ok(());
            }
        };
        match types.iter().find(|each| each.name == *wanted || each.id == *wanted) {
            Some(found) => {
                let _ = self.type_name.set(found.name.clone());
                Ok(())
            }
            None => {
                let known: Vec<_> = types.iter().map(|each| each.name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(UnknownVolumeType { store: self.config.id.clone(), volume_type: wanted.clone(), known })
            }
        }
    }

    /// The backend of the store's volume type. What is once seen is kept: properties of a type in use change rarely,
    /// and who relies on an old name is refused the clone.
    pub(super) async fn backend(&self) -> Option<String> {
        let seen = self.backend.get_or_try_init(|| async {
            let volume_type = self.config.volume_type.as_deref();
            match crate::clone::placement::backend_of(&self.cinder.client, volume_type).await {
                Ok(found) => found.map(|name| format!("{} {name}", self.config.service())).ok_or(()),
                Err(error) => {
                    tracing::debug!(store.id = %self.config.id, %error, "the store's backend cannot be seen");
                    Err(())
                }
            }
        });
        seen.await.ok().cloned()
    }

    /// The name that volumes of this store show as their type.
    pub(super) async fn type_name(&self) -> Result<&str, ClientError> {
        let name = self.type_name.get_or_try_init(|| async {
            let found = match &self.config.volume_type {
                Some(wanted) => self.cinder.client.find_volume_type(wanted).await,
                None => self.cinder.client.default_volume_type().await,
            };
            found.map(|found| found.name)
        });
        name.await.map(String::as_str)
    }
}
