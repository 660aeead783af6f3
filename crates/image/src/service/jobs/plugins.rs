// SPDX-License-Identifier: Apache-2.0
//! Import plugins: what the operator has done to an import's bytes between their source and the stores.
//!
//! A step passes the bytes on as a stream. Where it needs all of them at hand and they are in no file yet, they
//! are kept in a file without a name, which is gone with whoever has it open.

mod convert;
mod spool;
mod unpack;

use std::io::{self, Read};

use futures::{StreamExt, stream};
use scurry_formats::DiskFormat;
use scurry_transfer::Chunk;
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::origin::Origin;
use crate::body::{Body, BodyError, in_memory};
use crate::error::ImageError;
use crate::image::Image;
use crate::plugins::ImportPlugin;
use crate::service::core::Core;
use crate::service::intake::Refused;

/// Pieces on their way from a plugin's thread, of at most 1 MiB each.
const PIECES: usize = 2;
/// What these are kept for is no disk of a format that could be converted.
const BOOT_FORMATS: [&str; 3] = ["aki", "ari", "ami"];

/// What the stores get, and what the image says of it then.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) origin: Origin,
    /// The image with the formats of what the stores get.
    pub(super) image: Image,
    /// The bytes must be of these formats whatever the operator forgives uploads.
    pub(super) strict: bool,
}

impl Core {
    /// Runs the plugins in their order.
    pub(super) async fn prepare(
        &self,
        image: &Image,
        origin: Origin,
        cancel: &CancellationToken,
    ) -> Result<Prepared, Refused> {
        let mut prepared = Prepared { origin, image: image.clone(), strict: false };
        for step in &self.settings.import_plugins.steps {
            prepared = match step {
                ImportPlugin::Decompression => self.decompress(prepared, cancel).await?,
                ImportPlugin::Conversion => self.convert(prepared, cancel).await?,
                // Properties are set together with the rest, when the image becomes active.
                ImportPlugin::NoOp | ImportPlugin::InjectMetadata => prepared,
            };
        }
        Ok(prepared)
    }

    async fn decompress(
        &self,
        mut prepared: Prepared,
        cancel: &CancellationToken,
    ) -> Result<Prepared, Refused> {
        if prepared.image.container_format.as_deref() != Some("compressed") {
            prepared.origin = self.unpack(prepared.origin, cancel).await?;
        }
        Ok(prepared)
    }

    async fn convert(&self, mut prepared: Prepared, cancel: &CancellationToken) -> Result<Prepared, Refused> {
        let output = self.settings.import_plugins.output_format;
        let claimed = prepared.image.disk_format.clone().unwrap_or_default();
        if BOOT_FORMATS.contains(&claimed.as_str()) {
            return Ok(prepared);
        }
        prepared.strict = true;
        if claimed == output.disk_format().as_str() || claimed == DiskFormat::Iso.as_str() {
            return Ok(prepared);
        }
        prepared.origin = self.converted(prepared.origin, &claimed, cancel).await?;
        prepared.image.disk_format = Some(output.to_string());
        prepared.image.container_format = Some("bare".to_owned());
        Ok(prepared)
    }
}

/// A body read by a blocking thread. It breaks off when `stop` is cancelled.
fn reader(body: Body, stop: &CancellationToken) -> impl Read + Send + use<> {
    let stopped = stop.clone();
    // An end that comes early must not look like the end.
    let broken_off =
        stream::once(async move { stopped.is_cancelled().then_some(Err(BodyError::ClientGone)) });
    let body = body.take_until(stop.clone().cancelled_owned());
    let body: Body = Box::pin(body.chain(broken_off.filter_map(|end| async { end })));
    SyncIoBridge::new(StreamReader::new(in_memory(body).map(|piece| piece.map_err(io::Error::other))))
}

/// The error of a body that went through a reader; of the reader's own it says `unusable`.
fn body_error(error: io::Error, unusable: &str) -> BodyError {
    match error.downcast::<BodyError>() {
        Ok(error) => error,
        Err(error)
            if error.kind() == io::ErrorKind::InvalidData || error.kind() == io::ErrorKind::UnexpectedEof =>
        {
            BodyError::Unusable(format!("{unusable}: {error}"))
        }
        Err(error) => BodyError::Local(error),
    }
}

/// Runs a blocking producer on a thread of its own; its chunks become a body. Whoever drops the body stops it,
/// also where it waits for what it reads: that breaks off with `guard`.
fn produce(
    guard: DropGuard,
    work: impl FnOnce(&mut dyn FnMut(Chunk) -> bool) -> Result<(), BodyError> + Send + 'static,
) -> Body {
    let (send, receive) = mpsc::channel::<Result<Chunk, BodyError>>(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut chunk = |chunk: Chunk| send.blocking_send(Ok(chunk)).is_ok();
        if let Err(error) = work(&mut chunk) {
            let _ = send.blocking_send(Err(error));
        }
    });
    let state = (receive, guard);
    Box::pin(stream::unfold(state, |(mut receive, guard)| async move {
        Some((receive.recv().await?, (receive, guard)))
    }))
}

/// Runs blocking work on a thread of its own.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Refused>
where
    T: Send + 'static,
    E: Into<Refused> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => {
            let text = "an import plugin broke off".to_owned();
            Err(ImageError::Local { text, source: io::Error::other(error) }.into())
        }
    }
}
