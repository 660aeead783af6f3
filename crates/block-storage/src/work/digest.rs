// SPDX-License-Identifier: Apache-2.0
//! The digest of an image's data, computed on a thread of its own while the data is written.

use bytes::Bytes;
use scurry_openstack_client::image::Image;
use sha2::Digest;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::WorkError;

/// A digest being computed, when the image says what it must be.
#[derive(Debug)]
pub(crate) struct Check {
    running: Option<(mpsc::Sender<Bytes>, JoinHandle<String>, String)>,
}

impl Check {
    /// Prefers the image's `os_hash_value`, else its `checksum` (MD5), else checks nothing.
    pub(crate) fn start(image: &Image) -> Self {
        let strong = image.os_hash_algo.as_deref().zip(image.os_hash_value.as_deref());
        let running = match strong {
            Some(("sha512", value)) => Some(spawn::<sha2::Sha512>(value)),
            Some(("sha256", value)) => Some(spawn::<sha2::Sha256>(value)),
            _ => image.checksum.as_deref().map(spawn::<md5::Md5>),
        };
        Self { running }
    }

    /// Adds data; waits when the digest is far behind.
    pub(crate) async fn feed(&self, chunk: &Bytes) {
        if let Some((sender, ..)) = &self.running {
            // The thread ends early only when it panicked, which `finish` reports.
            let _ = sender.send(chunk.clone()).await;
        }
    }

    /// Fails when the data is not what the image's record says.
    pub(crate) async fn finish(self, image: &str) -> Result<(), WorkError> {
        let Some((sender, thread, expected)) = self.running else { return Ok(()) };
        drop(sender);
        let found = thread.await.map_err(|_| WorkError::Thread)?;
        if found.eq_ignore_ascii_case(&expected) {
            return Ok(());
        }
        Err(WorkError::Unusable {
            image: image.to_owned(),
            reason: format!("its data has digest {found}, its record says {expected}"),
        })
    }
}

fn spawn<D: Digest + Send + 'static>(expected: &str) -> (mpsc::Sender<Bytes>, JoinHandle<String>, String) {
    let (sender, mut chunks) = mpsc::channel::<Bytes>(16);
    let thread = tokio::task::spawn_blocking(move || {
        let mut digest = D::new();
        while let Some(chunk) = chunks.blocking_recv() {
            digest.update(&chunk);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    (sender, thread, expected.to_owned())
}
