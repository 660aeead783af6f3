// SPDX-License-Identifier: Apache-2.0
//! One target's way through a transfer: parts in, writes out, and taken back unless told to finish.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use scurry_store::{StoreError, StoreWriter};
use scurry_types::StoreId;
use tokio::sync::{mpsc, oneshot};

use crate::piece::Part;
use crate::{OpenTarget, Target};

/// Parts that may wait for a slow target before the source is held back.
const QUEUE: usize = 4;
/// Writes to one target under way at a time.
const WRITES: usize = 4;
/// Bytes after which a target begins to make durable what it has, so that little is left to do in the end.
const WRITE_BACK: u64 = 64 << 20;

/// What a lane is told.
#[derive(Debug)]
pub(crate) enum Order {
    Write(Part),
    /// Makes durable what was written before, and says so. No answer: the lane failed.
    Sync(oneshot::Sender<()>),
    /// All parts were sent.
    Finish,
    /// The object stays as it is, for another to go on with.
    Leave,
    /// The object goes.
    Abort,
}

/// What a lane does with its object in the end, unless a write failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Keep,
    Leave,
    Abort,
}

/// How a lane begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// From this byte on, space was never written before.
    pub(crate) fresh_from: u64,
    /// Whether the object stays when nobody is there any more to say what becomes of it.
    pub(crate) stays: bool,
}

impl Start {
    /// A new object that nobody else knows how to go on with.
    pub(crate) const NEW: Self = Self { fresh_from: 0, stays: false };
}

/// How a lane ended.
#[derive(Debug)]
pub(crate) enum LaneEnd {
    Written(OpenTarget),
    Left,
    /// `write` is `None` when the lane was given up from outside; `abort` when the object is gone.
    Gone {
        write: Option<StoreError>,
        abort: Option<StoreError>,
    },
}

/// Sends orders to a lane, and waits for its end.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) store: StoreId,
    pub(crate) url: String,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) end: tokio::task::JoinHandle<LaneEnd>,
}

impl Lane {
    /// `on_failure` is called once, when a write failed, before the object is taken back.
    pub(crate) fn start(target: Target, start: Start, on_failure: impl FnOnce() + Send + 'static) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        let (store, url) = (target.store.clone(), target.writer.url().to_owned());
        let end = tokio::spawn(run(target, start, queue, on_failure));
        Self { store, url, orders, end }
    }
}

async fn run(
    target: Target,
    start: Start,
    queue: mpsc::Receiver<Order>,
    on_failure: impl FnOnce() + Send,
) -> LaneEnd {
    let Target { store, writer, capability } = target;
    let fresh_from = if capability.fresh_is_zero { start.fresh_from } else { u64::MAX };
    let write = match drive(queue, writer.as_ref(), fresh_from).await {
        Ok(Some(Last::Keep)) => return LaneEnd::Written(OpenTarget::new(store, writer)),
        Ok(Some(Last::Leave)) => return LaneEnd::Left,
        Ok(None) if start.stays => return LaneEnd::Left,
        Ok(Some(Last::Abort) | None) => None,
        Err(error) => {
            tracing::warn!(store.id = %store, url = writer.url(), %error, "a target failed");
            on_failure();
            Some(error)
        }
    };
    let url = writer.url().to_owned();
    let abort = writer.abort().await.err();
    if let Some(error) = &abort {
        tracing::error!(store.id = %store, url, %error, "an unfinished object is left behind");
    }
    LaneEnd::Gone { write, abort }
}

/// Writes until told what becomes of the object; `None` when nobody is there to say so. No write is under way
/// when this returns.
async fn drive(
    mut queue: mpsc::Receiver<Order>,
    writer: &dyn StoreWriter,
    fresh_from: u64,
) -> Result<Option<Last>, StoreError> {
    let writes_back = AtomicBool::new(false);
    let mut writes = FuturesUnordered::new();
    let mut failure = None;
    let mut last = None;
    let mut written = 0;
    while failure.is_none() {
        tokio::select! {
            biased;
            Some(result) = writes.next(), if !writes.is_empty() => failure = Result::err(result),
            order = queue.recv(), if writes.len() < WRITES => match order {
                Some(Order::Write(part)) => {
                    if let Part::Data(piece) = &part {
                        written += piece.data.len() as u64;
                    }
                    writes.push(carry_out(writer, Work::Write(part, fresh_from)));
                    if written >= WRITE_BACK && !writes_back.swap(true, Ordering::Relaxed) {
                        written = 0;
                        writes.push(carry_out(writer, Work::WriteBack(&writes_back)));
                    }
                }
                Some(Order::Sync(done)) => {
                    // Only what has returned is made durable.
                    failure = settle(&mut writes).await;
                    writes.push(carry_out(writer, Work::Sync(done)));
                }
                Some(Order::Finish) => last = Some(Last::Keep),
                Some(Order::Leave) => last = Some(Last::Leave),
                Some(Order::Abort) => last = Some(Last::Abort),
                None => break,
            },
        }
        if last.is_some() {
            break;
        }
    }
    drop(queue);
    failure = failure.or(settle(&mut writes).await);
    failure.map_or(Ok(last), Err)
}

/// Waits for all that is under way; the answer is what failed first.
async fn settle(
    writes: &mut FuturesUnordered<impl Future<Output = Result<(), StoreError>>>,
) -> Option<StoreError> {
    let mut failure = None;
    while let Some(result) = writes.next().await {
        failure = failure.or(result.err());
    }
    failure
}

/// What a lane is busy with.
enum Work<'a> {
    /// A part, and from where on space is fresh.
    Write(Part, u64),
    Sync(oneshot::Sender<()>),
    /// Some of what was written becomes durable early; tells when it did.
    WriteBack(&'a AtomicBool),
}

async fn carry_out(writer: &dyn StoreWriter, work: Work<'_>) -> Result<(), StoreError> {
    match work {
        Work::Write(part, fresh_from) => write(writer, part, fresh_from).await,
        Work::WriteBack(busy) => {
            let result = writer.sync().await;
            busy.store(false, Ordering::Relaxed);
            result
        }
        Work::Sync(done) => {
            writer.sync().await?;
            // Whoever wanted to know may not wait any more.
            let _unwanted = done.send(());
            Ok(())
        }
    }
}

async fn write(writer: &dyn StoreWriter, part: Part, fresh_from: u64) -> Result<(), StoreError> {
    let piece = match part {
        Part::Data(piece) => piece,
        Part::Zero { offset, len } => return write_zeroes(writer, offset, len, fresh_from).await,
    };
    for run in piece.runs.iter() {
        let offset = piece.offset + run.start as u64;
        if run.zero {
            write_zeroes(writer, offset, run.len as u64, fresh_from).await?;
        } else {
            writer.write_at(offset, piece.data.slice(run.start..run.start + run.len)).await?;
        }
    }
    Ok(())
}

/// Zeroes are not written where fresh space has them.
async fn write_zeroes(
    writer: &dyn StoreWriter,
    offset: u64,
    len: u64,
    fresh_from: u64,
) -> Result<(), StoreError> {
    match len.min(fresh_from.saturating_sub(offset)) {
        0 => Ok(()),
        used => writer.write_zeroes(offset, used).await,
    }
}
