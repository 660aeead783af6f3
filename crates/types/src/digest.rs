// SPDX-License-Identifier: Apache-2.0
//! The digests an image is known by, and the block hashes its copies are verified with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A secure hash Glance may be told to compute (`hashing_algorithm`, `os_hash_algo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// MD5, accepted only where a client validates with it.
    Md5,
    /// SHA-1, likewise.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512, the default.
    Sha512,
}

/// The name is of no algorithm known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown hash algorithm {0:?}: md5, sha1, sha224, sha256, sha384 or sha512 is expected")]
pub struct UnknownHashAlgorithm(pub String);

impl HashAlgorithm {
    /// The name as it stands in `os_hash_algo`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the digest in hexadecimal characters.
    #[must_use]
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HashAlgorithm {
    type Err = UnknownHashAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "md5" => Ok(Self::Md5),
            "sha1" => Ok(Self::Sha1),
            "sha224" => Ok(Self::Sha224),
            "sha256" => Ok(Self::Sha256),
            "sha384" => Ok(Self::Sha384),
            "sha512" => Ok(Self::Sha512),
            other => Err(UnknownHashAlgorithm(other.to_owned())),
        }
    }
}

/// What the API tells about an image's bytes; hexadecimal, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// MD5, the `checksum` property.
    pub checksum: String,
    /// Which algorithm [`Self::os_hash_value`] is of.
    pub os_hash_algo: HashAlgorithm,
    /// The secure hash.
    pub os_hash_value: String,
}

/// Bytes of image under one block hash (the last block of an image may be shorter).
pub const BLOCK_SIZE: u64 = 4 * crate::size::MIB;

/// BLAKE3 of each [`BLOCK_SIZE`] block of an image, in order.
///
/// Copies are checked against these: block by block, in any order, and a block of a hole costs nothing
/// because its hash is known beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHashes {
    /// Length of the image in bytes.
    pub image_len: u64,
    /// One hash a block: `image_len.div_ceil(BLOCK_SIZE)` of them.
    pub hashes: Vec<[u8; 32]>,
}

impl BlockHashes {
    /// The hashes as one run of bytes, for a database column.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// Reads back what [`Self::to_bytes`] gave; `None` when the length does not fit `image_len`.
    #[must_use]
    pub fn from_bytes(image_len: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let expected = usize::try_from(image_len.div_ceil(BLOCK_SIZE)).ok()?;
        (rest.is_empty() && hashes.len() == expected).then(|| Self { image_len, hashes: hashes.to_vec() })
    }
}
