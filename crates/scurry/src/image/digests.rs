// SPDX-License-Identifier: Apache-2.0
//! MD5 and secure hashes of a stream, each on a thread of its own beside it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures::StreamExt as _;
use scurry_digests::Hasher;
use scurry_formats::ImageReader;
use scurry_types::HashAlgorithm;
use scurry_types::extent_frames::Stretch;
use tokio::sync::mpsc;

use super::blocks;
use super::body::threads;
use super::progress::Meter;
use crate::failure::Failure;

/// Stretches that wait for a slow hash.
const AHEAD: usize = 8;
static ZEROES: [u8; 1 << 16] = [0; 1 << 16];

fn take(hasher: &mut Hasher, stretch: &Stretch) {
    match stretch {
        Stretch::Data(data) => hasher.update(data),
        Stretch::Zeroes(len) => {
            let mut left = *len;
            while left > 0 {
                let len = left.min(ZEROES.len() as u64);
                hasher.update(&ZEROES[..len as usize]);
                left -= len;
            }
        }
    }
}

/// Digests on their way.
pub(super) struct Hashing {
    lanes: Vec<(HashAlgorithm, mpsc::Sender<Option<Stretch>>)>,
    threads: Mutex<Vec<JoinHandle<String>>>,
}

impl Hashing {
    /// Starts a thread for each algorithm.
    pub(super) fn start(algorithms: &[HashAlgorithm]) -> Self {
        let mut threads = Vec::new();
        let mut start = |algorithm: &HashAlgorithm| {
            let (sender, mut receiver) = mpsc::channel::<Option<Stretch>>(AHEAD);
            let mut hasher = Hasher::new(*algorithm);
            threads.push(std::thread::spawn(move || {
                while let Some(Some(stretch)) = receiver.blocking_recv() {
                    take(&mut hasher, &stretch);
                }
                hasher.value()
            }));
            (*algorithm, sender)
        };
        Self { lanes: algorithms.iter().map(&mut start).collect(), threads: Mutex::new(threads) }
    }

    /// Takes what comes next; waits for the slowest.
    pub(super) async fn take(&self, stretch: &Stretch) {
        for (_, sender) in &self.lanes {
            // A thread ends before its channel only by a panic, which `finish` reports.
            let _ = sender.send(Some(stretch.clone())).await;
        }
    }

    /// Takes the first `len` bytes of a disk.
    pub(super) async fn read(
        &self,
        disk: Arc<dyn ImageReader>,
        len: u64,
        meter: &Meter,
    ) -> Result<(), Failure> {
        let mut reads = std::pin::pin!(blocks::read(disk, 0..len, threads()));
        let mut done = 0;
        while let Some(read) = reads.next().await {
            for stretch in read?.stretches {
                self.take(&stretch).await;
                done += blocks::stretch_len(&stretch);
                meter.at(done);
            }
        }
        Ok(())
    }

    /// The digests of all that was taken, hexadecimal; to be called once.
    pub(super) async fn finish(&self) -> Result<Vec<(HashAlgorithm, String)>, Failure> {
        for (_, sender) in &self.lanes {
            let _ = sender.send(None).await;
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let values = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(|thread| thread.join().ok()).collect::<Option<Vec<_>>>()
        });
        let values = values.await.ok().flatten().ok_or_else(|| Failure::plain("a hashing thread ended"))?;
        Ok(self.lanes.iter().map(|(algorithm, _)| *algorithm).zip(values).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn zeroes_count_as_the_bytes_they_stand_for() {
        let algorithms = [HashAlgorithm::Md5, HashAlgorithm::Sha256];
        let (sparse, plain) = (Hashing::start(&algorithms), Hashing::start(&algorithms));
        sparse.take(&Stretch::Data("abc".into())).await;
        sparse.take(&Stretch::Zeroes(100_000)).await;
        plain.take(&Stretch::Data([&b"abc"[..], &[0; 100_000]].concat().into())).await;
        assert_eq!(sparse.finish().await.unwrap(), plain.finish().await.unwrap());
        let empty = Hashing::start(&algorithms[..1]).finish().await.unwrap();
        assert_eq!(empty, [(HashAlgorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e".to_owned())]);
    }
}
