// SPDX-License-Identifier: Apache-2.0
//! An image's data in its order, by several requests at once where the service gives ranges, gone on with after breaks.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use scurry_openstack_client::ClientError;
use scurry_openstack_client::image::{Data, ImageClient, Stretch};
use scurry_types::size::MIB;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::progress::Meter;
use super::retry::Budget;
use crate::failure::Failure;

/// Bytes of one request.
const PART: u64 = 8 * MIB;
/// Bytes handed on at once of data that comes by one request.
const PIECE: usize = MIB as usize;
/// Pieces that wait for a slow file.
const AHEAD: usize = 8;

/// One image as it is fetched.
#[derive(Debug)]
pub(super) struct Fetching {
    pub(super) client: ImageClient,
    pub(super) id: String,
    /// Length of the image in bytes.
    pub(super) size: u64,
    /// How many requests at once.
    pub(super) parallel: usize,
    pub(super) retries: u32,
    pub(super) meter: Meter,
}

/// Pieces of an image, in order.
pub(super) type Pieces = BoxStream<'static, Result<Bytes, Failure>>;

impl Fetching {
    /// Everything from byte `from` on.
    pub(super) async fn pieces(self, from: u64) -> Result<Pieces, Failure> {
        if from >= self.size {
            return Ok(stream::empty().boxed());
        }
        let fetching = Arc::new(self);
        let first = from..(from - from % PART + PART).min(fetching.size);
        if fetching.parallel == 1 || first.end == fetching.size {
            return Ok(fetching.one_request(from, None));
        }
        let mut budget = Budget::new(fetching.retries);
        // The answer to the first request says which way it goes.
        Ok(match fetching.stretch(first.clone(), &mut budget).await? {
            Stretch::Part(data) => fetching.many_requests(first, data),
            Stretch::Whole(data) => fetching.one_request(from, Some(data)),
        })
    }

    fn many_requests(self: Arc<Self>, first: Range<u64>, data: Data) -> Pieces {
        let parallel = self.parallel;
        let rest = (first.end..self.size).step_by(PART as usize).map({
            let size = self.size;
            move |start| (start..(start + PART).min(size), None)
        });
        let parts = std::iter::once((first, Some(data))).chain(rest);
        stream::iter(parts)
            .map(move |(range, data)| {
                let fetching = Arc::clone(&self);
                // A task of its own: it goes on while the file is written.
                AbortOnDropHandle::new(tokio::spawn(async move { fetching.part(range, data).await }))
            })
            .buffered(parallel)
            .map(|part| part.map_err(|error| Failure::new("a download task ended", error)).flatten())
            .boxed()
    }

    /// One range as a whole, going on after breaks.
    async fn part(&self, range: Range<u64>, mut data: Option<Data>) -> Result<Bytes, Failure> {
        let mut budget = Budget::new(self.retries);
        let len = usize::try_from(range.end - range.start).unwrap_or_default();
        let mut part = BytesMut::with_capacity(len);
        while part.len() < len {
            let at = range.start + part.len() as u64;
            budget.reached(at);
            let mut answer = match data.take() {
                Some(data) => data,
                None => match self.stretch(at..range.end, &mut budget).await? {
                    Stretch::Part(data) => data,
                    Stretch::Whole(_) => {
                        return Err(Failure::plain("the service gives ranges no more: try --parallel 1"));
                    }
                },
            };
            while let Some(chunk) = answer.next().await {
                match chunk {
                    Ok(chunk) => part.extend_from_slice(&chunk[..chunk.len().min(len - part.len())]),
                    Err(error) => {
                        budget.pause(error, "fetch the image", &self.meter).await?;
                        break;
                    }
                }
            }
        }
        Ok(part.freeze())
    }

    /// By one request, or another after each break.
    fn one_request(self: Arc<Self>, from: u64, data: Option<Data>) -> Pieces {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(failure) = self.pour(from, data, &sender).await {
                let _ = sender.send(Err(failure)).await;
            }
        }));
        stream::unfold((receiver, task), |(mut receiver, task)| async move {
            Some((receiver.recv().await?, (receiver, task)))
        })
        .boxed()
    }

    async fn pour(
        &self,
        from: u64,
        data: Option<Data>,
        sender: &mpsc::Sender<Result<Bytes, Failure>>,
    ) -> Result<(), Failure> {
        let mut budget = Budget::new(self.retries);
        let mut at = from;
        let mut answer = data.map(Stretch::Whole);
        while at < self.size {
            budget.reached(at);
            let found = match answer.take() {
                Some(answer) => answer,
                None => self.stretch(at..self.size, &mut budget).await?,
            };
            // Of a whole image, what is there already goes by unseen.
            let (mut data, mut skip) = match found {
                Stretch::Part(data) => (data, 0),
                Stretch::Whole(data) => (data, at),
            };
            let mut piece = BytesMut::new();
            let broken = loop {
                match data.next().await {
                    Some(Ok(chunk)) => {
                        let skipped = skip.min(chunk.len() as u64);
                        skip -= skipped;
                        piece.extend_from_slice(&chunk[skipped as usize..]);
                    }
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
                if piece.len() >= PIECE && !hand_on(&mut piece, &mut at, self.size, sender).await {
                    return Ok(());
                }
            };
            if !hand_on(&mut piece, &mut at, self.size, sender).await {
                return Ok(());
            }
            if at < self.size {
                budget.reached(at);
                let error = broken.unwrap_or_else(|| self.short(at));
                budget.pause(error, "fetch the image", &self.meter).await?;
            }
        }
        Ok(())
    }

    /// The answer to a request for `range`, asked for again while that may help.
    async fn stretch(&self, range: Range<u64>, budget: &mut Budget) -> Result<Stretch, Failure> {
        loop {
            match self.client.stretch(&self.id, range.clone()).await {
                Ok(stretch) => return Ok(stretch),
                Err(error) => budget.pause(error, "fetch the image", &self.meter).await?,
            }
        }
    }

    fn short(&self, at: u64) -> ClientError {
        ClientError::new(
            scurry_openstack_client::ErrorKind::Unavailable,
            "GET",
            format!("the data ended at byte {at} of {}", self.size),
        )
    }
}

/// Gives what was gathered to the file; `false` when nobody takes it any more.
async fn hand_on(
    piece: &mut BytesMut,
    at: &mut u64,
    size: u64,
    sender: &mpsc::Sender<Result<Bytes, Failure>>,
) -> bool {
    // A service that sends more than the image has is not believed; the digest tells.
    piece.truncate(usize::try_from(size - *at).unwrap_or(usize::MAX));
    *at += piece.len() as u64;
    piece.is_empty() || sender.send(Ok(piece.split().freeze())).await.is_ok()
}
