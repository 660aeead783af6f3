// SPDX-License-Identifier: Apache-2.0
//! Sending a request, following redirects, and what comes of it.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, IF_RANGE, LOCATION, RANGE};
use http::{Method, StatusCode};
use reqwest::Response;
use scurry_types::Secret;
use url::{Host, Url};

use crate::clients::Clients;
use crate::error::FetchError;
use crate::fetched::Fetched;
use crate::filter::{Filter, place, refused};
use crate::lookup::{Lookup, NoneAllowed, SystemLookup, Unknown, addresses};
use crate::settings::FetchSettings;
use crate::validator::{content_length, content_range, validator};

/// Reads addresses. Clones share connections.
#[derive(Debug, Clone)]
pub struct Fetcher {
    pub(crate) filter: Arc<Filter>,
    pub(crate) settings: FetchSettings,
    clients: Arc<Clients>,
    lookup: Arc<dyn Lookup>,
}

/// What is to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The address.
    pub url: String,
    /// A user's token for that very scheme, host and port; no redirect to another one carries it.
    pub token: Option<Secret>,
    /// The address is the operator's own (a catalogue's endpoint): the filter begins with the first redirect to
    /// another place.
    pub trusted: bool,
    /// The bytes wanted; all of them when absent. A server may answer with all of them all the same.
    pub range: Option<Range<u64>>,
    /// The bytes must still be those of an earlier answer ([`Fetched::validator`]): all of them come when not.
    pub if_range: Option<HeaderValue>,
}

impl Request {
    /// All bytes of an address a client named.
    #[must_use]
    pub fn of(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

/// What a server says of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its length in bytes.
    pub len: Option<u64>,
    /// What later requests for parts are to be bound to.
    pub validator: Option<HeaderValue>,
}

pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}

impl Fetcher {
    /// A fetcher that looks names up as the system does.
    pub fn new(filter: Filter, settings: FetchSettings) -> Result<Self, FetchError> {
        Self::with_lookup(filter, settings, Arc::new(SystemLookup))
    }

    /// A fetcher with a lookup of its own.
    pub fn with_lookup(
        filter: Filter,
        settings: FetchSettings,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, FetchError> {
        let filter = Arc::new(filter);
        let clients = Arc::new(Clients::new(&filter, Arc::clone(&lookup), settings.clone())?);
        Ok(Self { filter, settings, clients, lookup })
    }

    /// Whether an address may be read: its host is looked up, nothing is sent.
    pub async fn check(&self, text: &str) -> Result<(), FetchError> {
        let url = self.filter.parse(text)?;
        let (_, proxied) = self.clients.pick(&url, false)?;
        self.check_names(&url, proxied).await
    }

    /// A host must have an address that is allowed. Behind a proxy, names may be the proxy's to look up.
    async fn check_names(&self, url: &Url, proxied: bool) -> Result<(), FetchError> {
        let Some(Host::Domain(host)) = url.host() else { return Ok(()) };
        match addresses(self.lookup.as_ref(), Some(&self.filter), host).await {
            Ok(_) => Ok(()),
            Err(error) if proxied && error.is::<Unknown>() => Ok(()),
            Err(error) => Err(refused(url, error.to_string())),
        }
    }

    /// Begins to read an address.
    pub async fn get(&self, request: &Request) -> Result<Fetched, FetchError> {
        let (url, response) = self.send(&Method::GET, request).await?;
        Fetched::begin(self.clone(), request, url, response)
    }

    /// What an address holds, as far as the server tells without sending it.
    pub async fn describe(&self, request: &Request) -> Result<Described, FetchError> {
        match self.send(&Method::HEAD, request).await {
            Ok((_, response)) => {
                if let Some(len) = content_length(response.headers()) {
                    return Ok(Described { len: Some(len), validator: validator(response.headers()) });
                }
            }
            // Not everybody answers HEAD.
            Err(FetchError::Status { status, .. }) if matches!(status.as_u16(), 400 | 403 | 405 | 501) => {}
            Err(error) => return Err(error),
        }
        let first = Request { range: Some(0..1), if_range: None, ..request.clone() };
        let (_, response) = self.send(&Method::GET, &first).await?;
        let len = match response.status() {
            StatusCode::PARTIAL_CONTENT => content_range(response.headers()).and_then(|(_, total)| total),
            _ => content_length(response.headers()),
        };
        Ok(Described { len, validator: validator(response.headers()) })
    }

    /// Sends a request and follows where it is sent on to. The answer is a good one.
    pub(crate) async fn send(
        &self,
        method: &Method,
        request: &Request,
    ) -> Result<(Url, Response), FetchError> {
        let first = if request.trusted {
            Url::parse(&request.url).map_err(|error| FetchError::Refused {
                place: "the endpoint".to_owned(),
                reason: format!("it is no address: {error}"),
            })?
        } else {
            self.filter.parse(&request.url)?
        };
        let mut url = first.clone();
        for _ in 0..=self.settings.max_redirects {
            let home = same_origin(&url, &first);
            let response = self.send_once(method, request, &url, home).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                if status.is_success() {
                    return Ok((url, response));
                }
                return Err(FetchError::Status { place: place(&url), status });
            }
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to else {
                return Err(FetchError::Answer { place: place(&url), reason: "it redirects nowhere".into() });
            };
            url = match url.join(to) {
                Ok(next) if request.trusted && same_origin(&next, &first) => next,
                _ => self.filter.follow(&url, to)?,
            };
        }
        let reason = format!("it redirects more than {} times", self.settings.max_redirects);
        Err(FetchError::Answer { place: place(&first), reason })
    }

    async fn send_once(
        &self,
        method: &Method,
        request: &Request,
        url: &Url,
        home: bool,
    ) -> Result<Response, FetchError> {
        let (client, proxied) = self.clients.pick(url, home && request.trusted)?;
        if proxied && !(home && request.trusted) {
            self.check_names(url, true).await?;
        }
        let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        if let Some(range) = &request.range {
            let text = match range.end {
                u64::MAX => format!("bytes={}-", range.start),
                end => format!("bytes={}-{}", range.start, end.saturating_sub(1)),
            };
            headers.extend(HeaderValue::from_str(&text).ok().map(|value| (RANGE, value)));
            headers.extend(request.if_range.clone().map(|value| (IF_RANGE, value)));
        }
        if let Some(token) = request.token.as_ref().filter(|_| home) {
            let value = HeaderValue::from_str(token.expose()).ok().map(|mut value| {
                value.set_sensitive(true);
                (HeaderName::from_static("x-auth-token"), value)
            });
            headers.extend(value);
        }
        let sending = client.request(method.clone(), url.clone()).headers(headers).send();
        match tokio::time::timeout(self.settings.idle_timeout, sending).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if caused_by::<NoneAllowed>(&error) => Err(refused(url, NoneAllowed.to_string())),
            Ok(Err(error)) => Err(FetchError::Broken {
                place: place(url),
                what: "cannot be reached",
                // The address may hold what nobody should read in a log.
                source: Some(error.without_url().into()),
            }),
            Err(_) => Err(FetchError::Broken { place: place(url), what: "does not answer", source: None }),
        }
    }

    pub(crate) fn validator_of(response: &Response) -> Option<HeaderValue> {
        validator(response.headers())
    }
}
