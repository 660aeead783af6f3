// SPDX-License-Identifier: Apache-2.0
//! The one direction of dependency: which of our crates a crate may name.

use serde_json::Value;

/// A crate and the crates of ours it may depend on. What is missing here is a fault, so a new crate has to say
/// where it stands. Tests may depend on anything: only normal dependencies count.
const ALLOWED: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("config", &["types"]),
    ("telemetry", &[]),
    ("digests", &["types"]),
    ("formats", &["types"]),
    ("volume-file", &["types"]),
    ("jobs", &["types"]),
    ("store", &["types"]),
    ("testkit", &["types", "store", "transfer"]),
    ("store-file", &["types", "volume-file", "store"]),
    ("fetch", &["types"]),
    ("store-http", &["types", "store", "fetch"]),
    ("openstack-client", &["types"]),
    ("iscsi", &[]),
    ("connect", &["types", "volume-file", "store", "iscsi"]),
    ("store-cinder", &["types", "store", "connect", "openstack-client"]),
    ("transfer", &["types", "store", "formats", "digests"]),
    ("auth", &["types", "config", "openstack-client", "telemetry"]),
    ("image", &["types", "store", "transfer", "formats", "jobs"]),
    ("notifications", &["types", "config"]),
    ("image-db", &["types", "image", "jobs", "notifications"]),
    ("image-http", &["types", "image", "auth", "store", "telemetry", "config"]),
    ("identity", &["telemetry"]),
    (
        "block-storage",
        &["types", "config", "auth", "volume-file", "formats", "openstack-client", "telemetry"],
    ),
];

/// Libraries that must not be known outside the crates named.
const FOREIGN: &[(&str, &[&str])] = &[
    ("axum", &["image-http", "identity", "block-storage", "auth", "scurry"]),
    ("sea-orm", &["image-db", "identity", "block-storage", "scurry"]),
    ("lapin", &["notifications"]),
    ("sqlx", &["image-db"]),
    ("reqwest", &["openstack-client", "fetch", "scurry"]),
    (
        "tokio",
        &[
            "store",
            "fetch",
            "store-file",
            "store-http",
            "store-cinder",
            "openstack-client",
            "iscsi",
            "connect",
            "transfer",
            "jobs",
            "image",
            "notifications",
            "image-db",
            "auth",
            "image-http",
            "identity",
            "block-storage",
            "testkit",
            "scurry",
        ],
    ),
];

/// Checks every crate of `cargo metadata`; gives their number.
pub(super) fn check(metadata: &Value, faults: &mut Vec<String>) -> usize {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let short = name.strip_prefix("scurry-").unwrap_or(name);
        for dependency in package["dependencies"].as_array().map_or(&[][..], Vec::as_slice) {
            if dependency["kind"].is_null() {
                let target = dependency["name"].as_str().unwrap_or_default();
                faults.extend(fault(short, target));
            }
        }
    }
    packages.len()
}

fn fault(short: &str, target: &str) -> Option<String> {
    if let Some(ours) = target.strip_prefix("scurry-") {
        if short == "scurry" {
            return None;
        }
        return match ALLOWED.iter().find(|(name, _)| *name == short) {
            None => Some(format!("crate {short} has no row in xtask/src/tidy/arrows.rs")),
            Some((_, allowed)) if allowed.contains(&ours) => None,
            Some((_, allowed)) => Some(format!(
                "crate {short} must not know {ours}: it may know {allowed:?} (docs/ARCHITECTURE.md)"
            )),
        };
    }
    let (_, users) = FOREIGN.iter().find(|(name, _)| *name == target)?;
    (!users.contains(&short)).then(|| format!("crate {short} must not know {target}: only {users:?} do"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_one_way() {
        assert_eq!(fault("store", "scurry-types"), None);
        assert!(fault("types", "scurry-store").is_some());
        assert!(fault("image", "scurry-image-db").is_some());
        assert!(fault("image", "axum").is_some());
        assert!(fault("brand-new", "scurry-types").is_some());
        assert_eq!(fault("scurry", "scurry-image-db"), None);
    }
}
