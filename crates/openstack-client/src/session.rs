// SPDX-License-Identifier: Apache-2.0
//! A session: one identity, its token kept fresh, one HTTP client.

mod send;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use reqwest::Method;
use scurry_types::Secret;
use tokio::sync::Mutex;
use url::Url;

use crate::catalog::Interface;
use crate::credentials::Credentials;
use crate::error::{ClientError, ErrorKind};
use crate::identity::{self, ValidatedToken};
use crate::token::Token;
pub(crate) use send::{Payload, Prepared, read_body, read_json};

/// How a session speaks to services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// Region of the endpoints to use; any when absent.
    pub region: Option<String>,
    /// Which addresses of the catalog to use.
    pub interface: Interface,
    /// PEM file with further certificate authorities.
    pub cafile: Option<PathBuf>,
    /// Do not verify servers' certificates.
    pub insecure: bool,
    /// How often one call is repeated after a lost connection or a 502, 503 or 504.
    pub retries: u32,
    /// Longest time of one call, apart from streams of image data.
    pub timeout: Duration,
    /// Longest time to open a connection.
    pub connect_timeout: Duration,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            region: None,
            interface: Interface::Public,
            cafile: None,
            insecure: false,
            retries: 3,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// One identity at the Identity service. Clones share the token and the connections.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    /// Without credentials the token given at the start is all there is.
    credentials: Option<Credentials>,
    identity_url: Option<Url>,
    options: SessionOptions,
    token: Mutex<Option<Arc<Token>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("credentials", &self.inner.credentials)
            .field("identity_url", &self.inner.identity_url.as_ref().map(Url::as_str))
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Whether this is the session of these credentials and options, so that no second one is needed.
    #[must_use]
    pub fn is_of(&self, credentials: &Credentials, options: &SessionOptions) -> bool {
        self.inner.credentials.as_ref() == Some(credentials) && self.inner.options == *options
    }

    /// A session that logs in with `credentials` when the first token is needed.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when the address is not a URL or `cafile` cannot be used. Nothing is sent yet.
    pub fn new(credentials: Credentials, options: SessionOptions) -> Result<Self, ClientError> {
        let identity_url = identity::v3_url(&credentials.auth_url)?;
        Self::build(Some(credentials), Some(identity_url), options, None)
    }

    /// A session with a token somebody else got, as when acting with a user's own token. It cannot log in again.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn from_token(
        token: Token,
        auth_url: Option<&str>,
        options: SessionOptions,
    ) -> Result<Self, ClientError> {
        let identity_url = auth_url.map(identity::v3_url).transpose()?;
        Self::build(None, identity_url, options, Some(Arc::new(token)))
    }

    fn build(
        credentials: Option<Credentials>,
        identity_url: Option<Url>,
        options: SessionOptions,
        token: Option<Arc<Token>>,
    ) -> Result<Self, ClientError> {
        let http = http_client(&options)?;
        let inner = Inner { http, credentials, identity_url, options, token: Mutex::new(token) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &SessionOptions {
        &self.inner.options
    }

    /// The current token; a new one when there is none or it is about to expire.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] when the credentials are refused, [`ErrorKind::Unavailable`] without Keystone.
    pub async fn token(&self) -> Result<Arc<Token>, ClientError> {
        let mut slot = self.inner.token.lock().await;
        if let Some(token) = slot.as_ref()
            && (!token.is_due(Utc::now()) || self.inner.credentials.is_none())
        {
            return Ok(Arc::clone(token));
        }
        let Some(credentials) = &self.inner.credentials else {
            return Err(ClientError::new(
                ErrorKind::Unauthorized,
                "session",
                "there is no token and no way to get one",
            ));
        };
        // Held over the request on purpose: all callers want the same one login.
        let token = Arc::new(self.log_in(credentials).await?);
        *slot = Some(Arc::clone(&token));
        Ok(token)
    }

    /// Forgets `stale`, unless somebody has replaced it already.
    pub(crate) async fn forget(&self, stale: &Token) {
        let mut slot = self.inner.token.lock().await;
        if slot.as_ref().is_some_and(|token| token.id == stale.id) {
            *slot = None;
        }
    }

    pub(crate) fn can_log_in(&self) -> bool {
        self.inner.credentials.is_some()
    }

    /// The address of a service from the token's catalog; `region` and `interface` default to the session's.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the catalog has none that fits.
    pub async fn endpoint(
        &self,
        service_types: &[&str],
        service_name: Option<&str>,
        region: Option<&str>,
        interface: Option<Interface>,
    ) -> Result<Url, ClientError> {
        let token = self.token().await?;
        let region = region.or(self.inner.options.region.as_deref());
        let interface = interface.unwrap_or(self.inner.options.interface);
        token.catalog.find(service_types, service_name, region, interface).ok_or_else(|| {
            let region = region.map_or_else(|| "any region".to_owned(), |region| format!("region {region}"));
            ClientError::new(
                ErrorKind::NotFound,
                "catalog",
                format!(
                    "no {} endpoint of {} in {region}; register one in Keystone or set its address in the configuration",
                    interface.as_str(),
                    service_types.join(" or "),
                ),
            )
        })
    }

    /// The Identity API's root, ending in `/v3`.
    pub(crate) async fn identity_url(&self) -> Result<Url, ClientError> {
        match &self.inner.identity_url {
            Some(url) => Ok(url.clone()),
            None => identity::v3_url(self.endpoint(&["identity"], None, None, None).await?.as_str()),
        }
    }

    async fn log_in(&self, credentials: &Credentials) -> Result<Token, ClientError> {
        let call = "POST /v3/auth/tokens";
        let url = identity::v3_url(&credentials.auth_url)?;
        let mut prepared = Prepared::new(Method::POST, identity::join(&url, "auth/tokens")?, call);
        prepared.payload = Payload::json(call, &credentials.request_body())?;
        prepared.idempotent = true;
        let response = match self.send_with(&mut prepared, None, None).await {
            // To a caller "not found" means the thing it asked about, which a login is not.
            Err(error) if error.is_not_found() => {
                let text = "there is no Identity API v3 at auth_url";
                return Err(ClientError::new(ErrorKind::Unavailable, call, text).with_source(error));
            }
            sent => sent?,
        };
        let id = response
            .headers()
            .get("x-subject-token")
            .and_then(|value| value.to_str().ok())
            .map(Secret::new)
            .ok_or_else(|| ClientError::protocol(call, "the answer has no X-Subject-Token"))?;
        let body: identity::TokenBody<ValidatedToken> = send::read_json(call, response).await?;
        Ok(Token::new(id, body.token))
    }
}

fn http_client(options: &SessionOptions) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("scurry/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .tls_danger_accept_invalid_certs(options.insecure);
    if let Some(path) = &options.cafile {
        let call = format!("cafile {}", path.display());
        let pem = std::fs::read(path).map_err(|error| {
            ClientError::protocol(call.as_str(), "cannot read the file").with_source(error)
        })?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| {
            ClientError::protocol(call.as_str(), "the file holds no PEM certificates").with_source(error)
        })?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder
        .build()
        .map_err(|error| ClientError::protocol("http client", "cannot be set up").with_source(error))
}
