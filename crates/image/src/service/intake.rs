// SPDX-License-Identifier: Apache-2.0
//! A body on its way into one or several stores, judged before it counts.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, TryStreamExt};
use scurry_store::{Store, StoreError, StoreErrorKind, StoreWriter, StoredObject, WriteSpec};
use scurry_transfer::{
    Checkpoint, Checkpoints, Chunk, Failed, IngestError, IngestSpec, Ingested, OnFailure, OpenTarget,
    Progress, Target, TargetOutcome, ingest,
};
use scurry_types::{BlockHashes, Digests, HashAlgorithm, StoreId};
use tokio_util::sync::CancellationToken;

use super::Answer;
use super::core::Core;
use super::quota::{Room, too_large};
use super::signature::check_signature;
use crate::body::BodyError;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation};
use crate::inspect::judge;
use crate::ports::{Change, WriteRow};

/// A store about to be written, its write noted in the journal already.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) store: Arc<dyn Store>,
    pub(super) row: WriteRow,
}

impl Lane {
    pub(super) fn id(&self) -> &StoreId {
        &self.store.facts().id
    }
}

/// A store that could not be written, and why.
#[derive(Debug)]
pub(super) struct LostLane {
    pub(super) store: StoreId,
    pub(super) error: StoreError,
}

/// Bytes that are in at least one store, durable, and what they are.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) len: u64,
    digests: Digests,
    blocks: BlockHashes,
    virtual_size: Option<u64>,
    pub(super) objects: Vec<(StoreId, StoredObject)>,
    pub(super) lost: Vec<LostLane>,
    /// The bytes count as coming until they count as stored.
    _room: Option<Room>,
}

impl Taken {
    /// Steps that give an image its bytes.
    pub(super) fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<_> = self
            .objects
            .iter()
            .map(|(store, object)| Change::AddLocation(ImageLocation::in_store(store, &object.url)))
            .collect();
        changes.extend([
            Change::Sizes { size: Some(self.len), virtual_size: self.virtual_size },
            Change::Hashes {
                checksum: Some(self.digests.checksum.clone()),
                os_hash_algo: Some(self.digests.os_hash_algo.to_string()),
                os_hash_value: Some(self.digests.os_hash_value.clone()),
            },
            Change::BlockHashes(Some(self.blocks.clone())),
        ]);
        changes
    }
}

/// How a body is to be taken in.
#[derive(Debug)]
pub(super) struct IntakeSpec {
    pub(super) declared_len: Option<u64>,
    /// Length for the stores to make room for, where it is known.
    pub(super) expected_len: Option<u64>,
    /// Bytes the project may still store, if there is a limit.
    pub(super) limit: Option<u64>,
    pub(super) on_failure: OnFailure,
    /// The bytes must be of the image's formats whatever the operator forgives.
    pub(super) strict: bool,
    pub(super) progress: Arc<Progress>,
    pub(super) cancel: CancellationToken,
    /// Whether another attempt may go on where this one stops.
    pub(super) going: Option<Going>,
}

/// How another attempt goes on.
#[derive(Debug)]
pub(super) struct Going {
    pub(super) checkpoints: Checkpoints,
    /// Where an earlier one stopped, and a writer for each lane.
    pub(super) resume: Option<(Checkpoint, Vec<Box<dyn StoreWriter>>)>,
}

/// Bytes were not taken in; nothing counts, but the lanes' journal rows are still there to be cleared.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: ImageError,
    /// Stores to blame, if it was a store.
    pub(super) stores: Vec<StoreId>,
    /// Whether another attempt may help.
    pub(super) later: bool,
    /// The objects are as they were left, for that other attempt to go on with.
    pub(super) left: bool,
}

impl From<ImageError> for Refused {
    fn from(error: ImageError) -> Self {
        Self { error, stores: Vec::new(), later: false, left: false }
    }
}

impl Refused {
    pub(super) fn by_store(store: &StoreId, error: StoreError) -> Self {
        Self::by_stores(ImageError::from_write(error), vec![store.clone()])
    }

    /// The error with its causes, behind the stores to blame.
    pub(super) fn reason(&self) -> String {
        let stores: Vec<_> = self.stores.iter().map(StoreId::as_str).collect();
        let reason = self.error.reason();
        if stores.is_empty() { reason } else { format!("{}: {reason}", stores.join(", ")) }
    }

    /// What was begun is of no use; another attempt begins from nothing.
    pub(super) fn anew(why: &str) -> Self {
        Self { later: true, ..ImageError::Unavailable { text: why.to_owned(), retry_after: None }.into() }
    }

    fn by_stores(error: ImageError, stores: Vec<StoreId>) -> Self {
        let later = !stores.is_empty() && matches!(error, ImageError::Unavailable { .. });
        Self { error, stores, later, left: false }
    }
}

