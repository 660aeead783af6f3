// SPDX-License-Identifier: Apache-2.0
//! Reading one url: part by part where the server sends parts, else front to back.

use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use scurry_fetch::{Fetched, Fetcher, Request};
use scurry_store::{Operation, StoreError, StoreErrorKind, StoreReader};
use scurry_types::{Extents, StoreId};
use tokio::sync::Mutex;

use crate::failure::failed;

/// How the server answers requests for a part.
#[derive(Debug)]
enum Manner {
    /// Nobody asked yet.
    Unknown,
    /// With the part.
    Parts,
    /// With everything: one answer is read on and on.
    Whole(Box<Running>),
}

/// An answer, and what of it is received but not asked for yet.
#[derive(Debug)]
struct Running {
    fetched: Fetched,
    left: Bytes,
}

/// A url that is being read.
#[derive(Debug)]
pub(crate) struct HttpReader {
    store: StoreId,
    fetcher: Fetcher,
    request: Request,
    len: u64,
    manner: Mutex<Manner>,
}

impl Running {
    /// Where the next byte lies.
    fn at(&self) -> u64 {
        self.fetched.position().saturating_sub(self.left.len() as u64)
    }
}

impl HttpReader {
    pub(crate) fn new(store: StoreId, fetcher: Fetcher, request: Request, len: u64) -> Self {
        Self { store, fetcher, request, len, manner: Mutex::new(Manner::Unknown) }
    }

    fn corrupt(&self, text: impl Into<String>) -> StoreError {
        StoreError::new(&self.store, Operation::Read, StoreErrorKind::Corrupt, text)
    }

    async fn ask(&self, range: Option<Range<u64>>) -> Result<Running, StoreError> {
        let request = Request { range, ..self.request.clone() };
        let fetched = self.fetcher.get(&request).await;
        let fetched = fetched.map_err(|error| failed(&self.store, Operation::Read, &error))?;
        let before = self.request.if_range.as_ref();
        let changed = before.is_some_and(|before| fetched.validator().is_some_and(|now| now != before));
        if changed || fetched.total().is_some_and(|total| total != self.len) {
            return Err(self.corrupt("the image on the server is not the same any more"));
        }
        Ok(Running { fetched, left: Bytes::new() })
    }

    async fn take(&self, running: &mut Running, len: usize) -> Result<Bytes, StoreError> {
        let mut taken = BytesMut::new();
        while taken.len() < len {
            if running.left.is_empty() {
                let next = running.fetched.next().await;
                let next = next.map_err(|error| failed(&self.store, Operation::Read, &error))?;
                let short = || self.corrupt("the server sends fewer bytes than it announced");
                running.left = next.ok_or_else(short)?;
            }
            let part = running.left.split_to(running.left.len().min(len - taken.len()));
            if taken.is_empty() && part.len() == len {
                return Ok(part);
            }
            taken.extend_from_slice(&part);
        }
        Ok(taken.freeze())
    }

    /// Reads from an answer that goes from the first byte to the last, beginning anew when it is too far.
    async fn take_at(&self, manner: &mut Manner, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let mut running = match std::mem::replace(manner, Manner::Unknown) {
            Manner::Whole(running) if running.at() <= offset => running,
            _ => Box::new(self.ask(None).await?),
        };
        while running.at() < offset {
            let skip = usize::try_from(offset - running.at()).unwrap_or(usize::MAX).min(1 << 20);
            self.take(&mut running, skip).await?;
        }
        let data = self.take(&mut running, len).await?;
        *manner = Manner::Whole(running);
        Ok(data)
    }
}

#[async_trait]
impl StoreReader for HttpReader {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let end = offset.saturating_add(len as u64);
        if end > self.len {
            return Err(self.corrupt(format!("bytes up to {end} are wanted of {}", self.len)));
        }
        if len == 0 {
            return Ok(Bytes::new());
        }
        let mut manner = self.manner.lock().await;
        let first = match *manner {
            Manner::Whole(_) => return self.take_at(&mut manner, offset, len).await,
            Manner::Parts => {
                drop(manner);
                let mut running = self.ask(Some(offset..end)).await?;
                if running.at() != offset {
                    return Err(self.corrupt("the server sends another part than it was asked for"));
                }
                return self.take(&mut running, len).await;
            }
            Manner::Unknown => self.ask(Some(offset..end)).await?,
        };
        if !first.fetched.is_part() {
            *manner = Manner::Whole(Box::new(first));
            return self.take_at(&mut manner, offset, len).await;
        }
        *manner = Manner::Parts;
        drop(manner);
        let mut first = first;
        if first.at() != offset {
            return Err(self.corrupt("the server sends another part than it was asked for"));
        }
        self.take(&mut first, len).await
    }

    async fn extents(&self, range: Range<u64>) -> Result<Extents, StoreError> {
        Ok(Extents::all_data(range.end.saturating_sub(range.start)))
    }

    async fn close(&self) -> Result<(), StoreError> {
        *self.manner.lock().await = Manner::Unknown;
        Ok(())
    }
}
