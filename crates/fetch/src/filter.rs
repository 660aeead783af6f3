// SPDX-License-Identifier: Apache-2.0
//! `[import_filtering_opts]`: which addresses may be read.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address::is_refused;
use crate::error::FetchError;

/// The options as written. A list of what is allowed puts the list of what is not out of force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FilterRules {
    pub allowed_schemes: Vec<String>,
    pub disallowed_schemes: Vec<String>,
    pub allowed_hosts: Vec<String>,
    pub disallowed_hosts: Vec<String>,
    pub allowed_ports: Vec<u16>,
    pub disallowed_ports: Vec<u16>,
}

impl Default for FilterRules {
    /// Glance's defaults.
    fn default() -> Self {
        Self {
            allowed_schemes: vec!["http".to_owned(), "https".to_owned()],
            disallowed_schemes: Vec::new(),
            allowed_hosts: Vec::new(),
            disallowed_hosts: Vec::new(),
            allowed_ports: vec![80, 443],
            disallowed_ports: Vec::new(),
        }
    }
}

/// The rules, ready to be asked.
#[derive(Debug, Clone)]
pub struct Filter {
    schemes: Lists<String>,
    hosts: Lists<String>,
    ports: Lists<u16>,
}

#[derive(Debug, Clone)]
struct Lists<T> {
    allowed: Vec<T>,
    disallowed: Vec<T>,
}

impl<T: PartialEq> Lists<T> {
    fn new(allowed: Vec<T>, disallowed: Vec<T>) -> Self {
        Self { allowed, disallowed }
    }

    fn pass(&self, value: &T) -> bool {
        if self.allowed.is_empty() { !self.disallowed.contains(value) } else { self.allowed.contains(value) }
    }
}

/// A host as it is compared: lower case, no brackets, no final dot.
fn plain(host: &str) -> String {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.to_ascii_lowercase(),
    }
}

/// Scheme, host and port of an address: what may be shown of it.
pub(crate) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

pub(crate) fn refused(url: &Url, reason: impl Into<String>) -> FetchError {
    FetchError::Refused { place: place(url), reason: reason.into() }
}

/// The text between an address's scheme or credentials and its port or path.
fn written_host(text: &str) -> &str {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if rest.starts_with('[') {
        return rest.split_once(']').map_or(rest, |(host, _)| host).trim_start_matches('[');
    }
    rest.split(':').next().unwrap_or_default()
}

/// `2130706433`, `0x7f.1` and the like: what systems make of them differs, so they are nobody's address.
fn undisguised(url: &Url, text: &str) -> Result<(), FetchError> {
    match url.host() {
        Some(Host::Ipv4(address)) if written_host(text) != address.to_string() => {
            Err(refused(url, "the host is a number in disguise"))
        }
        _ => Ok(()),
    }
}

impl Filter {
    /// The rules of the configuration.
    #[must_use]
    pub fn new(rules: FilterRules) -> Self {
        let lower = |words: Vec<String>| words.iter().map(|word| word.trim().to_ascii_lowercase()).collect();
        let hosts = |words: Vec<String>| words.iter().map(|word| plain(word)).collect();
        Self {
            schemes: Lists::new(lower(rules.allowed_schemes), lower(rules.disallowed_schemes)),
            hosts: Lists::new(hosts(rules.allowed_hosts), hosts(rules.disallowed_hosts)),
            ports: Lists::new(rules.allowed_ports, rules.disallowed_ports),
        }
    }

    /// Reads an address and judges what can be judged without looking its host up.
    pub fn parse(&self, text: &str) -> Result<Url, FetchError> {
        let url = Url::parse(text).map_err(|error| FetchError::Refused {
            place: "the address".to_owned(),
            reason: format!("it is not one: {error}"),
        })?;
        self.judge(&url)?;
        undisguised(&url, text)?;
        Ok(url)
    }

    /// Judges where a redirect leads.
    pub(crate) fn follow(&self, from: &Url, to: &str) -> Result<Url, FetchError> {
        let url =
            from.join(to).map_err(|error| refused(from, format!("it redirects to no address: {error}")))?;
        self.judge(&url)?;
        if url.host() != from.host() {
            undisguised(&url, to)?;
        }
        Ok(url)
    }

    fn judge(&self, url: &Url) -> Result<(), FetchError> {
        if !matches!(url.scheme(), "http" | "https") || !self.schemes.pass(&url.scheme().to_owned()) {
            return Err(refused(url, "the scheme is not allowed"));
        }
        let host = url.host_str().map(plain).filter(|host| !host.is_empty());
        let Some(host) = host else { return Err(refused(url, "there is no host")) };
        if !self.hosts.pass(&host) {
            return Err(refused(url, "the host is not allowed"));
        }
        if !url.port_or_known_default().is_some_and(|port| self.ports.pass(&port)) {
            return Err(refused(url, "the port is not allowed"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match literal {
            Some(address) if !self.lets(&host, address) => Err(refused(url, "the address is not allowed")),
            _ => Ok(()),
        }
    }

    /// Whether a host's address may be connected to. The operator who lists a host means its addresses.
    pub(crate) fn lets(&self, host: &str, address: IpAddr) -> bool {
        if self.hosts.allowed.contains(&plain(host)) {
            return true;
        }
        let text = address.to_string();
        let unlisted = !self.hosts.allowed.is_empty() || !self.hosts.disallowed.contains(&text);
        unlisted && !is_refused(address)
    }
}

#[cfg(test)]
mod tests;