impl Core {
    /// Begins an object. One that lies there unnamed is in the way only of itself and removed first.
    pub(super) async fn begin(&self, lane: &Lane, spec: &WriteSpec) -> Answer<Box<dyn StoreWriter>> {
        let writer = match lane.store.begin_write(spec).await {
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => {
                self.clear_store(lane.store.as_ref(), &spec.image, Some(&lane.row)).await?;
                lane.store.begin_write(spec).await
            }
            other => other,
        };
        let writer = writer.map_err(ImageError::Store)?;
        self.crash.pass("write.begun").await;
        if self.images.journal_url(&lane.row.id, writer.url()).await? {
            return Ok(writer);
        }
        writer.abort().await.map_err(ImageError::Store)?;
        let text = "another node took this write for dead and cleared up after it".to_owned();
        Err(ImageError::Unavailable { text, retry_after: None })
    }

    /// Writes a body to all lanes, judges it, and makes it durable.
    pub(super) async fn take_in<S>(
        &self,
        image: &Image,
        lanes: &[Lane],
        body: S,
        spec: IntakeSpec,
    ) -> Result<Taken, Refused>
    where
        S: Stream<Item = Result<Chunk, BodyError>> + Send,
    {
        check_signature(image)?;
        let len = spec.declared_len.or(spec.expected_len);
        let room = self.room(image, len, lanes.len()).await?;
        let (going, resume) = match spec.going {
            Some(Going { checkpoints, resume }) => (Some(checkpoints), resume),
            None => (None, None),
        };
        let (resume, (targets, lost)) = match resume {
            Some((checkpoint, writers)) => (Some(checkpoint), (targets(lanes, writers), Vec::new())),
            None => (None, self.begin_all(image, lanes, len, spec.on_failure).await?),
        };
        if targets.is_empty() {
            return Err(all_lost(lost));
        }
        let cap = self.settings.image_size_cap;
        let longest = room.as_ref().map_or(cap, |room| room.longest(cap));
        // A store that is left out, or cannot go on, is not waited for.
        let goes_on = |lane: &Lane| lane.store.capability().resume;
        let checkpoints = going.filter(|_| lost.is_empty() && lanes.iter().all(goes_on));
        let (body, broken) = noting(body, checkpoints.is_some());
        let ingested = ingest(
            body,
            targets,
            IngestSpec {
                algorithm: self.hash_algorithm(image),
                declared_len: spec.declared_len,
                // A project has a limit or a quota, never both.
                max_len: spec.limit.unwrap_or(u64::MAX).min(longest),
                inspect: true,
                on_target_failure: spec.on_failure,
                progress: spec.progress,
                cancel: spec.cancel,
                resume,
                suspendable: checkpoints.is_some(),
                checkpoints,
            },
            &self.budget,
        )
        .await
        .map_err(|failed| match (&failed.error, &room) {
            (IngestError::TooLarge { max }, Some(room)) if *max < cap => {
                room.too_long(max.saturating_add(1)).into()
            }
            (IngestError::Suspended { .. }, _) => suspended(&failed, &broken),
            _ => refusal(failed),
        })?;
        self.crash.pass("write.written").await;
        self.settle(image, ingested, spec.strict, spec.on_failure, lost, room).await
    }

