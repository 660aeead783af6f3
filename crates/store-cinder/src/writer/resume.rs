// SPDX-License-Identifier: Apache-2.0
//! Going on with a volume that an earlier writer, on whatever node, left half written.

use std::collections::BTreeMap;
use std::sync::Arc;

use scurry_openstack_client::block::Volume;
use scurry_store::{StoreErrorKind, WriteSpec};
use tokio::sync::RwLock;

use super::{CinderWriter, Open, WriterCore, open};
use crate::attachments::Holding;
use crate::cinder::{IMAGE_ID, STORE, WRITING, failed};
use crate::creation::mark;
use crate::failure::Failure;
use crate::location::VolumeLocation;
use crate::store::Shared;
use crate::touched::Touched;

impl CinderWriter {
    /// Opens the volume again; `None` when it is gone, complete, or not one this store was writing for the image.
    pub(crate) async fn resume(
        store: Arc<Shared>,
        id: String,
        spec: WriteSpec,
    ) -> Result<Option<Self>, Failure> {
        let volume = match store.image_volume(&id).await {
            Ok(volume) => volume,
            Err(failure) if failure.kind == StoreErrorKind::NotFound => return Ok(None),
            Err(failure) => return Err(failure),
        };
        if !is_unfinished(&volume, &store, &spec) {
            return Ok(None);
        }
        store.take_over(&id).await?;
        store.cinder.wait_available(&id, "detach").await?;
        // From here on it is this node's to clear up.
        let ours = BTreeMap::from([(WRITING.to_owned(), mark(store.attachments.host()))]);
        let marked = store.cinder.client.set_metadata(&id, &ours).await;
        marked.map_err(|error| {
            Failure::call(format_args!("cannot mark volume {id} as being written"), error)
        })?;
        let attached = open(&store, &id, volume.size).await?;
        tracing::info!(store.id = %store.config.id, image.id = %spec.image, volume.id = id, "going on with a volume");
        let url = VolumeLocation::url(&store.config.id, &id);
        let open = RwLock::new(Open { attached: Some(attached), gib: volume.size });
        let core = WriterCore { store, spec, volume: id, open, touched: Touched::everything() };
        Ok(Some(Self { core: Arc::new(core), url }))
    }
}

fn is_unfinished(volume: &Volume, store: &Shared, spec: &WriteSpec) -> bool {
    let says = |key: &str, value: &str| volume.metadata.get(key).is_some_and(|found| found == value);
    volume.metadata.contains_key(WRITING)
        && says(IMAGE_ID, spec.image.as_str())
        && says(STORE, store.config.id.as_str())
        && !failed(&volume.status)
        && volume.status != "deleting"
}

impl Shared {
    /// Ends the attachments of an earlier writer: only one writes, and it is not there any more.
    async fn take_over(&self, id: &str) -> Result<(), Failure> {
        let listed = self.cinder.client.attachments(Some(id)).await;
        let listed =
            listed.map_err(|error| Failure::call(format_args!("cannot see who holds volume {id}"), error))?;
        for attachment in listed {
            if let Some(server) = &attachment.instance {
                let message = format!("volume {id} is attached to server {server}");
                return Err(Failure::new(StoreErrorKind::InUse, message));
            }
            match self.attachments.holding(&attachment.id).await {
                Holding::Nobody => self.attachments.detach(&attachment.id, id).await?,
                Holding::LetGo => {}
                Holding::Somebody => {
                    let message = format!("volume {id} is being written by this process");
                    return Err(Failure::new(StoreErrorKind::InUse, message));
                }
            }
        }
        Ok(())
    }
}
