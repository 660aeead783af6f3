// SPDX-License-Identifier: Apache-2.0
//! The store: the contract's methods over volumes.

mod inventory;
mod volume_type;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use scurry_openstack_client::block::{BlockClient, Volume};
use scurry_openstack_client::{ClientError, Session};
use scurry_store::{
    Capability, CloneOutcome, CloneSource, Offer, Operation, Store, StoreError, StoreErrorKind, StoreFacts,
    StoreReader, StoreWriter, Strategy, WriteSpec,
};
use scurry_types::size::MIB;
use scurry_types::{ImageId, ProjectId};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use tracing::Instrument;

use crate::attachments::Attachments;
use crate::cinder::{Cinder, IMAGE_ID, IMAGE_OWNER, WRITING};
use crate::config::CinderStoreConfig;
use crate::creation::is_marked_by;
use crate::failure::Failure;
use crate::flights::Flights;
use crate::location::VolumeLocation;
use crate::reader::CinderReader;
use crate::reads::Reads;
use crate::removal::Claim;
use crate::writer::CinderWriter;

pub use volume_type::UnknownVolumeType;

/// Cinder deletes no volume that has snapshots, and backends keep one for as long as its clones live.
const NO_SNAPSHOTS: &str = "a snapshot would keep the image from being deleted";

/// Images as volumes of one volume type.
#[derive(Debug, Clone)]
pub struct CinderStore {
    shared: Arc<Shared>,
}

/// What the store, its readers and its writers have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: CinderStoreConfig,
    pub(crate) facts: StoreFacts,
    pub(crate) cinder: Arc<Cinder>,
    pub(crate) attachments: Arc<Attachments>,
    pub(crate) reads: Arc<Reads>,
    pub(crate) flights: Flights,
    type_name: OnceCell<String>,
    backend: OnceCell<String>,
}

impl CinderStore {
    /// A store that acts as `session` (see [`CinderStoreConfig::session`]). Nothing is sent yet.
    ///
    /// # Errors
    /// When `catalog_info` has another shape than `type:name:interface`.
    pub fn new(config: CinderStoreConfig, session: Session) -> Result<Self, ClientError> {
        let client = BlockClient::new(
            session,
            &config.catalog_info,
            config.endpoint_template.as_deref(),
            config.region.as_deref(),
        )?;
        let cinder = Arc::new(Cinder::new(client, config.state_transition_timeout));
        let attachments = Arc::new(Attachments::new(Arc::clone(&cinder), &config));
        let reads = Arc::new(Reads::new(Arc::clone(&attachments), config.read_linger));
        let facts = facts(&config);
        let flights = Flights::default();
        let (type_name, backend) = (OnceCell::new(), OnceCell::new());
        let shared = Shared { config, facts, cinder, attachments, reads, flights, type_name, backend };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Checks that the store's volume type exists. A service that cannot be asked is only warned about: it may
    /// come up later than this one.
    ///
    /// # Errors
    /// [`UnknownVolumeType`] when the service is there and has no such type.
    pub async fn check_volume_type(&self) -> Result<(), UnknownVolumeType> {
        self.shared.check_volume_type().await
    }

    fn volume_of(&self, url: &str, operation: Operation) -> Result<String, StoreError> {
        self.shared.volume_of(url).map_err(|failure| failure.at(&self.shared.config.id, operation))
    }

    /// Runs what must not stop half way when the caller goes.
    async fn to_the_end<T: Send + 'static>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| {
            Err(Failure::new(StoreErrorKind::Other, "the work broke off without a result").because(error))
        });
        result.map_err(|failure| failure.at(&self.shared.config.id, operation))
    }
}

fn facts(config: &CinderStoreConfig) -> StoreFacts {
    let properties: Map<String, Value> = [
        ("volume_type".to_owned(), json!(config.volume_type)),
        ("use_multipath".to_owned(), json!(config.use_multipath)),
    ]
    .into_iter()
    .collect();
    StoreFacts {
        id: config.id.clone(),
        kind: "cinder",
        description: config.description.clone(),
        read_only: false,
        weight: config.weight,
        properties,
    }
}

