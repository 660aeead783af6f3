// SPDX-License-Identifier: Apache-2.0
//! Asking Keystone about tokens, and remembering its answers for a while.

mod cache;
mod questions;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::FutureExt as _;
use scurry_openstack_client::identity::validate_token;
use scurry_openstack_client::{ClientError, ErrorKind, Session};
use scurry_types::Secret;

use crate::context::Identity;
use crate::settings::AuthSettings;
use cache::{Cache, Cached, Key};
use questions::{Question, Questions};

/// Longest token looked at, in bytes; Keystone's own are far shorter.
const TOKEN_LIMIT: usize = 16 << 10;
/// How long a caller whose token was good a while ago waits for a slow Keystone.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long nobody waits for a Keystone that has just failed, if there is an older answer.
const OUTAGE: Duration = Duration::from_secs(5);

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
        source: Arc<ClientError>,
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
    questions: Questions,
    /// When Keystone last could not be asked; none since it last answered.
    failed: Mutex<Option<Instant>>,
}

impl TokenValidator {
    /// A validator with its own Keystone session. Nothing is asked yet.
    ///
    /// # Errors
    /// When the settings cannot make a session: a wrong `auth_url` or `cafile`.
    pub fn new(settings: AuthSettings) -> Result<Self, ClientError> {
        let session = Session::new(settings.credentials.clone(), settings.session.clone())?;
        let cache = Cache::new(settings.token_cache_time);
        let (questions, failed) = (Questions::default(), Mutex::new(None));
        Ok(Self { inner: Arc::new(Inner { session, settings, cache, questions, failed }) })
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
        match self.inner.cache.get(&key) {
            Some(Cached::Believed(answer)) => answer.ok_or(AuthError::Unauthorized),
            Some(Cached::Due(identity)) => {
                // Asked again early, beside this request: none waits for Keystone while a token is in use.
                tokio::spawn(self.ask(key, token, allow_expired));
                Ok(identity)
            }
            Some(Cached::Stale(identity)) => self.renew(self.ask(key, token, allow_expired), identity).await,
            None => told(self.ask(key, token, allow_expired).await),
        }
    }

    /// A newer answer if Keystone gives one; while it is out of service, the older one goes on being believed.
    async fn renew(&self, question: Question, older: Arc<Identity>) -> Result<Arc<Identity>, AuthError> {
        let patience = if self.is_out() { Duration::ZERO } else { PATIENCE };
        let answer = tokio::time::timeout(patience, tokio::spawn(question)).await;
        match answer {
            Ok(Ok(Ok(answer))) => answer.ok_or(AuthError::Unauthorized),
            _ => {
                tracing::warn!(
                    "the identity service does not answer: a token is believed that it knew before"
                );
                Ok(older)
            }
        }
    }

    fn is_out(&self) -> bool {
        let failed = *self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < OUTAGE)
    }

    /// Keystone's answer, which all who ask the same at the same time share.
    fn ask(&self, key: Key, token: &Secret, allow_expired: bool) -> Question {
        let (inner, token) = (Arc::clone(&self.inner), token.clone());
        self.inner.questions.join(key.clone(), || {
            async move {
                let answer = match validate_token(&inner.session, &token, allow_expired).await {
                    Ok(token) => Ok(Some(Arc::new(Identity::from(token)))),
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(Arc::new(error)),
                };
                *inner.failed.lock().unwrap_or_else(PoisonError::into_inner) =
                    answer.is_err().then(Instant::now);
                if let Ok(answer) = &answer {
                    inner.cache.put(key, answer.clone());
                }
                answer
            }
            .boxed()
        })
    }
}

fn told(answer: questions::Answer) -> Result<Arc<Identity>, AuthError> {
    match answer {
        Ok(answer) => answer.ok_or(AuthError::Unauthorized),
        Err(error) => {
            if error.kind() == ErrorKind::Unauthorized {
                tracing::error!(%error, "the identity service refuses the account in [keystone_authtoken]");
            }
            let retry_after = error.retry_after().unwrap_or(Duration::from_secs(5));
            Err(AuthError::Unavailable { retry_after, source: error })
        }
    }
}
