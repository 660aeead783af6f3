// SPDX-License-Identifier: Apache-2.0
//! One request that appends to an upload: what it finds, what it writes, how it leaves things.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use scurry_store::{Capability, Store, StoreWriter, WriteSpec};
use scurry_transfer::{
    Checkpoint, Checkpoints, Failed, IngestError, IngestSpec, Ingested, OnFailure, Target, ingest,
};
use scurry_types::ImageStatus;
use tokio_util::sync::CancellationToken;

use super::intake::{End, Keeper, watched};
use crate::body::Body;
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::{Change, Guard, Hold, Outcome, Purpose, UploadSession, WriteRow};
use crate::service::Answer;
use crate::service::core::Core;
use crate::service::intake::{Lane, refusal, unreadable};
use crate::service::quota::{Resource, Room};
use crate::service::signature::check_signature;
use crate::service::upload::deleted_meanwhile;
use crate::upload_session::{Append, Appended, UploadProblem};

/// An upload held by this request.
struct Held<'a> {
    image: &'a Image,
    session: UploadSession,
    hold: Hold,
    cancel: &'a CancellationToken,
    /// It has just begun: it is over when its first request is not even read.
    fresh: bool,
}

/// What a request is written to, and how.
struct Ready {
    row: WriteRow,
    target: Target,
    spec: IngestSpec,
    room: Option<Room>,
}

/// Why a request was not appended.
enum Stop {
    /// The upload is as it was, or further: it can be gone on with.
    Keeps(ImageError),
    /// The upload is over.
    Ends(ImageError),
    /// So it is, and whoever took it away from this request does what is left to do.
    Lost,
}

impl From<ImageError> for Stop {
    fn from(error: ImageError) -> Self {
        Self::Keeps(error)
    }
}

impl From<UploadProblem> for Stop {
    fn from(problem: UploadProblem) -> Self {
        Self::Keeps(problem.into())
    }
}

impl Core {
    /// Makes the image `saving` with an upload of its own, and takes the first request.
    pub(super) async fn begin_session(
        &self,
        caller: &Caller,
        image: &Image,
        store: &Arc<dyn Store>,
        len: Option<u64>,
        complete: bool,
        body: Body,
    ) -> Answer<Appended> {
        let id = &image.id;
        let row = WriteRow::begin(id, Some(&store.facts().id), &self.settings.node_id, Purpose::Upload);
        let mut session = UploadSession::begin(id, &row.id, &store.facts().id, len);
        let holder = self.new_holder();
        let hold = session.held_by(&holder);
        session.holder = Some(holder);
        let mut begin = vec![Change::Status(ImageStatus::Saving), Change::Journal(row)];
        begin.push(Change::OpenSession(session.clone()));
        begin.extend(image.refused_locations());
        if self.images.change(id, &Guard::states(&[ImageStatus::Queued]), &begin).await? != Outcome::Done {
            return Err(self.no_transition(id, ImageStatus::Saving).await);
        }
        let _turn = self.turn(id).lock_owned().await;
        let entry = self.enter_upload(id);
        self.crash.pass("session.begun").await;
        let held = Held { image, session, hold, cancel: &entry.cancel, fresh: true };
        let append = Append { offset: 0, len, complete };
        let taken = match self.enforce(caller.project.as_ref(), Resource::CountUploading, 0).await {
            Ok(()) => self.take_append(&held, append, body).await,
            Err(error) => Err(Stop::Ends(error)),
        };
        self.leave(&held, taken).await
    }

    /// Takes one more request of an upload.
    pub(super) async fn append(&self, image: &Image, append: Append, body: Body) -> Answer<Appended> {
        let _turn = self.turn_of_appends(&image.id).await;
        let entry = self.enter_upload(&image.id);
        let (session, hold) = self.claim(&image.id).await?;
        let held = Held { image, session, hold, cancel: &entry.cancel, fresh: false };
        let taken = self.take_append(&held, append, body).await;
        self.leave(&held, taken).await
    }

    /// Lets go of the upload, as far on as it is, or ends it.
    async fn leave(&self, held: &Held<'_>, taken: Result<Appended, Stop>) -> Answer<Appended> {
        let Held { image, session, hold, .. } = held;
        match taken {
            Ok(Appended::Refused(error)) => {
                let there = self.end_session(session, hold, Some(error.reason())).await?;
                if there { Ok(Appended::Refused(error)) } else { Err(deleted_meanwhile(&image.id)) }
            }
            Ok(appended) => {
                self.images.release_session(hold).await?;
                Ok(appended)
            }
            Err(Stop::Keeps(error)) => {
                self.images.release_session(hold).await?;
                Err(error)
            }
            Err(Stop::Ends(error)) => {
                let there = self.end_session(session, hold, Some(error.reason())).await?;
                Err(if there { error } else { deleted_meanwhile(&image.id) })
            }
            Err(Stop::Lost) => Err(self.lost(session).await?),
        }
    }

