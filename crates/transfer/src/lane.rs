// SPDX-License-Identifier: Apache-2.0
//! One target's way through a transfer: parts in, writes out, and taken back unless told to finish.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use scurry_store::{StoreError, StoreWriter};
use scurry_types::StoreId;
use tokio::sync::mpsc;

use crate::piece::Part;
use crate::{OpenTarget, Target};

/// Parts that may wait for a slow target before the source is held back.
const QUEUE: usize = 4;
/// Writes to one target under way at a time.
const WRITES: usize = 4;

/// What a lane is told.
#[derive(Debug)]
pub(crate) enum Order {
    Write(Part),
    /// All parts were sent. A lane that hears nothing more without this takes its object back.
    Finish,
}

/// How a lane ended.
#[derive(Debug)]
pub(crate) enum LaneEnd {
    Written(OpenTarget),
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
    pub(crate) fn start(target: Target, on_failure: impl FnOnce() + Send + 'static) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        let (store, url) = (target.store.clone(), target.writer.url().to_owned());
        let end = tokio::spawn(run(target, queue, on_failure));
        Self { store, url, orders, end }
    }
}

async fn run(target: Target, queue: mpsc::Receiver<Order>, on_failure: impl FnOnce() + Send) -> LaneEnd {
    let Target { store, writer, capability } = target;
    let write = match drive(queue, writer.as_ref(), capability.fresh_is_zero).await {
        Ok(true) => return LaneEnd::Written(OpenTarget::new(store, writer)),
        Ok(false) => None,
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

/// Writes until told to finish (`true`) or given up (`false`). No write is under way when this returns.
async fn drive(
    mut queue: mpsc::Receiver<Order>,
    writer: &dyn StoreWriter,
    fresh_is_zero: bool,
) -> Result<bool, StoreError> {
    let mut writes = FuturesUnordered::new();
    let mut failure = None;
    let mut finished = false;
    while failure.is_none() {
        tokio::select! {
            biased;
            Some(result) = writes.next(), if !writes.is_empty() => failure = Result::err(result),
            order = queue.recv(), if writes.len() < WRITES => match order {
                Some(Order::Write(part)) => writes.push(write(writer, part, fresh_is_zero)),
                Some(Order::Finish) => {
                    finished = true;
                    break;
                }
                None => break,
            },
        }
    }
    drop(queue);
    while let Some(result) = writes.next().await {
        failure = failure.or(result.err());
    }
    failure.map_or(Ok(finished), Err)
}

async fn write(writer: &dyn StoreWriter, part: Part, fresh_is_zero: bool) -> Result<(), StoreError> {
    let piece = match part {
        Part::Data(piece) => piece,
        Part::Zero { .. } if fresh_is_zero => return Ok(()),
        Part::Zero { offset, len } => return writer.write_zeroes(offset, len).await,
    };
    for run in piece.runs.iter() {
        let offset = piece.offset + run.start as u64;
        if !run.zero {
            writer.write_at(offset, piece.data.slice(run.start..run.start + run.len)).await?;
        } else if !fresh_is_zero {
            writer.write_zeroes(offset, run.len as u64).await?;
        }
    }
    Ok(())
}
