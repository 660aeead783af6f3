// SPDX-License-Identifier: Apache-2.0
//! One digest of a whole image that both sides of an upload can compute in parallel and over holes for free.

use scurry_types::BlockHashes;

/// BLAKE3 of the hashes of an image's blocks, one after another: what `Scurry-Block-Digest: blake3-4m` names.
#[must_use]
pub fn block_digest(hashes: &BlockHashes) -> [u8; 32] {
    let mut digest = blake3::Hasher::new();
    for hash in &hashes.hashes {
        digest.update(hash);
    }
    digest.finalize().into()
}
