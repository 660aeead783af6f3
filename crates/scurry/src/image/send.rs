// SPDX-License-Identifier: Apache-2.0
//! Sending a file's bytes until the service has all of them, in the best way it knows.

use std::sync::Arc;
use std::time::Duration;

use scurry_openstack_client::image::{Image, ImageClient, UploadDone, UploadRest, UploadState};
use scurry_openstack_client::{ClientError, ErrorKind};
use scurry_types::HashAlgorithm;

use super::body::{Beside, Encoding, body, hash_start};
use super::digests::Hashing;
use super::progress::Meter;
use super::retry::Budget;
use super::source::Source;
use super::tree::Tree;
use super::verify::{Verified, compare, compare_blocks, read_again};
use crate::failure::Failure;

/// Between two looks at an image another upload holds.
const LOOK: Duration = Duration::from_secs(2);
/// A connection nothing moves on for so long is given up.
const STALL: Duration = Duration::from_secs(120);
/// How long one that broke off may hold it.
const HELD: u32 = 60;

/// One file on its way to one image.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) client: &'a ImageClient,
    pub(super) id: &'a str,
    pub(super) source: &'a Source,
    pub(super) store: Option<&'a str>,
    pub(super) retries: u32,
    pub(super) meter: &'a Meter,
}

impl Sending<'_> {
    /// Sends what is missing and compares the digests.
    pub(super) async fn run(&self) -> Result<Verified, Failure> {
        let tree = Arc::new(Tree::default());
        let mut budget = Budget::new(self.retries);
        let _shown = self.meter.begin("sending", self.source.len());
        loop {
            let error = match self.client.upload_state(self.id).await {
                Ok(None) => return self.plain(&mut budget).await,
                Ok(Some(UploadState { done: Some(done), .. })) => {
                    hash_start(self.source, self.source.len(), &Beside::new(&tree, self.meter)).await?;
                    return self.finish(done, &tree).await;
                }
                Ok(Some(state)) => match self.rest(&state, &tree, &mut budget).await? {
                    Ok(done) => return self.finish(done, &tree).await,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            budget.pause(error, "send the file", self.meter).await?;
        }
    }

    /// Sends everything behind what the service holds; the inner error is one of the wire.
    async fn rest(
        &self,
        state: &UploadState,
        tree: &Arc<Tree>,
        budget: &mut Budget,
    ) -> Result<Result<UploadDone, ClientError>, Failure> {
        self.check(state)?;
        budget.reached(state.offset);
        self.meter.at(state.offset);
        let begun = state.offset > 0 || state.length.is_some() || self.image().await?.status == "saving";
        let beside = Beside::new(tree, self.meter);
        hash_start(self.source, state.offset, &beside).await?;
        let rest = UploadRest {
            offset: begun.then_some(state.offset),
            length: self.source.len(),
            extents: state.takes_extents,
            store: self.store,
        };
        let encoding = if state.takes_extents { Encoding::Extents } else { Encoding::Plain };
        let data = body(self.source, state.offset, encoding, beside.clone());
        let sent = tokio::select! {
            sent = self.client.upload_rest(self.id, &rest, data) => sent,
            error = self.stalled() => Err(error),
        };
        match beside.take_broken() {
            Some(failure) => Err(failure),
            None => Ok(sent),
        }
    }

    /// Ends when no more bytes are taken, although there are some.
    async fn stalled(&self) -> ClientError {
        let mut reached = self.meter.position();
        loop {
            tokio::time::sleep(STALL).await;
            let now = self.meter.position();
            if now == reached && now < self.source.len() {
                let text = format!("the service took nothing for {} s", STALL.as_secs());
                return ClientError::new(ErrorKind::Unavailable, "sending", text);
            }
            reached = now;
        }
    }

    /// The file must be one the service can take, and the one that was begun.
    fn check(&self, state: &UploadState) -> Result<(), Failure> {
        let len = self.source.len();
        if let Some(max) = state.max_size.filter(|max| *max < len) {
            return Err(Failure::plain(format!(
                "the image has {len} bytes, the service takes {max} at most"
            )));
        }
        let other = state.length.filter(|begun| *begun != len);
        if let Some(begun) = other.or_else(|| (state.offset > len).then_some(state.offset)) {
            return Err(Failure::plain(format!(
                "the upload of image {} was begun with another file: that has {begun} bytes, {} has {len}",
                self.id,
                self.source.path.display()
            )));
        }
        Ok(())
    }

    async fn finish(&self, done: UploadDone, tree: &Tree) -> Result<Verified, Failure> {
        self.meter.at(self.source.len());
        match (done.block_digest, tree.digest(self.source.len())) {
            (Some(theirs), Some(own)) => compare_blocks(self.id, &theirs, &own, self.source),
            _ => read_again(&self.image().await?, self.source, self.meter).await,
        }
    }

    /// An upload as Glance knows it: whole or not at all.
    async fn plain(&self, budget: &mut Budget) -> Result<Verified, Failure> {
        loop {
            let image = self.free().await?;
            if image.status == "active" {
                return read_again(&image, self.source, self.meter).await;
            }
            self.meter.at(0);
            let mut beside = Beside::new(&Arc::default(), self.meter);
            let hashing = Arc::new(Hashing::start(&[HashAlgorithm::Md5, HashAlgorithm::Sha512]));
            beside.hashing = Some(Arc::clone(&hashing));
            let data = body(self.source, 0, Encoding::Plain, beside.clone());
            let sent = self.client.upload(self.id, data, Some(self.source.len()), self.store, None).await;
            if let Some(failure) = beside.take_broken() {
                return Err(failure);
            }
            match sent {
                Ok(()) => return compare(&self.image().await?, &hashing.finish().await?, self.source),
                Err(error) => budget.pause(error, "send the file", self.meter).await?,
            }
        }
    }

    /// The image, once no upload that broke off holds it.
    async fn free(&self) -> Result<Image, Failure> {
        for _ in 0..HELD {
            let image = self.image().await?;
            match image.status.as_str() {
                "queued" | "active" => return Ok(image),
                "saving" => tokio::time::sleep(LOOK).await,
                other => {
                    return Err(Failure::plain(format!("image {} is {other}: it takes no data", self.id)));
                }
            }
        }
        Err(Failure::plain(format!("another upload of image {} does not end", self.id)))
    }

    async fn image(&self) -> Result<Image, Failure> {
        let mut budget = Budget::new(self.retries);
        loop {
            match self.client.image(self.id).await {
                Ok(image) => return Ok(image),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(Failure::new(format!("image {} is gone", self.id), error));
                }
                Err(error) => budget.pause(error, "look at the image", self.meter).await?,
            }
        }
    }
}