impl Shared {
    fn volume_of(&self, url: &str) -> Result<String, Failure> {
        let invalid = |message| Failure::new(StoreErrorKind::Invalid, message);
        let location = VolumeLocation::parse(url).map_err(|error| invalid(error.to_string()))?;
        match location.store {
            Some(store) if store != self.config.id => {
                Err(invalid(format!("{url} names store {store}, not {}", self.config.id)))
            }
            _ => Ok(location.volume.as_str().to_owned()),
        }
    }

    /// A volume that may be an image: one of the store's project, or one marked as an image's by whoever made
    /// it. An admin sees every project's volumes, and a location's url may come from a user.
    pub(crate) async fn image_volume(&self, id: &str) -> Result<Volume, Failure> {
        let client = &self.cinder.client;
        let cannot_see = |error| Failure::call(format_args!("cannot see volume {id}"), error);
        let volume = client.volume(id).await.map_err(cannot_see)?;
        let ours = client.session().token().await.map_err(cannot_see)?.project_id.clone();
        let foreign = volume.project_id.is_some() && ours.is_some() && volume.project_id != ours;
        // Cinder writes the owner on a clone before it registers it, the image's id afterwards.
        let marked = [IMAGE_ID, IMAGE_OWNER].iter().any(|key| volume.metadata.contains_key(*key));
        if foreign && !marked {
            let message = format!("volume {id} is not an image's and belongs to another project");
            return Err(Failure::new(StoreErrorKind::NotFound, message));
        }
        Ok(volume)
    }

    /// Cinder clones an image's volume for the project that stands on it.
    async fn set_owner(&self, id: &str, owner: Option<&ProjectId>) -> Result<(), Failure> {
        self.image_volume(id).await?;
        let client = &self.cinder.client;
        let marked = match owner {
            Some(owner) => {
                let mark = BTreeMap::from([(IMAGE_OWNER.to_owned(), owner.to_string())]);
                client.set_metadata(id, &mark).await
            }
            None => match client.delete_metadata(id, IMAGE_OWNER).await {
                Err(error) if error.is_not_found() => Ok(()),
                other => other,
            },
        };
        marked.map_err(|error| Failure::call(format_args!("cannot write the owner on volume {id}"), error))
    }

    async fn delete(&self, id: &str) -> Result<(), Failure> {
        let volume = self.image_volume(id).await?;
        // Nobody reads what is not complete: whatever holds it is a leftover of its writer.
        let mark = volume.metadata.get(WRITING);
        let unfinished = mark.is_some_and(|mark| is_marked_by(mark, self.attachments.host()));
        let claim = if unfinished { Claim::Sole } else { Claim::Shared };
        // Kept for the next reader: nobody needs it now.
        self.reads.evict(id).await?;
        self.attachments.remove(id, claim).await?;
        tracing::info!(store.id = %self.config.id, volume.id = id, "volume is deleted");
        Ok(())
    }
}

#[async_trait]
impl Store for CinderStore {
    fn facts(&self) -> &StoreFacts {
        &self.shared.facts
    }

    fn capability(&self) -> Capability {
        Capability {
            write: true,
            read_ranges: true,
            extents: true,
            // A fresh volume of a block backend may hold anything; writers know better where they can.
            fresh_is_zero: false,
            resume: true,
            clone: true,
            preferred_io: usize::try_from(MIB).unwrap_or(1 << 20),
        }
    }

    async fn begin_write(&self, spec: &WriteSpec) -> Result<Box<dyn StoreWriter>, StoreError> {
        let work = CinderWriter::begin(Arc::clone(&self.shared), spec.clone());
        let begun = self.shared.flights.run(&spec.image, work, CinderWriter::discard).await;
        match begun {
            Ok(writer) => Ok(Box::new(writer)),
            Err(failure) => Err(failure.at(&self.shared.config.id, Operation::BeginWrite)),
        }
    }

