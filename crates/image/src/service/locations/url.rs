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
    let of_kind = |id: &str| stores.get(id).filter(|store| store.facts().kind == scheme);
    let unknown = |id: &str| ImageError::Invalid(format!("Store for identifier {id} not found"));
    if let Some((named, object)) = rest.split_once('/') {
        let Some(store) = of_kind(named) else { return Err(unknown(named)) };
        if hint.is_some_and(|hint| hint != named) {
            return Err(ImageError::Invalid(format!("the url lies in store {named}, another one was named")));
        }
        return Ok((id(store.as_ref()), format!("{scheme}://{named}/{object}")));
    }
    let store = match hint {
        Some(hint) => of_kind(hint).ok_or_else(|| unknown(hint))?,
        None => of_kind(stores.default_id().as_str())
            .or_else(|| stores.iter().find(|store| store.facts().kind == scheme))
            .ok_or_else(|| {
                ImageError::Invalid(format!("Invalid location: no store for scheme {scheme} is enabled"))
            })?,
    };
    let id = id(store.as_ref());
    let url = format!("{scheme}://{id}/{rest}");
    Ok((id, url))
}

fn id(store: &dyn Store) -> StoreId {
    store.facts().id.clone()
}
