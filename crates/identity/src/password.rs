// SPDX-License-Identifier: Apache-2.0
//! Passwords and secrets as argon2id hashes, off the async threads and a few at a time.

use std::sync::Arc;

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
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
    pub(crate) fn new() -> Self {
        let slots = std::thread::available_parallelism().map_or(2, usize::from);
        Self { slots: Arc::new(Semaphore::new(slots)), decoy: Arc::from(decoy()) }
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

/// What looks like the hash of a password and is that of none: made without the work of one.
fn decoy() -> String {
    let params = Params::default();
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    let salt = STANDARD_NO_PAD.encode(rand::random::<[u8; 16]>());
    let hash = STANDARD_NO_PAD.encode(rand::random::<[u8; 32]>());
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let hashing = PasswordHashing::new();
        let hash = hashing.hash("open sesame".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert_ne!(hash, hashing.hash("open sesame".into()).await.unwrap(), "each hash has its own salt");
        assert!(hashing.verify("open sesame".into(), Some(hash.clone())).await.unwrap());
        assert!(!hashing.verify("open sesam".into(), Some(hash)).await.unwrap());
        assert!(!hashing.verify("open sesame".into(), None).await.unwrap());
        let parameters = |hash: &str| hash.rsplit('$').skip(2).collect::<Vec<_>>().join("$");
        let real = hashing.hash("open sesame".into()).await.unwrap();
        assert_eq!(parameters(&hashing.decoy), parameters(&real), "as much work as for a real hash");
        assert!(hashing.verify("x".into(), Some("damaged".into())).await.is_err());
    }
}
