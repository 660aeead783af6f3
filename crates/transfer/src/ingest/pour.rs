// SPDX-License-Identifier: Apache-2.0
//! The loop that reads a body and hands its parts round.

use std::error::Error;
use std::pin::{Pin, pin};

use futures::{Stream, StreamExt};
use tokio::time::timeout_at;

use super::IngestSpec;
use crate::checkpoint::{Checkpoint, Marks};
use crate::fan::Fan;
use crate::piece::Part;
use crate::regroup::Regroup;
use crate::watchers::{Position, Watchers};
use crate::{Chunk, IngestError, MemoryBudget};

/// How a body ended, when nothing failed that takes the targets back.
pub(super) enum End {
    /// It was read to its end; so many bytes has the image.
    Whole(u64),
    /// It was not, and the targets stay as they are.
    Left(IngestError),
}

/// What comes next of a body.
enum Next {
    Chunk(Chunk),
    /// Nothing came for long enough.
    Stalled,
    End,
}

/// A body being read.
pub(super) struct Pour<'a> {
    fan: &'a Fan,
    watchers: &'a Watchers,
    spec: &'a IngestSpec,
    regroup: Regroup<'a>,
    marks: Option<Marks>,
    /// Bytes of the image that came, those before a checkpoint included.
    received: u64,
    /// Bytes that were handed round.
    handed: u64,
}

impl<'a> Pour<'a> {
    pub(super) fn new(
        fan: &'a Fan,
        watchers: &'a Watchers,
        spec: &'a IngestSpec,
        budget: &'a MemoryBudget,
    ) -> Self {
        let offset = spec.resume.as_ref().map_or(0, Checkpoint::offset);
        let marks = spec.checkpoints.clone().map(|checkpoints| Marks::new(checkpoints, spec.resume.as_ref()));
        spec.progress.advance(offset);
        let regroup = Regroup::new(budget, offset);
        Self { fan, watchers, spec, regroup, marks, received: offset, handed: offset }
    }

    /// Reads the body to its end or where it breaks off.
    pub(super) async fn run<S, C, E>(&mut self, body: S) -> Result<End, IngestError>
    where
        S: Stream<Item = Result<C, E>> + Send,
        C: Into<Chunk>,
        E: Into<Box<dyn Error + Send + Sync>> + Send,
    {
        let end = match self.read(pin!(body)).await {
            Err(error) if self.suspends(&error) => self.suspend().await,
            read => read.map(|()| End::Whole(self.received)),
        };
        match end {
            Err(IngestError::TakenOver) => Ok(End::Left(IngestError::TakenOver)),
            Err(error) => {
                // Whoever keeps checkpoints must not hear of one after the end.
                if let Some(marks) = &mut self.marks {
                    let _last = marks.settle().await;
                }
                Err(error)
            }
            end => end,
        }
    }

    async fn read<S, C, E>(&mut self, mut body: Pin<&mut S>) -> Result<(), IngestError>
    where
        S: Stream<Item = Result<C, E>> + Send,
        C: Into<Chunk>,
        E: Into<Box<dyn Error + Send + Sync>> + Send,
    {
        let (declared, max) = (self.spec.declared_len, self.spec.max_len);
        if declared.is_some_and(|declared| declared > max) {
            return Err(IngestError::TooLarge { max });
        }
        loop {
            match self.next(&mut body).await? {
                Next::Chunk(chunk) => {
                    self.received = self.received.saturating_add(chunk.len());
                    match declared {
                        Some(declared) if self.received > declared => {
                            return Err(IngestError::LongerThanDeclared { declared });
                        }
                        _ if self.received > max => return Err(IngestError::TooLarge { max }),
                        _ => self.take(chunk).await?,
                    }
                }
                Next::Stalled => self.flush().await?,
                Next::End => break,
            }
        }
        if let Some(declared) = declared.filter(|declared| *declared != self.received) {
            return Err(IngestError::ShorterThanDeclared { declared, received: self.received });
        }
        self.flush().await?;
        match &mut self.marks {
            Some(marks) => marks.settle().await.map_err(|_| IngestError::TakenOver),
            None => Ok(()),
        }
    }

    async fn next<S, C, E>(&mut self, body: &mut Pin<&mut S>) -> Result<Next, IngestError>
    where
        S: Stream<Item = Result<C, E>> + Send,
        C: Into<Chunk>,
        E: Into<Box<dyn Error + Send + Sync>> + Send,
    {
        let item = match self.regroup.deadline() {
            Some(deadline) => match self.guard(timeout_at(deadline, body.next())).await? {
                Ok(item) => item,
                Err(_elapsed) => return Ok(Next::Stalled),
            },
            None => self.guard(body.next()).await?,
        };
        match item {
            Some(Ok(chunk)) => Ok(Next::Chunk(chunk.into())),
            Some(Err(error)) => Err(IngestError::Source(error.into())),
            None => Ok(Next::End),
        }
    }