    /// Begins an object in each lane's store; those that may be left out are, with why.
    async fn begin_all(
        &self,
        image: &Image,
        lanes: &[Lane],
        len: Option<u64>,
        on_failure: OnFailure,
    ) -> Result<(Vec<Target>, Vec<LostLane>), Refused> {
        let (mut begun, mut lost) = (Vec::new(), Vec::new());
        let write = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len };
        for lane in lanes {
            match self.begin(lane, &write).await {
                Ok(writer) => begun.push(target(lane, writer)),
                Err(ImageError::Store(error)) if on_failure == OnFailure::DropTarget && lanes.len() > 1 => {
                    lost.push(LostLane { store: lane.id().clone(), error });
                }
                Err(ImageError::Store(error)) => return Err(Refused::by_store(lane.id(), error)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok((begun, lost))
    }

    /// The algorithm of the deployment; an image keeps the one it has.
    pub(super) fn hash_algorithm(&self, image: &Image) -> HashAlgorithm {
        let own = image.os_hash_algo.as_deref().and_then(|name| name.parse().ok());
        own.unwrap_or(self.settings.hashing_algorithm)
    }

    /// Judges what was written and commits it, or takes it back.
    pub(super) async fn settle(
        &self,
        image: &Image,
        ingested: Ingested,
        strict: bool,
        on_failure: OnFailure,
        mut lost: Vec<LostLane>,
        mut room: Option<Room>,
    ) -> Result<Taken, Refused> {
        let Ingested { len, digests, blocks, inspection, targets } = ingested;
        let mut open = Vec::new();
        for target in targets {
            match target {
                TargetOutcome::Written(target) => open.push(target),
                TargetOutcome::Failed { store, error, .. } => lost.push(LostLane { store, error }),
            }
        }
        let judged = match (judge(inspection.as_ref(), image, &self.settings, strict), &mut room) {
            (Ok(size), Some(room)) => self.still_fits(room, image, len).await.map(|()| size),
            (judged, _) => judged,
        };
        let virtual_size = match judged {
            Ok(size) => size,
            Err(error) => {
                abort(open).await;
                return Err(error.into());
            }
        };
        let mut objects = Vec::new();
        let mut open = open.into_iter();
        while let Some(target) = open.next() {
            let store = target.store().clone();
            match target.commit(len).await {
                Ok(object) => objects.push((store, object)),
                Err(error) if on_failure == OnFailure::DropTarget => lost.push(LostLane { store, error }),
                Err(error) => {
                    abort(open).await;
                    // The objects committed before are cleared with their journal rows.
                    return Err(Refused::by_store(&store, error));
                }
            }
            self.crash.pass("write.committed").await;
        }
        if objects.is_empty() {
            return Err(all_lost(lost));
        }
        Ok(Taken { len, digests, blocks, virtual_size, objects, lost, _room: room })
    }
}

fn target(lane: &Lane, writer: Box<dyn StoreWriter>) -> Target {
    Target { store: lane.id().clone(), writer, capability: lane.store.capability() }
}

fn targets(lanes: &[Lane], writers: Vec<Box<dyn StoreWriter>>) -> Vec<Target> {
    lanes.iter().zip(writers).map(|(lane, writer)| target(lane, writer)).collect()
}

/// Where it is noted what a body broke off with.
type Broken = Arc<Mutex<Option<BodyError>>>;

/// The body, and where it is noted what it broke off with: a transfer that can be gone on with does not say.
fn noting<S>(body: S, noted: bool) -> (impl Stream<Item = Result<Chunk, BodyError>> + Send, Broken)
where
    S: Stream<Item = Result<Chunk, BodyError>> + Send,
{
    let broken = Broken::default();
    let note = Arc::clone(&broken);
    let body = body.map_err(move |error| {
        if !noted {
            return error;
        }
        *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        BodyError::ClientGone
    });
    (body, broken)
}

/// A transfer that another attempt may go on with, unless the body is of no use.
fn suspended(failed: &Failed<IngestError>, broken: &Mutex<Option<BodyError>>) -> Refused {
    let broken = broken.lock().unwrap_or_else(PoisonError::into_inner).take();
    let refused = broken.map_or_else(|| Refused::anew(&failed.to_string()), unreadable);
    Refused { left: refused.later, ..refused }
}

async fn abort(targets: impl IntoIterator<Item = OpenTarget>) {
    for target in targets {
        let store = target.store().clone();
        if let Err(error) = target.abort().await {
            // The journal still has it.
            tracing::warn!(store.id = %store, error = %error, "an object that does not count is still there");
        }
    }
}

fn all_lost(lost: Vec<LostLane>) -> Refused {
    let stores = lost.iter().map(|lane| lane.store.clone()).collect();
    let error = lost.into_iter().next().map_or_else(
        || ImageError::Unavailable { text: "there is no store to write to".to_owned(), retry_after: None },
        |lane| ImageError::from_write(lane.error),
    );
    Refused::by_stores(error, stores)
}

/// What a body says that breaks off.
pub(super) fn unreadable(error: BodyError) -> Refused {
    match error {
        BodyError::ClientGone => ImageError::ClientGone.into(),
        BodyError::Malformed(_) => ImageError::Invalid(error.to_string()).into(),
        BodyError::Unusable(text) => ImageError::UnsupportedMedia(text).into(),
        BodyError::Outbound { text, later } => {
            Refused { later, ..ImageError::Unavailable { text, retry_after: None }.into() }
        }
        BodyError::Local(source) => {
            ImageError::Local { text: "cannot read the staged image".to_owned(), source }.into()
        }
    }
}

pub(super) fn refusal(failed: Failed<IngestError>) -> Refused {
    for left in &failed.left_behind {
        tracing::warn!(store.id = %left.store, url = left.url, error = %left.error, "an object that does not count is still there");
    }
    let text = failed.error.to_string();
    match failed.error {
        IngestError::TooLarge { .. } => too_large().into(),
        IngestError::LongerThanDeclared { .. } | IngestError::ShorterThanDeclared { .. } => {
            ImageError::Invalid(format!("Size mismatch: {text}")).into()
        }
        IngestError::Source(source) => match source.downcast::<BodyError>() {
            Ok(error) => unreadable(*error),
            Err(source) => ImageError::Invalid(format!("{text}: {source}")).into(),
        },
        IngestError::AllTargetsFailed(errors) => {
            let stores = errors.iter().map(|error| error.store.clone()).collect();
            let error = errors
                .into_iter()
                .next()
                .map_or_else(|| ImageError::Unavailable { text, retry_after: None }, ImageError::from_write);
            Refused::by_stores(error, stores)
        }
        IngestError::CannotResume { .. } => Refused::anew(&text),
        IngestError::TakenOver => Refused { left: true, ..Refused::anew(&text) },
        IngestError::Hashing(source) => {
            ImageError::Local { text: "cannot hash the image".to_owned(), source }.into()
        }
        _ => ImageError::Unavailable { text, retry_after: None }.into(),
    }
}
