// SPDX-License-Identifier: Apache-2.0
//! Which store a client's url lies in.

use scurry_store::{Registry, Store};
use scurry_types::StoreId;

use crate::error::ImageError;

/// Schemes whose urls would let a client read or delete files of the service.
const REFUSED: [&str; 3] = ["file", "filesystem", "swift+config"];

/// The store and the url as that store writes it. A `cinder://` url may name its store
/// (`cinder://pure1/<volume>`) or not (`cinder://<volume>`): then the hint decides, then the default store,
/// then the first of that kind.
pub(super) fn in_store(
    url: &str,
    hint: Option<&str>,
    stores: &Registry,
) -> Result<(StoreId, String), ImageError> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| ImageError::Invalid(format!("Invalid location: {url:?} has no scheme")))?;
    let scheme = scheme.to_ascii_lowercase();
    let known_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !known_scheme || REFUSED.contains(&scheme.as_str()) || rest.is_empty() {
        return Err(ImageError::Invalid(format!("Invalid location: scheme {scheme} is not allowed")));
    }
    let kind = if is_web(url) { "http" } else { scheme.as_str() };
    let of_kind = |id: &str| stores.get(id).filter(|store| store.facts().kind == kind);
    let first = || stores.iter().find(|store| store.facts().kind == kind);
    let unknown = |id: &str| ImageError::Invalid(format!("Store for identifier {id} not found"));
    if kind != "http"
        && let Some((named, object)) = rest.split_once('/')
    {
        let Some(store) = of_kind(named) else { return Err(unknown(named)) };
        if hint.is_some_and(|hint| hint != named) {
            return Err(ImageError::Invalid(format!("the url lies in store {named}, another one was named")));
        }
        return Ok((id(store.as_ref()), format!("{scheme}://{named}/{object}")));
    }
    let store = match hint {
        Some(hint) => of_kind(hint).ok_or_else(|| unknown(hint))?,
        None => of_kind(stores.default_id().as_str()).or_else(first).ok_or_else(|| {
            ImageError::Invalid(format!("Invalid location: no store for scheme {scheme} is enabled"))
        })?,
    };
    let id = id(store.as_ref());
    if kind == "http" {
        // The address stays as it was given.
        return Ok((id, url.to_owned()));
    }
    let url = format!("{scheme}://{id}/{rest}");
    Ok((id, url))
}

/// Whether an address is one of a web server.
pub(in crate::service) fn is_web(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    url.contains("://") && (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

fn id(store: &dyn Store) -> StoreId {
    store.facts().id.clone()
}
