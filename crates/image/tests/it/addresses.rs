// SPDX-License-Identifier: Apache-2.0
//! Addresses that give what a test says, in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use scurry_image::ports::{Outbound, OutboundBody, OutboundError, OutboundRequest};
use scurry_image::{BodyError, Chunk};

/// What one reading of an address gives.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// All of these bytes, announced.
    Whole(Vec<u8>),
    /// The same without their number.
    Unannounced(Vec<u8>),
    /// These bytes of the number announced, then the connection breaks.
    Broken(Vec<u8>, u64),
    /// All of these bytes up to there, as a version with that name; parts of that version are given.
    Version(Vec<u8>, &'static str, Option<usize>),
    /// These bytes of the number announced, as a version with that name, then nothing more for ever.
    Stalled(Vec<u8>, u64, &'static str),
    /// Not found and the like.
    Failed,
    /// Not now.
    Unavailable,
    /// Pieces without end.
    Endless,
}

#[derive(Debug, Default)]
pub(crate) struct Addresses {
    once: Mutex<HashMap<String, VecDeque<Answer>>>,
    always: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<Vec<OutboundRequest>>,
}

impl Addresses {
    pub(crate) const IMAGE: &str = "http://mirror.test/image";

    /// What the address gives next; after the last, nothing.
    pub(crate) fn then(&self, url: &str, answer: Answer) {
        self.once.lock().unwrap().entry(url.to_owned()).or_default().push_back(answer);
    }

    pub(crate) fn always(&self, url: &str, content: &[u8]) {
        self.always.lock().unwrap().insert(url.to_owned(), content.to_vec());
    }

    pub(crate) fn asked(&self) -> Vec<OutboundRequest> {
        self.asked.lock().unwrap().clone()
    }
}

fn pieces(content: &[u8]) -> Vec<Result<Bytes, BodyError>> {
    content.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

#[async_trait]
impl Outbound for Addresses {
    async fn check(&self, url: &str) -> Result<(), OutboundError> {
        if url.contains("refused.test") {
            return Err(OutboundError::Refused("the host is not allowed".to_owned()));
        }
        Ok(())
    }

    async fn get(&self, request: &OutboundRequest) -> Result<OutboundBody, OutboundError> {
        self.asked.lock().unwrap().push(request.clone());
        let once = self.once.lock().unwrap().get_mut(&request.url).and_then(VecDeque::pop_front);
        let always = || self.always.lock().unwrap().get(&request.url).cloned().map(Answer::Whole);
        let (mut offset, mut validator) = (0, None);
        let (len, list) = match once.or_else(always) {
            None | Some(Answer::Failed) => {
                return Err(OutboundError::Failed("http://mirror.test answered 404 Not Found".to_owned()));
            }
            Some(Answer::Unavailable) => {
                return Err(OutboundError::Unavailable("http://mirror.test cannot be reached".to_owned()));
            }
            Some(Answer::Whole(content)) => (Some(content.len() as u64), pieces(&content)),
            Some(Answer::Unannounced(content)) => (None, pieces(&content)),
            Some(Answer::Broken(content, len)) => {
                let mut list = pieces(&content);
                list.push(Err(BodyError::Outbound { text: "it broke off".to_owned(), later: true }));
                (Some(len), list)
            }
            Some(Answer::Version(content, name, end)) => {
                validator = Some(name.to_owned());
                let resume = request.resume.as_ref().filter(|resume| resume.validator == name);
                offset = resume.map_or(0, |resume| resume.offset);
                let mut list = pieces(&content[offset as usize..end.unwrap_or(content.len())]);
                if end.is_some() {
                    list.push(Err(BodyError::Outbound { text: "it broke off".to_owned(), later: true }));
                }
                (Some(content.len() as u64), list)
            }
            Some(Answer::Stalled(content, len, name)) => {
                let body = stream::iter(pieces(&content)).map_ok(Chunk::Data).chain(stream::pending());
                let validator = Some(name.to_owned());
                return Ok(OutboundBody { len: Some(len), offset, validator, body: body.boxed() });
            }
            Some(Answer::Endless) => {
                let piece = Bytes::from(vec![7; 100_000]);
                let body = stream::repeat_with(move || Ok(piece.clone().into()));
                return Ok(OutboundBody { len: None, offset, validator, body: body.boxed() });
            }
        };
        Ok(OutboundBody { len, offset, validator, body: stream::iter(list).map_ok(Chunk::Data).boxed() })
    }
}
