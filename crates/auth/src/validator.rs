// SPDX-License-Identifier: Apache-2.0
//! Asking Keystone about tokens, and remembering its answers for a while.

mod cache;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use scurry_openstack_client::identity::validate_token;
use scurry_openstack_client::{ClientError, ErrorKind, Session};
use scurry_types::Secret;

use crate::context::Identity;
use crate::settings::AuthSettings;
use cache::{Cache, Key};

/// Longest token looked at, in bytes; Keystone's own are far shorter.
const TOKEN_LIMIT: usize = 16 << 10;

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Missing, unknown, revoked or expired: 401.
    #[error("the request has no valid token")]
    Unauthorized,
    /// Keystone cannot be asked: 503.
    #[error(
        "the identity service cannot be asked about the token; check [keystone_authtoken] and that it is up"
    )]
    Unavailable {
        /// How long the caller should wait.
        retry_after: Duration,
        /// What went wrong.
        #[source]
        source: ClientError,
    },
}

/// Validates tokens. Clones share the cache and the session.
#[derive(Debug, Clone)]
pub struct TokenValidator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    session: Session,
    settings: AuthSettings,
    cache: Cache,
}

impl TokenValidator {
    /// A validator with its own Keystone session. Nothing is asked yet.
    ///
    /// # Errors
    /// When the settings cannot make a session: a wrong `auth_url` or `cafile`.
    pub fn new(settings: AuthSettings) -> Result<Self, ClientError> {
        let session = Session::new(settings.credentials.clone(), settings.session.clone())?;
        let cache = Cache::new(settings.token_cache_time);
        Ok(Self { inner: Arc::new(Inner { session, settings, cache }) })
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &AuthSettings {
        &self.inner.settings
    }

    /// The service's own session, to call other services with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.inner.session
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// [`AuthError::Unauthorized`] for a token that is not valid now, [`AuthError::Unavailable`] without Keystone.
    pub async fn validate(&self, token: &Secret) -> Result<Arc<Identity>, AuthError> {
        let found = self.look_up(token, false).await?;
        if found.expires_at <= Utc::now() { Err(AuthError::Unauthorized) } else { Ok(found) }
    }

    /// Whose token it is, when a service vouches for the call with its own token: then a user's token may have
    /// expired meanwhile, as in long uploads.
    ///
    /// # Errors
    /// As [`TokenValidator::validate`].
    pub async fn validate_for_service(&self, token: &Secret) -> Result<Arc<Identity>, AuthError> {
        self.look_up(token, true).await
    }

    async fn look_up(&self, token: &Secret, allow_expired: bool) -> Result<Arc<Identity>, AuthError> {
        let text = token.expose();
        if text.is_empty() || text.len() > TOKEN_LIMIT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AuthError::Unauthorized);
        }
        let key = Key::new(text, allow_expired);
        if let Some(answer) = self.inner.cache.get(&key) {
            return answer.ok_or(AuthError::Unauthorized);
        }
        match validate_token(&self.inner.session, token, allow_expired).await {
            Ok(token) => {
                let identity = Arc::new(Identity::from(token));
                self.inner.cache.put(key, Some(Arc::clone(&identity)));
                Ok(identity)
            }
            Err(error) if error.is_not_found() => {
                self.inner.cache.put(key, None);
                Err(AuthError::Unauthorized)
            }
            Err(error) => {
                if error.kind() == ErrorKind::Unauthorized {
                    tracing::error!(%error, "the identity service refuses the account in [keystone_authtoken]");
                }
                let retry_after = error.retry_after().unwrap_or(Duration::from_secs(5));
                Err(AuthError::Unavailable { retry_after, source: error })
            }
        }
    }
}
