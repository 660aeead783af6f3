// SPDX-License-Identifier: Apache-2.0
//! An answer's bytes, taken up again where a connection broke.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use http::header::HeaderValue;
use http::{Method, StatusCode};
use reqwest::Response;
use url::Url;

use crate::error::FetchError;
use crate::fetcher::{Fetcher, Request, same_origin};
use crate::filter::place;
use crate::validator::{content_length, content_range, same_version};

/// An answer that has begun.
#[derive(Debug)]
pub struct Fetched {
    fetcher: Fetcher,
    /// The request for what is still to come: the place redirects led to, and nothing else.
    rest: Request,
    place: String,
    response: Response,
    validator: Option<HeaderValue>,
    part: bool,
    total: Option<u64>,
    /// Where the next byte lies in the whole.
    at: u64,
    /// Where the answer ends, when that is known.
    end: Option<u64>,
    failures: u32,
    waited: Duration,
    received: u64,
}

impl Fetched {
    pub(crate) fn begin(
        fetcher: Fetcher,
        request: &Request,
        url: Url,
        response: Response,
    ) -> Result<Self, FetchError> {
        let place = place(&url);
        let part = response.status() == StatusCode::PARTIAL_CONTENT;
        let (at, total, end) = if part {
            let range = content_range(response.headers());
            let Some((first, total)) = range.filter(|_| request.range.is_some()) else {
                return Err(FetchError::Answer { place, reason: "it sent a part nobody asked for".into() });
            };
            let length = content_length(response.headers()).map(|len| first.saturating_add(len));
            (first, total, length)
        } else {
            let total = content_length(response.headers());
            (0, total, total)
        };
        let validator = Fetcher::validator_of(&response);
        // What was for the first place is not for one that a redirect led to.
        let home = Url::parse(&request.url).is_ok_and(|asked| same_origin(&asked, &url));
        let rest = Request {
            url: url.into(),
            token: request.token.clone().filter(|_| home),
            trusted: request.trusted && home,
            range: None,
            if_range: validator.clone(),
        };
        Ok(Self {
            fetcher,
            rest,
            place,
            response,
            validator,
            part,
            total,
            at,
            end,
            failures: 0,
            waited: Duration::ZERO,
            received: 0,
        })
    }

    /// Bytes of the whole, where the server tells.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether the server sends the part it was asked for, not everything.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.part
    }

    /// Where the next byte lies in the whole.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.at
    }

    /// What a later request for a part is to be bound to, where the server says anything of the kind.
    #[must_use]
    pub fn validator(&self) -> Option<&HeaderValue> {
        self.validator.as_ref()
    }

    /// Whether the answer is of the version an earlier one's validator is of. A server may look at the range only.
    #[must_use]
    pub fn is_of(&self, earlier: &HeaderValue) -> bool {
        same_version(self.response.headers(), earlier)
    }

    /// The bytes as they come; the first error is the end.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, FetchError>> + Send + use<> {
        stream::unfold(Some(self), |state| async move {
            let mut reading = state?;
            match reading.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let begun = Instant::now();
            let limit = self.fetcher.settings.idle_timeout;
            let chunk = tokio::time::timeout(limit, self.response.chunk()).await;
            self.waited += begun.elapsed();
            let failure = match chunk {
                Ok(Ok(Some(bytes))) if bytes.is_empty() => continue,
                Ok(Ok(Some(bytes))) => {
                    self.count(bytes.len() as u64)?;
                    return Ok(Some(bytes));
                }
                Ok(Ok(None)) if self.end.is_none_or(|end| self.at >= end) => return Ok(None),
                Ok(Ok(None)) => self.broken("ended too early", None),
                Ok(Err(error)) => self.broken("broke off", Some(error)),
                Err(_) => self.broken("sends nothing any more", None),
            };
            self.take_up(failure).await?;
        }
    }

    fn broken(&self, what: &'static str, source: Option<reqwest::Error>) -> FetchError {
        let source = source.map(|error| error.without_url().into());
        FetchError::Broken { place: self.place.clone(), what, source }
    }

    /// A server that sends a byte now and then would hold its reader for ever.
    fn count(&mut self, bytes: u64) -> Result<(), FetchError> {
        self.at = self.at.saturating_add(bytes);
        if self.end.is_some_and(|end| self.at > end) {
            let reason = "it sent more bytes than it announced".to_owned();
            return Err(FetchError::Answer { place: self.place.clone(), reason });
        }
        self.failures = 0;
        self.received = self.received.saturating_add(bytes);
        let settings = &self.fetcher.settings;
        if self.waited >= settings.pace_window {
            if self.received < settings.pace_bytes {
                let reason = format!("{} bytes in {:?} are too few", self.received, self.waited);
                return Err(FetchError::Answer { place: self.place.clone(), reason });
            }
            (self.waited, self.received) = (Duration::ZERO, 0);
        }
        Ok(())
    }

    /// Asks for the rest of the very same bytes. Fails with what broke when there is no way.
    async fn take_up(&mut self, mut failure: FetchError) -> Result<(), FetchError> {
        loop {
            if self.validator.is_none() || self.failures >= self.fetcher.settings.resumes {
                return Err(failure);
            }
            self.failures += 1;
            tokio::time::sleep(self.fetcher.settings.resume_pause * self.failures).await;
            self.rest.range = Some(self.at..self.end.unwrap_or(u64::MAX));
            tracing::debug!(place = self.place, at = self.at, "a broken download is taken up again");
            match self.fetcher.send(&Method::GET, &self.rest).await {
                Ok((_, response)) => {
                    if !self.goes_on_with(&response) {
                        return Err(self.broken("broke off, and has other bytes now", None));
                    }
                    self.response = response;
                    return Ok(());
                }
                Err(error) if error.is_passing() => failure = error,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether an answer is the rest of the very same bytes. A server may send a part whatever `If-Range` says.
    fn goes_on_with(&self, response: &Response) -> bool {
        let headers = response.headers();
        let rest = content_range(headers).is_some_and(|(first, total)| {
            first == self.at && total.zip(self.total).is_none_or(|(now, before)| now == before)
        });
        let same = self.validator.as_ref().is_some_and(|before| same_version(headers, before));
        response.status() == StatusCode::PARTIAL_CONTENT && rest && same
    }
}
