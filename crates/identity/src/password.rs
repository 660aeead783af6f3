// SPDX-License-Identifier: Apache-2.0
//! Passwords and secrets as argon2id hashes, off the async threads and a few at a time.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{
    Algorithm, Argon2, Block, CustomizedPasswordHasher, Params, PasswordHasher, PasswordVerifier, Version,
};
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
            Argon2id(Params::default())
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
            let verified = PasswordHash::new(against)
                .map_err(Into::into)
                .and_then(|hash| Argon2id(Params::default()).verify_password(password.as_bytes(), &hash));
            match verified {
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

/// argon2id in memory that goes back to the system at once. What malloc takes from its arenas it keeps, 19 MiB for each
/// thread that ever hashed.
struct Argon2id(Params);

/// malloc has a mapping of its own for allocations above 32 MiB; what is never touched of it is never there.
const MAPPED: usize = (33 << 20) / Block::SIZE;

impl PasswordHasher<PasswordHash> for Argon2id {
    fn hash_password_with_salt(
        &self,
        password: &[u8],
        salt: &[u8],
    ) -> argon2::password_hash::Result<PasswordHash> {
        let Self(params) = self;
        let mut memory = Vec::with_capacity(params.block_count().max(MAPPED));
        memory.resize(params.block_count(), Block::new());
        let mut out = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        argon2.hash_password_into_with_memory(password, salt, &mut out, memory)?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&out)?),
        })
    }
}

/// Comparing hashes again with what the stored one was made with.
impl CustomizedPasswordHasher<PasswordHash> for Argon2id {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> argon2::password_hash::Result<PasswordHash> {
        let ours = (Algorithm::Argon2id.as_str(), u32::from(Version::V0x13));
        if (algorithm.unwrap_or(ours.0), version.unwrap_or(ours.1)) != ours {
            return Err(argon2::password_hash::Error::Algorithm);
        }
        Self(params).hash_password_with_salt(password, salt)
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
