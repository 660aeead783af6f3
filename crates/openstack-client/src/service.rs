// SPDX-License-Identifier: Apache-2.0
//! One service behind a session: where it is, whose token to use, and calls built step by step.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use scurry_types::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::catalog::Interface;
use crate::error::ClientError;
use crate::session::{Payload, Prepared, Session, read_body};

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Encodes one segment of a path, so that a name with a slash or a dot stays one segment.
pub(crate) fn segment(text: &str) -> String {
    match text {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, SEGMENT).to_string(),
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// A URL as configured, with `%(project_id)s` and its like to fill in.
    Template(String),
    Catalog {
        types: Vec<String>,
        name: Option<String>,
        region: Option<String>,
        interface: Option<Interface>,
    },
}

/// A service as one session sees it.
#[derive(Debug, Clone)]
pub struct ServiceClient {
    session: Session,
    address: Address,
    user_token: Option<Secret>,
    headers: HeaderMap,
}

impl ServiceClient {
    pub(crate) fn new(session: Session, address: Address) -> Self {
        Self { session, address, user_token: None, headers: HeaderMap::new() }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    pub(crate) fn with_user_token(mut self, token: Secret) -> Self {
        self.user_token = Some(token);
        self
    }

    /// The session behind it.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The service's root, without a slash at its end.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when the catalog lacks it.
    pub async fn root(&self) -> Result<String, ClientError> {
        let root = match &self.address {
            Address::Catalog { types, name, region, interface } => {
                let types: Vec<&str> = types.iter().map(String::as_str).collect();
                self.session
                    .endpoint(&types, name.as_deref(), region.as_deref(), *interface)
                    .await?
                    .to_string()
            }
            Address::Template(template) if !template.contains('%') && !template.contains("$(") => {
                template.clone()
            }
            Address::Template(template) => {
                let token = self.session.token().await?;
                fill(template, token.project_id.as_deref().unwrap_or(""), &token.user_id)
            }
        };
        Ok(root.trim_end_matches('/').to_owned())
    }

    /// Starts a call; `path` begins with a slash and has its segments encoded.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call {
            client: self,
            method,
            path: path.into(),
            query: Vec::new(),
            headers: self.headers.clone(),
            payload: Ok(Payload::None),
            whole_call: true,
        }
    }
}

/// Fills in the places of a `cinder_endpoint_template`.
fn fill(template: &str, project_id: &str, user_id: &str) -> String {
    let mut filled = template.to_owned();
    for (name, value) in
        [("project_id", project_id), ("tenant_id", project_id), ("tenant", project_id), ("user_id", user_id)]
    {
        filled = filled.replace(&format!("%({name})s"), value).replace(&format!("$({name})s"), value);
    }
    filled
}

/// A call being put together.
#[must_use]
pub struct Call<'a> {
    client: &'a ServiceClient,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    payload: Result<Payload, ClientError>,
    whole_call: bool,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a query parameter when there is a value.
    pub fn query_opt(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header; a value no header can have is left out.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Sets a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.payload = Payload::json(&self.path, body);
        self
    }

    /// Sets a body sent as it comes; the call is then never repeated and has no overall time limit.
    pub fn stream(mut self, body: reqwest::Body) -> Self {
        self.payload = Ok(Payload::Stream(Some(body)));
        self.whole_call = false;
        self
    }

    /// The answer may take as long as its data moves.
    pub fn unlimited(mut self) -> Self {
        self.whole_call = false;
        self
    }

    /// Sends it and gives the answer of a success.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn send(self) -> Result<Response, ClientError> {
        let call = format!("{} {}", self.method, self.path);
        let root = self.client.root().await?;
        let mut url = Url::parse(&format!("{root}{}", self.path)).map_err(|error| {
            ClientError::protocol(call.as_str(), format!("{root} is not a usable endpoint URL"))
                .with_source(error)
        })?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut prepared = Prepared::new(self.method, url, call);
        prepared.headers.extend(self.headers);
        prepared.payload = self.payload?;
        prepared.whole_call = self.whole_call;
        self.client.session.send(prepared, self.client.user_token.as_ref()).await
    }

    /// Sends it and reads the JSON answer.
    ///
    /// # Errors
    /// As [`Call::send`]; [`crate::ErrorKind::Protocol`] for JSON of another shape.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let call = format!("{} {}", self.method, self.path);
        let response = self.send().await?;
        crate::session::read_json(&call, response).await
    }

    /// Sends it and drops the answer's body.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub async fn done(self) -> Result<(), ClientError> {
        let call = format!("{} {}", self.method, self.path);
        let response = self.send().await?;
        // Read to the end so that the connection can be used again; the state is changed whatever the body is.
        let _ = read_body(&call, response, 1 << 20, true).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_segment() {
        assert_eq!(segment("a/b?c"), "a%2Fb%3Fc");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("6f1f-x_y.z"), "6f1f-x_y.z");
    }

    #[test]
    fn templates_are_filled() {
        assert_eq!(fill("http://c/v3/%(tenant)s", "p1", "u1"), "http://c/v3/p1");
        assert_eq!(fill("http://c/v3/%(project_id)s/%(user_id)s", "p1", "u1"), "http://c/v3/p1/u1");
    }
}