    /// What is said when the upload was taken away: with its image, whose data is cleared up here then, or by another
    /// request.
    async fn lost(&self, session: &UploadSession) -> Answer<ImageError> {
        let now = self.images.upload_session(&session.image).await?.filter(|now| now.id == session.id);
        if let Some(now) = now {
            return Ok(UploadProblem::TakenOver { offset: now.offset }.into());
        }
        let rows: Vec<_> = self.write_of(session).await?.into_iter().collect();
        self.clear_writes(&rows).await;
        Ok(deleted_meanwhile(&session.image))
    }

    async fn take_append(&self, held: &Held<'_>, append: Append, body: Body) -> Result<Appended, Stop> {
        let ready = self.get_ready(held, append).await.map_err(|stop| match stop {
            Stop::Keeps(error) if held.fresh => Stop::Ends(error),
            stop => stop,
        })?;
        self.crash.pass("session.ready").await;
        // The lease must not run out while the object is made durable.
        tokio::select! {
            taken = self.pour(held, ready, append.complete, body) => taken,
            never = self.keep_hold(&held.hold, held.cancel) => match never {},
        }
    }

    async fn get_ready(&self, held: &Held<'_>, append: Append) -> Result<Ready, Stop> {
        let Held { image, session, .. } = held;
        if session.complete {
            return Err(UploadProblem::Completed.into());
        }
        if append.offset != session.offset {
            let problem = UploadProblem::WrongOffset { expected: session.offset, provided: append.offset };
            return Err(problem.into());
        }
        let len = self.agreed_len(held, append).await?;
        check_signature(image)?;
        let room = self.room(image, len, 1).await?;
        let row = self.write_of(session).await?.ok_or_else(gone)?;
        let store = self.store(Some(&session.store)).cloned().ok_or_else(|| ImageError::Unavailable {
            text: format!("store {} is not enabled any more", session.store),
            retry_after: None,
        })?;
        let lane = Lane { store, row };
        let (target, resume) = self.reopen(held, &lane, len).await?;
        let spec = self.ingest_spec(held, len, room.as_ref(), resume);
        Ok(Ready { row: lane.row, target, spec, room })
    }

    async fn pour(
        &self,
        held: &Held<'_>,
        ready: Ready,
        complete: bool,
        body: Body,
    ) -> Result<Appended, Stop> {
        let Ready { row, target, spec, room } = ready;
        let (body, ending) = watched(body, complete);
        let Failed { error, left_behind } = match ingest(body, vec![target], spec, &self.budget).await {
            Ok(ingested) => return self.finish(held, row, ingested, room).await,
            Err(failed) => failed,
        };
        match error {
            IngestError::Suspended { offset } => {
                let end = ending.lock().unwrap_or_else(PoisonError::into_inner).take();
                self.suspended(held, offset, end, complete).await
            }
            IngestError::TakenOver => Err(Stop::Lost),
            IngestError::CannotResume { offset, reason } => {
                tracing::warn!(image.id = %held.image.id, offset, reason, "an upload cannot be gone on with");
                Err(gone())
            }
            error => Err(Stop::Ends(match (&error, &room) {
                (IngestError::TooLarge { max }, Some(room)) if *max < self.settings.image_size_cap => {
                    room.too_long(max.saturating_add(1))
                }
                _ => refusal(Failed { error, left_behind }).error,
            })),
        }
    }

    /// The length of the image that client and upload agree on.
    async fn agreed_len(&self, held: &Held<'_>, append: Append) -> Result<Option<u64>, Stop> {
        let known = held.session.declared_len;
        let Some(len) = append.len else { return Ok(known) };
        if known.is_some_and(|known| known != len) || len < append.offset {
            return Err(UploadProblem::InconsistentLength.into());
        }
        if known.is_none() && !self.images.declare_session(&held.hold, len).await.map_err(ImageError::from)? {
            return Err(Stop::Lost);
        }
        Ok(Some(len))
    }

