// SPDX-License-Identifier: Apache-2.0
//! MD5 and the secure hash of an image, side by side.

use std::io;

use scurry_digests::Hasher;
use scurry_types::{Digests, HashAlgorithm};
use tokio::sync::oneshot;

use crate::checkpoint::{Blob, Checkpoint};
use crate::digest_pool::DigestStream;
use crate::piece::Part;

/// The digests of one image, computed in the pool all share.
#[derive(Debug)]
pub(crate) struct Digesting {
    algorithm: HashAlgorithm,
    md5: DigestStream,
    /// `None` where the secure hash is MD5 too.
    secure: Option<DigestStream>,
}

/// The states asked for, on their way.
#[derive(Debug)]
pub(crate) struct States {
    md5: oneshot::Receiver<Blob>,
    secure: Option<oneshot::Receiver<Blob>>,
}

impl Digesting {
    pub(crate) fn start(algorithm: HashAlgorithm) -> io::Result<Self> {
        let secure = (algorithm != HashAlgorithm::Md5).then(|| Hasher::new(algorithm));
        Self::begin(algorithm, Hasher::new(HashAlgorithm::Md5), secure)
    }

    /// Goes on where the checkpoint was made.
    pub(crate) fn resumed(from: &Checkpoint) -> io::Result<Self> {
        let hasher = |algorithm, state: &Blob| {
            let unreadable = || io::Error::other(format!("the state of {algorithm} cannot be read"));
            Hasher::restore(algorithm, &state.0).ok_or_else(unreadable)
        };
        let md5 = hasher(HashAlgorithm::Md5, &from.md5)?;
        let secure = from.secure.as_ref().map(|state| hasher(from.algorithm, state)).transpose()?;
        Self::begin(from.algorithm, md5, secure)
    }

    fn begin(algorithm: HashAlgorithm, md5: Hasher, secure: Option<Hasher>) -> io::Result<Self> {
        let md5 = DigestStream::start(HashAlgorithm::Md5, md5)?;
        let secure = secure.map(|hasher| DigestStream::start(algorithm, hasher)).transpose()?;
        Ok(Self { algorithm, md5, secure })
    }

    pub(crate) async fn send(&self, part: &Part) {
        self.md5.send(part).await;
        if let Some(secure) = &self.secure {
            secure.send(part).await;
        }
    }

    pub(crate) async fn ask(&self) -> States {
        let md5 = self.md5.ask().await;
        let secure = match &self.secure {
            Some(secure) => Some(secure.ask().await),
            None => None,
        };
        States { md5, secure }
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

impl States {
    /// State of MD5 and of the secure hash; `None` when a thread died.
    pub(crate) async fn gather(self) -> Option<(Blob, Option<Blob>)> {
        let md5 = self.md5.await.ok()?;
        match self.secure {
            Some(secure) => Some((md5, Some(secure.await.ok()?))),
            None => Some((md5, None)),
        }
    }
}