    async fn take(&mut self, chunk: Chunk) -> Result<(), IngestError> {
        match chunk {
            Chunk::Data(mut data) => loop {
                let part = tokio::select! {
                    biased;
                    ended = ended(self.fan, self.spec) => return Err(ended),
                    part = self.regroup.take(&mut data) => part,
                };
                match part {
                    Some(part) => self.hand_round(part).await?,
                    None => return Ok(()),
                }
            },
            Chunk::Zeroes(len) => {
                for part in self.regroup.skip(len) {
                    self.hand_round(part).await?;
                }
                Ok(())
            }
        }
    }

    async fn flush(&mut self) -> Result<(), IngestError> {
        match self.regroup.flush() {
            Some(part) => self.hand_round(part).await,
            None => Ok(()),
        }
    }

    /// Gives a part to everybody. What may be gone on with is never left half handed round.
    async fn hand_round(&mut self, part: Part) -> Result<(), IngestError> {
        self.make_way(&part).await?;
        let round = async {
            self.fan.send(&part).await;
            self.watchers.send(&part).await;
        };
        if self.spec.checkpoints.is_some() {
            failed(self.fan, round).await?;
        } else {
            self.guard(round).await?;
        }
        self.handed += part.len();
        self.spec.progress.advance(part.len());
        Ok(())
    }

    /// Makes the checkpoint that is due, and the one without which the part may not be written yet.
    async fn make_way(&mut self, part: &Part) -> Result<(), IngestError> {
        let Some(mut marks) = self.marks.take() else { return Ok(()) };
        let way = self.checkpoints(&mut marks, part).await;
        self.marks = Some(marks);
        way
    }

    async fn checkpoints(&self, marks: &mut Marks, part: &Part) -> Result<(), IngestError> {
        marks.look().await.map_err(|_| IngestError::TakenOver)?;
        let end = self.handed + part.len();
        let allowed = |marks: &Marks| matches!(part, Part::Zero { .. }) || marks.allows(end);
        if !allowed(marks) {
            failed(self.fan, marks.settle()).await?.map_err(|_| IngestError::TakenOver)?;
        }
        if marks.due(self.handed) || !allowed(marks) {
            let dirty_to = marks.reach(self.handed).max(end);
            let make = failed(self.fan, self.ask(dirty_to)).await?;
            marks.begin(self.handed, dirty_to, make);
        }
        if !allowed(marks) {
            failed(self.fan, marks.settle()).await?.map_err(|_| IngestError::TakenOver)?;
        }
        Ok(())
    }

    /// Asks everybody for the checkpoint after what was handed round; it is whole once all have answered.
    async fn ask(&self, dirty_to: u64) -> impl Future<Output = Option<Checkpoint>> + Send + use<> {
        let algorithm = self.spec.resume.as_ref().map_or(self.spec.algorithm, |from| from.algorithm);
        let at = Position { offset: self.handed, dirty_to, algorithm };
        let durable = self.fan.sync().await;
        let states = self.watchers.ask().await;
        async move {
            // A target that does not answer failed: it is not among those that are gone on with.
            let _failed = futures::future::join_all(durable).await;
            states.gather(at).await
        }
    }

    /// Whether an error is one after which the transfer can be gone on with.
    fn suspends(&self, error: &IngestError) -> bool {
        let broken_off = matches!(
            error,
            IngestError::Source(_) | IngestError::Cancelled | IngestError::ShorterThanDeclared { .. }
        );
        broken_off && self.spec.suspendable && self.marks.is_some()
    }

    /// Keeps all that came.
    async fn suspend(&mut self) -> Result<End, IngestError> {
        self.flush().await?;
        let Some(mut marks) = self.marks.take() else { return Err(IngestError::TakenOver) };
        let offset = self.handed;
        let make = failed(self.fan, self.ask(offset)).await?;
        let Some(checkpoint) = failed(self.fan, make).await? else {
            return Err(IngestError::Hashing(std::io::Error::other(
                "a thread that looks at image data died",
            )));
        };
        let kept = failed(self.fan, marks.keep_last(checkpoint)).await?;
        Ok(End::Left(match kept {
            Ok(()) => IngestError::Suspended { offset },
            Err(_) => IngestError::TakenOver,
        }))
    }

    /// Whatever is waited for, the transfer can be cancelled, and ends when its targets failed.
    async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, IngestError> {
        tokio::select! {
            biased;
            error = ended(self.fan, self.spec) => Err(error),
            result = work => Ok(result),
        }
    }
}

/// Why nothing more is waited for.
async fn ended(fan: &Fan, spec: &IngestSpec) -> IngestError {
    tokio::select! {
        biased;
        () = spec.cancel.cancelled() => IngestError::Cancelled,
        () = fan.stopped() => IngestError::AllTargetsFailed(Vec::new()),
    }
}

/// Waits for what ends by itself, unless the targets failed.
async fn failed<T>(fan: &Fan, work: impl Future<Output = T>) -> Result<T, IngestError> {
    tokio::select! {
        biased;
        () = fan.stopped() => Err(IngestError::AllTargetsFailed(Vec::new())),
        result = work => Ok(result),
    }
}
