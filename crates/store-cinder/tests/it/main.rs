// SPDX-License-Identifier: Apache-2.0
//! The store against a block-storage service that fails when told to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod clones;
mod conformance;
mod deletes;
mod embedded;
mod fake;
mod finds;
mod journeys;
mod reads;
mod writes;

use bytes::Bytes;
use scurry_connect::Connector;
use scurry_store::{Store, StoreError, StoredObject, WriteSpec};
use scurry_types::ImageId;

fn connector(host: &str) -> Connector {
    Connector::new(host)
}

fn spec(image: &ImageId, len: Option<u64>) -> WriteSpec {
    WriteSpec { image: image.clone(), owner: Some("owner-project".into()), len }
}

/// Writes and commits an image of a few bytes.
async fn write(
    store: &dyn Store,
    image: &ImageId,
    content: &'static [u8],
) -> Result<StoredObject, StoreError> {
    let len = content.len() as u64;
    let writer = store.begin_write(&spec(image, Some(len))).await?;
    writer.write_at(0, Bytes::from_static(content)).await?;
    writer.commit(len).await
}

async fn content(store: &dyn Store, url: &str) -> Result<Bytes, StoreError> {
    let reader = store.open_read(url).await?;
    let bytes = reader.read_at(0, usize::try_from(reader.len()).unwrap()).await?;
    reader.close().await?;
    Ok(bytes)
}
