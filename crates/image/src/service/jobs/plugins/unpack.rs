// SPDX-License-Identifier: Apache-2.0
//! `image_decompression`: an image that comes as gzip, ZIP or LHA is unpacked on its way.

use std::fs::File;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use scurry_formats::{MAGIC_LEN, Packing, pump};
use scurry_transfer::Chunk;
use tokio_util::sync::CancellationToken;

use super::super::origin::Origin;
use super::{body_error, produce, reader};
use crate::body::{Body, BodyError, in_memory};
use crate::service::core::Core;
use crate::service::intake::{Refused, unreadable};

const UNUSABLE: &str = "the image cannot be decompressed";

impl Core {
    /// What is not packed is passed on as it is.
    pub(super) async fn unpack(&self, origin: Origin, cancel: &CancellationToken) -> Result<Origin, Refused> {
        let Origin { len, body, file, .. } = origin;
        let (beginning, body) = peek(body).await.map_err(unreadable)?;
        let Some(packing) = Packing::of(&beginning) else { return Ok(Origin::made(len, body, file)) };
        tracing::info!(?packing, "the image is unpacked");
        let body = if packing.needs_file() {
            let file = self.at_hand(Origin::made(len, body, file), cancel).await?;
            produce(cancel.child_token().drop_guard(), move |chunk| unpack_file(packing, file, chunk))
        } else {
            let stop = cancel.child_token();
            let packed = reader(body, &stop);
            produce(stop.drop_guard(), move |chunk| {
                let piece = |piece: Vec<u8>| chunk(Chunk::Data(piece.into()));
                let unpacked = packing.unpack(packed).and_then(|mut unpacked| pump(&mut *unpacked, piece));
                unpacked.map_err(|error| body_error(error, UNUSABLE))
            })
        };
        Ok(Origin::made(None, body, None))
    }
}

fn unpack_file(packing: Packing, file: File, chunk: &mut dyn FnMut(Chunk) -> bool) -> Result<(), BodyError> {
    let piece = |piece: Vec<u8>| chunk(Chunk::Data(piece.into()));
    packing.unpack_file(file, piece).map_err(|error| body_error(error, UNUSABLE))
}

/// The first bytes of a body, and the body with them.
async fn peek(body: Body) -> Result<(Bytes, Body), BodyError> {
    let mut body = Box::pin(in_memory(body));
    let mut beginning = BytesMut::new();
    while beginning.len() < MAGIC_LEN {
        match body.next().await {
            Some(piece) => beginning.extend_from_slice(&piece?),
            None => break,
        }
    }
    let beginning = beginning.freeze();
    let again = stream::iter([Ok(beginning.clone())]).chain(body);
    Ok((beginning, Box::pin(again.map_ok(Chunk::Data))))
}
