// SPDX-License-Identifier: Apache-2.0
//! Whether the targets of an earlier transfer still hold what its checkpoint says.

use bytes::{Bytes, BytesMut};
use scurry_store::StoreError;

use crate::{Checkpoint, IngestError, Target};

/// Bytes read at a time.
const STEP: u64 = 1 << 20;

/// What the last, unfinished block has, as every target holds it: that is where a lost write would show.
pub(super) async fn read_back(targets: &[Target], from: Option<&Checkpoint>) -> Result<Bytes, IngestError> {
    let Some((from, partial)) = from.and_then(|from| Some((from, from.partial.as_ref()?))) else {
        return Ok(Bytes::new());
    };
    let cannot = |reason: String| IngestError::CannotResume { offset: from.offset, reason };
    let mut begun = None;
    for target in targets {
        let bytes = match read(target, from.block_start()..from.offset).await {
            Ok(bytes) => bytes,
            Err(error) => return Err(cannot(error.to_string())),
        };
        if blake3::hash(&bytes).as_bytes() != partial.0.as_slice() {
            return Err(cannot(format!("store {} does not hold what was written last", target.store)));
        }
        begun = Some(bytes);
    }
    begun.ok_or_else(|| cannot("there is nothing to read the last block back from".to_owned()))
}

async fn read(target: &Target, range: std::ops::Range<u64>) -> Result<Bytes, StoreError> {
    let mut bytes = BytesMut::new();
    let mut at = range.start;
    while at < range.end {
        let step = STEP.min(range.end - at);
        bytes.extend_from_slice(&target.writer.read_back(at, step as usize).await?);
        at += step;
    }
    Ok(bytes.freeze())
}