    /// The object, as far as it was written, or a new one where nothing is durable yet.
    async fn reopen(
        &self,
        held: &Held<'_>,
        lane: &Lane,
        len: Option<u64>,
    ) -> Result<(Target, Option<Checkpoint>), Stop> {
        let Held { image, session, .. } = held;
        let spec = WriteSpec { image: image.id.clone(), owner: image.owner.clone(), len };
        let capability = lane.store.capability();
        let target = |writer: Box<dyn StoreWriter>, capability: Capability| Target {
            store: lane.id().clone(),
            writer,
            capability,
        };
        let Some(bytes) = session.checkpoint.as_deref().filter(|_| session.offset > 0) else {
            if !held.fresh {
                // An earlier request may have begun an object of which nothing is durable.
                self.clear_store(lane.store.as_ref(), &image.id, Some(&lane.row)).await?;
            }
            let writer = self.begin(lane, &spec).await.map_err(as_write)?;
            return Ok((target(writer, capability), None));
        };
        let checkpoint: Checkpoint = serde_json::from_slice(bytes).map_err(|error| {
            tracing::error!(image.id = %image.id, %error, "the checkpoint of an upload cannot be read");
            gone()
        })?;
        let url = lane.row.url.as_deref().ok_or_else(gone)?;
        let resumed = lane.store.resume_write(url, &spec).await.map_err(ImageError::from_write)?;
        let writer = resumed.ok_or_else(gone)?;
        Ok((target(writer, capability), Some(checkpoint)))
    }

    fn ingest_spec(
        &self,
        held: &Held<'_>,
        len: Option<u64>,
        room: Option<&Room>,
        resume: Option<Checkpoint>,
    ) -> IngestSpec {
        let cap = self.settings.image_size_cap;
        let keep = Arc::new(Keeper { images: Arc::clone(&self.images), hold: held.hold.clone() });
        IngestSpec {
            algorithm: self.hash_algorithm(held.image),
            declared_len: len,
            max_len: room.map_or(cap, |room| room.longest(cap)),
            inspect: true,
            on_target_failure: OnFailure::AbortAll,
            progress: Arc::default(),
            cancel: held.cancel.clone(),
            resume,
            checkpoints: Some(Checkpoints { every: self.settings.upload_checkpoint, keep }),
            suspendable: true,
        }
    }

    /// Judges the whole image, and makes it count.
    async fn finish(
        &self,
        held: &Held<'_>,
        row: WriteRow,
        ingested: Ingested,
        room: Option<Room>,
    ) -> Result<Appended, Stop> {
        let Held { image, hold, .. } = held;
        let block_digest = scurry_transfer::block_digest(&ingested.blocks);
        self.crash.pass("session.written").await;
        match self.settle(image, ingested, false, OnFailure::AbortAll, Vec::new(), room).await {
            Ok(taken) => {
                let complete = Change::CompleteSession(hold.clone(), taken.len);
                self.activate(image, &taken, row, Some(complete)).await?;
                Ok(Appended::Complete { len: taken.len, block_digest })
            }
            Err(refused) => Ok(Appended::Refused(refused.error)),
        }
    }

    /// What is said of a body that was not the last, or not read to its end.
    async fn suspended(
        &self,
        held: &Held<'_>,
        offset: u64,
        end: Option<End>,
        complete: bool,
    ) -> Result<Appended, Stop> {
        match end {
            Some(End::Whole) if complete => Err(UploadProblem::InconsistentLength.into()),
            Some(End::Whole) => Ok(Appended::More { offset }),
            Some(End::Broken(error)) => Err(Stop::Keeps(unreadable(error).error)),
            None if self.stopping.is_cancelled() => Err(Stop::Keeps(ImageError::Unavailable {
                text: "the service is stopping; the upload can be gone on with".to_owned(),
                retry_after: Some(Duration::from_secs(5)),
            })),
            None => {
                let now = self.images.upload_session(&held.image.id).await.map_err(ImageError::from)?;
                match now.filter(|now| now.id == held.session.id) {
                    Some(_) => Err(UploadProblem::TakenOver { offset }.into()),
                    None => Err(Stop::Lost),
                }
            }
        }
    }
}

/// A store's error at the beginning of a write, as clients are told.
fn as_write(error: ImageError) -> ImageError {
    match error {
        ImageError::Store(error) => ImageError::from_write(error),
        error => error,
    }
}

fn gone() -> Stop {
    Stop::Ends(ImageError::Gone(
        "What was uploaded so far is not there any more: the upload has to begin anew.".to_owned(),
    ))
}
