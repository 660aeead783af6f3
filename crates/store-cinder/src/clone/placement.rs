// SPDX-License-Identifier: Apache-2.0
//! Whether a volume type leads to the backend a volume is on.
//!
//! A clone always stays on its source's backend, whatever type it is given; made where the type does not belong,
//! it would be in the wrong place under the right name.

use std::collections::BTreeMap;

use scurry_openstack_client::ClientError;
use scurry_openstack_client::block::{BlockClient, Volume, VolumeType};

const BACKEND_NAME: &str = "volume_backend_name";
const REPLICATION: &str = "replication_enabled";

/// What a clone's type says of a second copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replica {
    /// Whatever the source has.
    AsItsSource,
    /// The type is replicated: a clone without a replica is not of this type.
    Wanted,
}

/// The backend that a volume type (the default one where none is named) leads to; `None` when these credentials are not
/// shown it or the type may lead anywhere.
pub(crate) async fn backend_of(
    client: &BlockClient,
    volume_type: Option<&str>,
) -> Result<Option<String>, ClientError> {
    let found = match volume_type {
        Some(name) => client.find_volume_type(name).await,
        None => client.default_volume_type().await,
    }?;
    Ok(specs(client, &found).await.remove(BACKEND_NAME))
}

/// Whether the clone must come out with a replica, which its source may lack: the service builds it then. `Err` says
/// why the source's backend is not the type's, or cannot be told.
pub(super) async fn same_backend(
    client: &BlockClient,
    volume_type: Option<&str>,
    source: &Volume,
) -> Result<Replica, String> {
    let unseen = |error: ClientError| format!("the volume types cannot be seen: {}", error.message());
    let target = match volume_type {
        Some(name) => client.find_volume_type(name).await,
        None => client.default_volume_type().await,
    }
    .map_err(unseen)?;
    let Some(source_type) = &source.volume_type else {
        return Err(format!("volume {} has no volume type", source.id));
    };
    if *source_type == target.name {
        return Ok(Replica::AsItsSource);
    }
    if source.encrypted {
        return Err(format!("volume {} is encrypted and of another type", source.id));
    }
    let origin = client.find_volume_type(source_type).await.map_err(unseen)?;
    let (target_specs, origin_specs) = (specs(client, &target).await, specs(client, &origin).await);
    let replica = if is_replicated(&target_specs) { Replica::Wanted } else { Replica::AsItsSource };
    let wanted = target_specs.get(BACKEND_NAME).map(String::as_str);
    match (&source.host, wanted) {
        // Who sees hosts sees all properties of types: this type may be anywhere.
        (Some(_), None) => Ok(replica),
        (Some(host), Some(wanted)) => {
            let found = backend_name(client, host).await;
            same(&target.name, wanted, &format!("volume {} is on {host}", source.id), &found)
                .map(|()| replica)
        }
        (None, Some(wanted)) => match origin_specs.get(BACKEND_NAME) {
            Some(found) => {
                let whose = format!("type {}", origin.name);
                same(&target.name, wanted, &whose, std::slice::from_ref(found)).map(|()| replica)
            }
            None => Err(format!("the backend of volume {} cannot be seen with these credentials", source.id)),
        },
        (None, None) => Err(format!(
            "whether types {} and {} share a backend cannot be seen with these credentials",
            target.name, origin.name
        )),
    }
}

fn same(target: &str, wanted: &str, whose: &str, found: &[String]) -> Result<(), String> {
    if found.iter().any(|name| name == wanted) {
        return Ok(());
    }
    Err(format!("type {target} is for backend {wanted}, {whose} ({})", found.join(", ")))
}

/// The names a backend goes by: what its pool reports; where pools are not shown, the parts of the host.
async fn backend_name(client: &BlockClient, host: &str) -> Vec<String> {
    let pools = client.pools().await.unwrap_or_default();
    let reported = pools
        .iter()
        .find(|pool| pool.name == host)
        .and_then(|pool| pool.capabilities.get(BACKEND_NAME)?.as_str().map(str::to_owned));
    match reported {
        Some(name) => vec![name],
        None => host_parts(host),
    }
}

/// Backend and pool of `host@backend#pool`.
fn host_parts(host: &str) -> Vec<String> {
    let (before, pool) = host.split_once('#').map_or((host, None), |(before, pool)| (before, Some(pool)));
    let backend = before.split_once('@').map(|(_, backend)| backend);
    backend.into_iter().chain(pool).map(str::to_owned).collect()
}

/// Lists may leave the properties out.
async fn specs(client: &BlockClient, each: &VolumeType) -> BTreeMap<String, String> {
    if !each.extra_specs.is_empty() {
        return each.extra_specs.clone();
    }
    client.extra_specs(&each.id).await.unwrap_or_default()
}

fn is_replicated(specs: &BTreeMap<String, String>) -> bool {
    specs
        .get(REPLICATION)
        .is_some_and(|value| value.trim_start_matches("<is>").trim().eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_names_backend_and_pool() {
        assert_eq!(host_parts("h@b#p"), ["b", "p"]);
        assert_eq!(host_parts("h@b"), ["b"]);
        assert!(host_parts("h").is_empty());
    }

    #[test]
    fn replication_is_read_as_cinder_does() {
        for (value, replicated) in [("<is> True", true), ("true", true), ("<is> False", false), ("", false)] {
            let specs = BTreeMap::from([(REPLICATION.to_owned(), value.to_owned())]);
            assert_eq!(is_replicated(&specs), replicated, "{value}");
        }
        assert!(!is_replicated(&BTreeMap::new()));
    }
}
