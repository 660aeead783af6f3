// SPDX-License-Identifier: Apache-2.0
//! MD5 and the secure hash of an image, side by side.

use std::io;

use aws_lc_rs::digest::{self, Context};
use md5::{Digest, Md5};
use scurry_types::{Digests, HashAlgorithm};

use crate::piece::Part;
use crate::side::{Feed, Side};

/// One running hash.
pub(crate) enum Hasher {
    Md5(Md5),
    Secure(Context),
}

impl Hasher {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        let algorithm = match algorithm {
            HashAlgorithm::Md5 => return Self::Md5(Md5::new()),
            HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashAlgorithm::Sha224 => &digest::SHA224,
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        Self::Secure(Context::new(algorithm))
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(data),
            Self::Secure(hash) => hash.update(data),
        }
    }

    /// The digest of all that was fed, hexadecimal.
    pub(crate) fn value(self) -> String {
        match self {
            Self::Md5(hash) => hex(&hash.finalize()),
            Self::Secure(hash) => hex(hash.finish().as_ref()),
        }
    }
}

impl Feed for Hasher {
    type Output = String;

    fn feed(&mut self, part: &Part) {
        part.show(|data| self.update(data));
    }

    fn finish(self) -> String {
        self.value()
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// The digests of one image on their threads.
#[derive(Debug)]
pub(crate) struct Digesting {
    algorithm: HashAlgorithm,
    md5: Side<String>,
    /// `None` where the secure hash is MD5 too.
    secure: Option<Side<String>>,
}

impl Digesting {
    pub(crate) fn start(algorithm: HashAlgorithm) -> io::Result<Self> {
        let md5 = Side::start("md5", Hasher::new(HashAlgorithm::Md5))?;
        let secure = match algorithm {
            HashAlgorithm::Md5 => None,
            _ => Some(Side::start(algorithm.as_str(), Hasher::new(algorithm))?),
        };
        Ok(Self { algorithm, md5, secure })
    }

    pub(crate) async fn send(&self, part: &Part) {
        self.md5.send(part).await;
        if let Some(secure) = &self.secure {
            secure.send(part).await;
        }
    }

    pub(crate) async fn finish(self) -> io::Result<Digests> {
        let checksum = self.md5.finish().await?;
        let os_hash_value = match self.secure {
            Some(secure) => secure.finish().await?,
            None => checksum.clone(),
        };
        Ok(Digests { checksum, os_hash_algo: self.algorithm, os_hash_value })
    }
}
