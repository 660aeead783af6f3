// SPDX-License-Identifier: Apache-2.0
//! Names to addresses, with the filter in between: what is connected to is what was judged.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::filter::Filter;

/// Looks names up.
#[async_trait]
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// Addresses of a host, in the order they are tried.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's way: `/etc/hosts`, DNS, whatever is configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A host has addresses, but none that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the host has no address that is allowed")]
pub(crate) struct NoneAllowed;

/// A host cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("the host is unknown")]
pub(crate) struct Unknown(#[source] pub(crate) io::Error);

/// Looks a host up and keeps the addresses that pass. Without a filter all do.
pub(crate) async fn addresses(
    lookup: &dyn Lookup,
    filter: Option<&Filter>,
    host: &str,
) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
    let found = lookup.lookup(host).await.map_err(Unknown)?;
    if found.is_empty() {
        return Err(Unknown(io::ErrorKind::NotFound.into()).into());
    }
    let mut allowed: Vec<IpAddr> = Vec::new();
    for address in found {
        if !allowed.contains(&address) && filter.is_none_or(|filter| filter.lets(host, address)) {
            allowed.push(address);
        }
    }
    if allowed.is_empty() { Err(NoneAllowed.into()) } else { Ok(allowed) }
}

/// The resolver the HTTP client asks for each connection it opens.
#[derive(Debug, Clone)]
pub(crate) struct FilteredResolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) filter: Option<Arc<Filter>>,
}

impl Resolve for FilteredResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { lookup, filter } = self.clone();
        Box::pin(async move {
            let allowed = addresses(lookup.as_ref(), filter.as_deref(), name.as_str()).await?;
            let sockets = allowed.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}
