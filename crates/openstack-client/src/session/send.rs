// SPDX-License-Identifier: Apache-2.0
//! Sending one call: token, retries, and what becomes of the answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use scurry_types::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::Session;
use crate::error::{ClientError, ErrorKind};

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// Longest pause taken from a service's `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Largest JSON answer taken into memory, in bytes.
const JSON_LIMIT: usize = 32 << 20;
/// How much of an error's body is read, in bytes.
const ERROR_LIMIT: usize = 16 << 10;

pub(crate) enum Payload {
    None,
    Json(Bytes),
    /// Sent once and gone: a call with it is never repeated.
    Stream(Option<reqwest::Body>),
}

impl Payload {
    pub(crate) fn json(call: &str, body: &impl Serialize) -> Result<Self, ClientError> {
        let text = serde_json::to_vec(body)
            .map_err(|error| ClientError::protocol(call, "cannot encode the request").with_source(error))?;
        Ok(Self::Json(text.into()))
    }

    fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }
}

/// A call ready to be sent.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) idempotent: bool,
    /// Limit of the whole call; `None` for streams, which may take as long as they move.
    pub(crate) whole_call: bool,
    pub(crate) call: String,
    /// How often it was repeated: one budget, whatever the reasons, a new login among them.
    repeated: u32,
}

impl Prepared {
    pub(crate) fn new(method: Method, url: Url, call: impl Into<String>) -> Self {
        let idempotent = method.is_idempotent();
        Self {
            method,
            url,
            // Errors come as JSON then; Glance writes an HTML page otherwise.
            headers: HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static("application/json, */*;q=0.5"),
            )]),
            payload: Payload::None,
            idempotent,
            whole_call: true,
            call: call.into(),
            repeated: 0,
        }
    }
}

impl Session {
    /// Sends with `user_token` (and the session's token as service token), or with the session's token alone.
    ///
    /// A 401 for the session's own token logs in again, once.
    pub(crate) async fn send(
        &self,
        mut prepared: Prepared,
        user_token: Option<&Secret>,
    ) -> Result<Response, ClientError> {
        let mut fresh = false;
        loop {
            let token = self.token().await?;
            let (main, service) = match user_token {
                Some(user) if self.can_log_in() => (user, Some(&token.id)),
                Some(user) => (user, None),
                None => (&token.id, None),
            };
            match self.send_with(&mut prepared, Some(main), service).await {
                Err(error)
                    if error.kind() == ErrorKind::Unauthorized
                        && !fresh
                        && self.can_log_in()
                        && !prepared.payload.is_stream() =>
                {
                    fresh = true;
                    self.forget(&token).await;
                }
                other => return other,
            }
        }
    }

    /// Sends with the tokens given, and again after failures that may pass.
    pub(super) async fn send_with(
        &self,
        prepared: &mut Prepared,
        token: Option<&Secret>,
        service_token: Option<&Secret>,
    ) -> Result<Response, ClientError> {
        loop {
            let sent = self.request(prepared, token, service_token)?.send().await;
            let (error, may_pass) = match sent {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let passing = matches!(response.status().as_u16(), 502..=504);
                    (refused(&prepared.call, response).await, passing && prepared.idempotent)
                }
                Err(error) => {
                    // Nothing has reached the service when the connection itself failed.
                    let again = error.is_connect() || (prepared.idempotent && !error.is_timeout());
                    (ClientError::transport(prepared.call.as_str(), error), again)
                }
            };
            if !may_pass || prepared.repeated >= self.inner.options.retries || prepared.payload.is_stream() {
                return Err(error);
            }
            let pause = error.retry_after().unwrap_or(FIRST_BACKOFF * 2_u32.pow(prepared.repeated.min(6)));
            tracing::debug!(call = %prepared.call, ?pause, error = %error, "repeating a call");
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            prepared.repeated += 1;
        }
    }

    fn request(
        &self,
        prepared: &mut Prepared,
        token: Option<&Secret>,
        service_token: Option<&Secret>,
    ) -> Result<reqwest::RequestBuilder, ClientError> {
        let mut request = self
            .inner
            .http
            .request(prepared.method.clone(), prepared.url.clone())
            .headers(prepared.headers.clone());
        if prepared.whole_call {
            request = request.timeout(self.inner.options.timeout);
        }
        for (name, secret) in [("x-auth-token", token), ("x-service-token", service_token)] {
            if let Some(secret) = secret {
                request =
                    request.header(HeaderName::from_static(name), secret_value(&prepared.call, secret)?);
            }
        }
        Ok(match &mut prepared.payload {
            Payload::None => request,
            // Some JSON has a media type of its own.
            Payload::Json(text) if prepared.headers.contains_key(CONTENT_TYPE) => request.body(text.clone()),
            Payload::Json(text) => request.header(CONTENT_TYPE, "application/json").body(text.clone()),
            Payload::Stream(body) => match body.take() {
                Some(body) => request.body(body),
                None => {
                    return Err(ClientError::protocol(prepared.call.as_str(), "the data was sent already"));
                }
            },
        })
    }
}

fn secret_value(call: &str, secret: &Secret) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
        ClientError::new(ErrorKind::Unauthorized, call, "the token has characters no token has")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn refused(call: &str, response: Response) -> ClientError {
    let status: StatusCode = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let body = read_body(call, response, ERROR_LIMIT, true).await.unwrap_or_default();
    ClientError::answer(call, status, retry_after, &String::from_utf8_lossy(&body))
}

/// Reads at most `limit` bytes; more is an error, or cut off when `cut`.
pub(crate) async fn read_body(
    call: &str,
    mut response: Response,
    limit: usize,
    cut: bool,
) -> Result<Bytes, ClientError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| ClientError::transport(call, error))? {
        let room = limit - body.len();
        if chunk.len() > room {
            if cut {
                body.extend_from_slice(&chunk[..room]);
                break;
            }
            return Err(ClientError::protocol(call, format!("the answer is longer than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads the answer's JSON.
pub(crate) async fn read_json<T: DeserializeOwned>(call: &str, response: Response) -> Result<T, ClientError> {
    let body = read_body(call, response, JSON_LIMIT, false).await?;
    serde_json::from_slice(&body).map_err(|error| {
        ClientError::protocol(call, "the answer is not the JSON expected").with_source(error)
    })
}
