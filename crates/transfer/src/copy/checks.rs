// SPDX-License-Identifier: Apache-2.0
//! Whether the source of a copy still is what it was when it was written.

use std::io;

use scurry_types::{BLOCK_SIZE, BlockHashes, Digests};
use tokio_util::sync::CancellationToken;

use crate::CopyError;
use crate::blocks::{Blocks, WrongBlock};
use crate::digests::Digesting;
use crate::piece::Part;
use crate::side::Side;

/// The threads that look at one copy.
#[derive(Debug)]
pub(crate) struct Checks {
    blocks: Side<Blocks>,
    digests: Option<(Digesting, Digests)>,
}

impl Checks {
    pub(crate) fn start(wanted: Option<&Digests>) -> io::Result<Self> {
        let blocks = Side::start("blake3", Blocks::new(None, CancellationToken::new()))?;
        let digesting =
            |wanted: &Digests| io::Result::Ok((Digesting::start(wanted.os_hash_algo)?, wanted.clone()));
        let digests = wanted.map(digesting).transpose()?;
        Ok(Self { blocks, digests })
    }

    pub(crate) async fn send(&self, part: &Part) {
        self.blocks.send(part).await;
        if let Some((digests, _)) = &self.digests {
            digests.send(part).await;
        }
    }

    pub(crate) async fn finish(self) -> Result<BlockHashes, CopyError> {
        let blocks = self.blocks.finish().await.map_err(CopyError::Hashing)?;
        let blocks =
            blocks.map_err(|WrongBlock(block)| CopyError::Corrupt { block, offset: block * BLOCK_SIZE })?;
        if let Some((digests, wanted)) = self.digests {
            let found = digests.finish().await.map_err(CopyError::Hashing)?;
            compare("md5", wanted.checksum, found.checksum)?;
            compare(wanted.os_hash_algo.as_str(), wanted.os_hash_value, found.os_hash_value)?;
        }
        Ok(blocks)
    }
}

fn compare(algorithm: &'static str, expected: String, actual: String) -> Result<(), CopyError> {
    if expected.eq_ignore_ascii_case(&actual) {
        Ok(())
    } else {
        Err(CopyError::WrongDigest { algorithm, expected, actual })
    }
}
