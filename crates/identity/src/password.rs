// SPDX-License-Identifier: Apache-2.0
//! Passwords and secrets as argon2id hashes, off the async threads and a few at a time.

use std::sync::Arc;

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Passwords longer than this are refused before they are hashed.
pub(crate) const MAX_PASSWORD_BYTES: usize = 4096;

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The hash function failed, or a stored hash is damaged.
    #[error("the hash function refused its input")]
    Hash(#[source] argon2::password_hash::Error),
    /// The runtime is going away.
    #[error("the hashing thread was stopped")]
    Stopped,
}

/// Hashes and compares; at most as many at once as there are processors, each with its 19 MiB of memory.
#[derive(Clone, Debug)]
pub(crate) struct PasswordHashing {
    slots: Arc<Semaphore>,
    /// What a password is compared with when the user does not exist, so that the answer takes as long.
    decoy: Arc<str>,
}

impl PasswordHashing {
    pub(crate) async fn new() -> Result<Self, PasswordError> {
        let slots = std::thread::available_parallelism().map_or(2, usize::from);
        let mut hashing = Self { slots: Arc::new(Semaphore::new(slots)), decoy: Arc::from("") };
        hashing.decoy = Arc::from(hashing.hash(crate::random::secret()).await?);
        Ok(hashing)
    }

    /// The PHC string of `password` with a fresh salt.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(PasswordError::Hash)
        })
        .await
    }

    /// Whether `password` belongs to `hash`; without a hash it does not, after the same work.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let decoy = Arc::clone(&self.decoy);
        self.run(move || {
            let known = hash.is_some();
            let against = hash.as_deref().unwrap_or(&decoy);
            match Argon2::default().verify_password(password.as_bytes(), against) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(PasswordError::Hash(error)),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _slot = self.slots.acquire().await.map_err(|_closed| PasswordError::Stopped)?;
        tokio::task::spawn_blocking(work).await.map_err(|_stopped| PasswordError::Stopped)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let hashing = PasswordHashing::new().await.unwrap();
        let hash = hashing.hash("open sesame".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert_ne!(hash, hashing.hash("open sesame".into()).await.unwrap(), "each hash has its own salt");
        assert!(hashing.verify("open sesame".into(), Some(hash.clone())).await.unwrap());
        assert!(!hashing.verify("open sesam".into(), Some(hash)).await.unwrap());
        assert!(!hashing.verify("open sesame".into(), None).await.unwrap());
        assert!(hashing.verify("x".into(), Some("damaged".into())).await.is_err());
    }
}
