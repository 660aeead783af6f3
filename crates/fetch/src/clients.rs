// SPDX-License-Identifier: Apache-2.0
//! The HTTP clients: one that connects where the filter lets it, one for the operator's own endpoints, one a proxy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use url::Url;

use crate::error::FetchError;
use crate::filter::Filter;
use crate::lookup::{FilteredResolver, Lookup};
use crate::settings::{FetchSettings, Proxies};

#[derive(Debug)]
pub(crate) struct Clients {
    filtered: Client,
    trusted: Client,
    matcher: Option<Matcher>,
    /// By the proxy's address.
    proxied: Mutex<HashMap<String, Client>>,
    settings: FetchSettings,
    certificates: Vec<Certificate>,
    lookup: Arc<dyn Lookup>,
}

fn unusable(what: impl Into<String>) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> FetchError {
    let what = what.into();
    move |source| FetchError::Settings { what, source: Some(source) }
}

impl Clients {
    pub(crate) fn new(
        filter: &Arc<Filter>,
        lookup: Arc<dyn Lookup>,
        settings: FetchSettings,
    ) -> Result<Self, FetchError> {
        let certificates = match &settings.ca_file {
            None => Vec::new(),
            Some(file) => {
                let cannot = || unusable(format!("cannot use the certificates in {}", file.display()));
                let pem = std::fs::read(file).map_err(|error| cannot()(error.into()))?;
                Certificate::from_pem_bundle(&pem).map_err(|error| cannot()(error.into()))?
            }
        };
        let matcher = match &settings.proxies {
            Proxies::Direct => None,
            Proxies::Environment => Some(Matcher::from_env()),
            Proxies::Given { http, https } => {
                let builder = Matcher::builder()
                    .http(http.clone().unwrap_or_default())
                    .https(https.clone().unwrap_or_default());
                Some(builder.build())
            }
        };
        let resolver = |filter| FilteredResolver { lookup: Arc::clone(&lookup), filter };
        let build = |builder: ClientBuilder| {
            builder.build().map_err(|error| unusable("cannot make an HTTP client")(error.into()))
        };
        let base = || base(&settings, &certificates).no_proxy();
        Ok(Self {
            filtered: build(base().dns_resolver(resolver(Some(Arc::clone(filter)))))?,
            trusted: build(base().dns_resolver(resolver(None)))?,
            matcher,
            proxied: Mutex::default(),
            certificates,
            lookup: Arc::clone(&lookup),
            settings: settings.clone(),
        })
    }

    /// The client for an address, and whether a proxy makes the connection in its place.
    pub(crate) fn pick(&self, url: &Url, trusted: bool) -> Result<(Client, bool), FetchError> {
        let proxy = self.matcher.as_ref().and_then(|matcher| matcher.intercept(&url.as_str().parse().ok()?));
        match proxy {
            Some(proxy) => Ok((self.through(&proxy)?, true)),
            None if trusted => Ok((self.trusted.clone(), false)),
            None => Ok((self.filtered.clone(), false)),
        }
    }

    /// The proxy is the operator's: its own name is looked up without the filter.
    fn through(&self, proxy: &Intercept) -> Result<Client, FetchError> {
        let address = proxy.uri().to_string();
        let mut clients = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&address) {
            return Ok(client.clone());
        }
        let cannot = || unusable(format!("cannot use the proxy {}", proxy.uri().host().unwrap_or_default()));
        let mut rule = Proxy::all(&address).map_err(|error| cannot()(error.into()))?;
        if let Some(credentials) = proxy.basic_auth() {
            rule = rule.custom_http_auth(credentials.clone());
        }
        let resolver = FilteredResolver { lookup: Arc::clone(&self.lookup), filter: None };
        let client = base(&self.settings, &self.certificates)
            .proxy(rule)
            .dns_resolver(resolver)
            .build()
            .map_err(|error| cannot()(error.into()))?;
        clients.insert(address, client.clone());
        Ok(client)
    }
}

fn base(settings: &FetchSettings, certificates: &[Certificate]) -> ClientBuilder {
    let mut builder = Client::builder()
        .user_agent(concat!("scurry/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .http1_only()
        .connect_timeout(settings.connect_timeout);
    if settings.ca_file.is_some() {
        builder = builder.tls_certs_only(certificates.iter().cloned());
    } else if settings.insecure {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder
}