    async fn resume_write(
        &self,
        url: &str,
        spec: &WriteSpec,
    ) -> Result<Option<Box<dyn StoreWriter>>, StoreError> {
        let volume = self.volume_of(url, Operation::BeginWrite)?;
        let work = CinderWriter::resume(Arc::clone(&self.shared), volume, spec.clone());
        // Opened and not taken, it is let go of, and as resumable as before.
        let resumed = self.shared.flights.run(&spec.image, work, |_| async {}).await;
        match resumed {
            Ok(writer) => Ok(writer.map(|writer| Box::new(writer) as Box<dyn StoreWriter>)),
            Err(failure) => Err(failure.at(&self.shared.config.id, Operation::BeginWrite)),
        }
    }

    async fn open_read(&self, url: &str) -> Result<Arc<dyn StoreReader>, StoreError> {
        let volume = self.volume_of(url, Operation::Open)?;
        let shared = Arc::clone(&self.shared);
        let open = async move { CinderReader::open(&shared, &volume).await };
        Ok(Arc::new(self.to_the_end(Operation::Open, open).await?))
    }

    async fn clone_from(&self, source: &CloneSource, spec: &WriteSpec) -> Result<CloneOutcome, StoreError> {
        let (shared, source, target) = (Arc::clone(&self.shared), source.clone(), spec.clone());
        let work = async move { crate::clone::clone(&shared, &source, &target).await };
        let shared = Arc::clone(&self.shared);
        let discard = |outcome| async move { shared.discard_clone(outcome).await };
        let cloned = self.shared.flights.run(&spec.image, work, discard).await;
        cloned.map_err(|failure| failure.at(&self.shared.config.id, Operation::Clone))
    }

    async fn offers(&self, source: &CloneSource, _spec: &WriteSpec) -> Result<Vec<Offer>, StoreError> {
        let (shared, source) = (Arc::clone(&self.shared), source.clone());
        let look = async move { crate::clone::refusal(&shared, &source).await };
        let refused = self.to_the_end(Operation::Clone, look).await?;
        let clone = Offer { strategy: Strategy::BackendClone, refused };
        Ok(match clone.refused {
            None => vec![clone],
            Some(_) => vec![clone, Offer::refused(Strategy::SnapshotClone, NO_SNAPSHOTS)],
        })
    }

    async fn backend(&self) -> Option<String> {
        self.shared.backend().await
    }

    async fn delete(&self, url: &str) -> Result<(), StoreError> {
        let volume = self.volume_of(url, Operation::Delete)?;
        let shared = Arc::clone(&self.shared);
        self.to_the_end(Operation::Delete, async move { shared.delete(&volume).await }).await
    }

    async fn find(&self, image: &ImageId) -> Result<Vec<String>, StoreError> {
        self.shared.flights.settle(image).await;
        let found = self.shared.find(image).await;
        found.map_err(|failure| failure.at(&self.shared.config.id, Operation::Find))
    }

    async fn holds(&self, url: &str) -> Result<bool, StoreError> {
        let volume = self.volume_of(url, Operation::Find)?;
        let held = self.shared.holds(&volume).await;
        held.map_err(|failure| failure.at(&self.shared.config.id, Operation::Find))
    }

    async fn set_owner(&self, url: &str, owner: Option<&ProjectId>) -> Result<(), StoreError> {
        let volume = self.volume_of(url, Operation::Commit)?;
        let marked = self.shared.set_owner(&volume, owner).await;
        marked.map_err(|failure| failure.at(&self.shared.config.id, Operation::Commit))
    }

    async fn recover(&self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.to_the_end(Operation::Recover, async move { shared.recover().await }).await
    }
}

impl Shared {
    /// A clone nobody waits for any more.
    async fn discard_clone(&self, outcome: CloneOutcome) {
        let CloneOutcome::Cloned(object) = outcome else { return };
        let Ok(volume) = self.volume_of(&object.url) else { return };
        if let Some(left) = self.attachments.discard(&volume).await {
            tracing::warn!(store.id = %self.config.id, volume.id = volume, left, "cannot remove a volume");
        }
    }
}
