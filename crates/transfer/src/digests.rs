// SPDX-License-Identifier: Apache-2.0
//! MD5 and the secure hash of an image, side by side.

use std::io;

use scurry_types::{Digests, HashAlgorithm};
use tokio::sync::oneshot;

use crate::checkpoint::{Blob, Checkpoint};
use crate::hasher::Hasher;
use crate::piece::Part;
use crate::side::{Feed, Side};

impl Feed for Hasher {
    type Output = String;
    type State = Blob;

    fn feed(&mut self, part: &Part) {
        part.show(|data| self.update(data));
    }

    fn state(&self) -> Blob {
        Blob(self.save())
    }

    fn finish(self) -> String {
        self.value()
    }
}

/// The digests of one image on their threads.
#[derive(Debug)]
pub(crate) struct Digesting {
    algorithm: HashAlgorithm,
    md5: Side<Hasher>,
    /// `None` where the secure hash is MD5 too.
    secure: Option<Side<Hasher>>,
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
        Self::on_threads(algorithm, Hasher::new(HashAlgorithm::Md5), secure)
    }

    /// Goes on where the checkpoint was made.
    pub(crate) fn resumed(from: &Checkpoint) -> io::Result<Self> {
        let hasher = |algorithm, state: &Blob| {
            let unreadable = || io::Error::other(format!("the state of {algorithm} cannot be read"));
            Hasher::restore(algorithm, &state.0).ok_or_else(unreadable)
        };
        let md5 = hasher(HashAlgorithm::Md5, &from.md5)?;
        let secure = from.secure.as_ref().map(|state| hasher(from.algorithm, state)).transpose()?;
        Self::on_threads(from.algorithm, md5, secure)
    }

    fn on_threads(algorithm: HashAlgorithm, md5: Hasher, secure: Option<Hasher>) -> io::Result<Self> {
        let md5 = Side::start("md5", md5)?;
        let secure = secure.map(|hasher| Side::start(algorithm.as_str(), hasher)).transpose()?;
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
