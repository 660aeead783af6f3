// SPDX-License-Identifier: Apache-2.0
//! Copying an image's bytes into a volume as they come.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use scurry_openstack_client::ClientError;
use scurry_openstack_client::image::{Image, ImageClient};
use scurry_types::VolumeId;
use scurry_volume_file::{Access, VolumeError, VolumeFile};
use tokio::sync::mpsc;

use super::WorkError;
use super::create::{backends_of, bytes};
use super::digest::Check;
use crate::db::volumes::Volume;
use crate::service::Service;

/// Chunks on their way from the network to the file.
const IN_FLIGHT: usize = 16;
/// The grain of zero detection, bytes.
const GRAIN: usize = 4096;

/// Makes the volume's files and writes the image's data to them; zeroes are left as holes.
pub(crate) async fn into_volume(
    service: &Arc<Service>,
    volume: &Volume,
    image: &Image,
    client: &ImageClient,
) -> Result<(), WorkError> {
    let file = create_and_open(service, volume).await?;
    let len = bytes(volume.size);
    let image_id = image.id.clone();
    let writer = move |mut chunks: mpsc::Receiver<Bytes>| -> Result<u64, WorkError> {
        let mut offset = 0;
        while let Some(chunk) = chunks.blocking_recv() {
            if offset + chunk.len() as u64 > len {
                return Err(WorkError::Unusable {
                    image: image_id,
                    reason: format!("its data is longer than the volume of {len} bytes"),
                });
            }
            write_sparse(&file, &chunk, offset)?;
            offset += chunk.len() as u64;
        }
        Ok(offset).and_then(|offset| file.close().map(|()| offset).map_err(WorkError::from))
    };
    receive(image, client, writer).await
}

/// Downloads the image, hands its data to `sink` on a blocking thread, and checks length and digest.
pub(crate) async fn receive(
    image: &Image,
    client: &ImageClient,
    sink: impl FnOnce(mpsc::Receiver<Bytes>) -> Result<u64, WorkError> + Send + 'static,
) -> Result<(), WorkError> {
    let mut data: Pin<Box<dyn Stream<Item = Result<Bytes, ClientError>> + Send>> =
        Box::pin(client.download(&image.id).await?);
    let check = Check::start(image);
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let sink = tokio::task::spawn_blocking(move || sink(receiver));
    let mut broken = None;
    while let Some(chunk) = data.next().await {
        match chunk {
            Ok(chunk) => {
                check.feed(&chunk).await;
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    drop(sender);
    let written = sink.await.map_err(|_| WorkError::Thread)?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    let written = written?;
    if image.size.is_some_and(|size| size != written) {
        return Err(WorkError::Unusable {
            image: image.id.clone(),
            reason: format!("{written} bytes came, {} were announced", image.size.unwrap_or(0)),
        });
    }
    check.finish(&image.id).await
}

/// Makes the empty files of a placed volume and opens them for writing.
pub(crate) async fn create_and_open(service: &Service, volume: &Volume) -> Result<VolumeFile, WorkError> {
    let (backend, replica) = backends_of(service, volume)?;
    let (id, len) = (VolumeId::new(volume.id.as_str()), bytes(volume.size));
    if let Some(replica) = replica {
        let id = id.clone();
        replica.run(move |pool| pool.create(&id, len)).await?;
    }
    let second = replica.map(|replica| replica.pool().clone());
    Ok(backend
        .run(move |pool| {
            pool.create(&id, len)?;
            VolumeFile::open(&pool.descriptor(&id, second.as_ref())?, Access::ReadWrite)
        })
        .await?)
}

/// Writes what is not zero. The volume is new, so what is not written reads as zero.
pub(crate) fn write_sparse(file: &VolumeFile, chunk: &[u8], offset: u64) -> Result<(), VolumeError> {
    let mut start = None;
    let mut at = 0;
    for block in chunk.chunks(GRAIN) {
        if block.iter().all(|byte| *byte == 0) {
            if let Some(start) = start.take() {
                file.write_at(&chunk[start..at], offset + start as u64)?;
            }
        } else if start.is_none() {
            start = Some(at);
        }
        at += block.len();
    }
    match start {
        Some(start) => file.write_at(&chunk[start..], offset + start as u64),
        None => Ok(()),
    }
}
