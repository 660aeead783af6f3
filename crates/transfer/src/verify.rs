// SPDX-License-Identifier: Apache-2.0
//! Bytes compared with what is known of an image, on the thread of whoever handles them.

use scurry_digests::Hasher;
use scurry_types::{BLOCK_SIZE, BlockHashes, HashAlgorithm};
use tokio_util::sync::CancellationToken;

use crate::CopyError;
use crate::blocks::{Blocks, WrongBlock};

/// What is known of an image's bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Length in bytes.
    pub len: u64,
    /// Hashes of the blocks: the cheapest to compare, so nothing else is when they are known.
    pub blocks: Option<BlockHashes>,
    /// A digest of the whole: algorithm and hexadecimal value.
    pub digest: Option<(HashAlgorithm, String)>,
}

/// How the bytes are compared.
enum Against {
    Blocks(Box<Blocks>),
    Digest(Box<Hasher>, HashAlgorithm, String),
    /// Nothing but the length is known.
    Length,
}

/// A comparison on its way, fed front to back.
pub struct Verifier {
    expected: u64,
    seen: u64,
    against: Against,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier")
            .field("expected", &self.expected)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Begins with no bytes seen.
    #[must_use]
    pub fn new(known: Known) -> Self {
        let against = match (known.blocks, known.digest) {
            (Some(blocks), _) => {
                Against::Blocks(Box::new(Blocks::new(Some(blocks), CancellationToken::new())))
            }
            (None, Some((algorithm, value))) => {
                Against::Digest(Box::new(Hasher::new(algorithm)), algorithm, value)
            }
            (None, None) => Against::Length,
        };
        Self { expected: known.len, seen: 0, against }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, data: &[u8]) {
        self.seen += data.len() as u64;
        match &mut self.against {
            Against::Blocks(blocks) => blocks.data(data),
            Against::Digest(hasher, ..) => hasher.update(data),
            Against::Length => {}
        }
    }

    /// Whether these were the image's bytes, all of them.
    pub fn finish(self) -> Result<(), CopyError> {
        if self.seen != self.expected {
            return Err(CopyError::WrongLength { expected: self.expected, actual: self.seen });
        }
        match self.against {
            Against::Blocks(blocks) => match blocks.end() {
                Ok(_) => Ok(()),
                Err(WrongBlock(block)) => Err(CopyError::Corrupt { block, offset: block * BLOCK_SIZE }),
            },
            Against::Digest(hasher, algorithm, expected) => {
                let actual = hasher.value();
                if expected.eq_ignore_ascii_case(&actual) {
                    Ok(())
                } else {
                    Err(CopyError::WrongDigest { algorithm: algorithm.as_str(), expected, actual })
                }
            }
            Against::Length => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: &Known, data: &[u8]) -> Result<(), CopyError> {
        let mut verifier = Verifier::new(known.clone());
        data.chunks(1000).for_each(|piece| verifier.feed(piece));
        verifier.finish()
    }

    #[test]
    fn a_wrong_byte_is_found_by_blocks_and_by_digest() {
        let good: Vec<u8> = (0..5_000_000_u32).map(|n| n as u8).collect();
        let mut bad = good.clone();
        bad[4_999_999] ^= 1;
        let mut blocks = Blocks::new(None, CancellationToken::new());
        blocks.data(&good);
        let len = good.len() as u64;
        let by_blocks = Known { len, blocks: Some(blocks.end().unwrap()), digest: None };
        check(&by_blocks, &good).unwrap();
        assert!(matches!(check(&by_blocks, &bad), Err(CopyError::Corrupt { block: 1, .. })));

        let mut md5 = Hasher::new(HashAlgorithm::Md5);
        md5.update(&good);
        let by_digest = Known { len, blocks: None, digest: Some((HashAlgorithm::Md5, md5.value())) };
        check(&by_digest, &good).unwrap();
        assert!(matches!(check(&by_digest, &bad), Err(CopyError::WrongDigest { .. })));
    }

    #[test]
    fn a_missing_byte_is_found_even_when_nothing_else_is_known() {
        let known = Known { len: 10, ..Known::default() };
        check(&known, &[7; 10]).unwrap();
        assert!(matches!(check(&known, &[7; 9]), Err(CopyError::WrongLength { expected: 10, actual: 9 })));
    }
}
