// SPDX-License-Identifier: Apache-2.0
//! What Cinder's `connection_info` of an iSCSI volume says.

use scurry_iscsi::{Addressing, ChapCredentials, LoginOptions, Lun, PathTo, Portal, Secret, Target};
use serde_json::Value;

use crate::{ConnectError, Connector};

/// Paths more than these are an error of whoever made the connection.
const MOST_PATHS: usize = 64;

/// Where to log in, and as whom.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) paths: Vec<PathTo>,
    pub(super) login: LoginOptions,
}

impl Connection {
    /// Reads the lists of several paths, or the fields of one. What os-brick does not look at is ignored here as well
    /// (`target_discovered`, `qos_specs`, `discovery_auth_*`: the paths are given, nothing is discovered).
    pub(super) fn parse(connector: &Connector, info: &Value) -> Result<Self, ConnectError> {
        let text = |key: &str| info.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let addressing = match text("addressing_mode").map(str::to_ascii_lowercase).as_deref() {
            None | Some("transparent") => Addressing::Transparent,
            Some("sam") => Addressing::Sam,
            Some("sam2") => Addressing::Sam2,
            Some("sam3-flat") => Addressing::Sam3Flat,
            Some(_) => return Err(ConnectError::Malformed("addressing_mode")),
        };
        let lun = |key, value: &Value| {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            number
                .and_then(|number| Lun::from_number(number, addressing).ok())
                .ok_or(ConnectError::Malformed(key))
        };
        let portals = texts(info, "target_portals", "target_portal")?;
        let names = texts(info, "target_iqns", "target_iqn")?;
        let luns = match list(info, "target_luns") {
            Some(luns) => {
                luns.iter().map(|value| lun("target_luns", value)).collect::<Result<Vec<_>, _>>()?
            }
            None => {
                let one = lun("target_lun", info.get("target_lun").unwrap_or(&Value::Null))?;
                vec![one; portals.len()]
            }
        };
        if names.len() != portals.len() || portals.len() > MOST_PATHS {
            return Err(ConnectError::Malformed("target_iqns"));
        }
        if luns.len() != portals.len() {
            return Err(ConnectError::Malformed("target_luns"));
        }
        let mut paths: Vec<PathTo> = Vec::new();
        for ((portal, name), lun) in portals.into_iter().zip(names).zip(luns) {
            let portal: Portal = portal.parse().map_err(|_| ConnectError::Malformed("target_portal"))?;
            let path = PathTo { target: Target { portal, name: name.to_owned() }, lun };
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        let mut login = LoginOptions::new(connector.initiator.clone());
        login.chap = match text("auth_method").map(str::to_ascii_uppercase).as_deref() {
            None | Some("NONE") => None,
            Some("CHAP") => {
                let name = text("auth_username").ok_or(ConnectError::Malformed("auth_username"))?;
                let secret = text("auth_password").ok_or(ConnectError::Malformed("auth_password"))?;
                Some(ChapCredentials { name: name.to_owned(), secret: Secret::from(secret) })
            }
            Some(_) => return Err(ConnectError::Malformed("auth_method")),
        };
        Ok(Self { paths, login })
    }
}

fn list<'a>(info: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    info.get(key).and_then(Value::as_array).filter(|list| !list.is_empty())
}

fn texts<'a>(info: &'a Value, many: &'static str, one: &'static str) -> Result<Vec<&'a str>, ConnectError> {
    match list(info, many) {
        Some(list) => list
            .iter()
            .map(|value| value.as_str().filter(|text| !text.is_empty()).ok_or(ConnectError::Malformed(many)))
            .collect(),
        None => {
            let text = info.get(one).and_then(Value::as_str).filter(|text| !text.is_empty());
            Ok(vec![text.ok_or(ConnectError::Malformed(one))?])
        }
    }
}

/// The paths for a message: `LUN 1 of iqn.… at 10.0.0.1:3260, 10.0.0.2:3260`.
pub(super) fn place(paths: &[PathTo]) -> String {
    let Some(first) = paths.first() else { return String::new() };
    let portals = |name: &str| {
        let here = paths.iter().filter(|path| path.target.name == name);
        here.map(|path| path.target.portal.to_string()).collect::<Vec<_>>().join(", ")
    };
    let mut names: Vec<&str> = Vec::new();
    for path in paths {
        if !names.contains(&path.target.name.as_str()) {
            names.push(&path.target.name);
        }
    }
    let targets: Vec<String> = names.iter().map(|name| format!("{name} at {}", portals(name))).collect();
    format!("LUN {} of {}", first.lun, targets.join(" and "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(info: Value) -> Result<Connection, ConnectError> {
        Connection::parse(&Connector::new("node"), &info)
    }

    #[test]
    fn one_path_as_the_reference_driver_gives_it() {
        let connection = parse(json!({
            "target_discovered": false, "target_portal": "192.0.2.1:3260,1", "target_iqn": "iqn.t:v", "target_lun": 1,
            "auth_method": "CHAP", "auth_username": "u", "auth_password": "geheim", "qos_specs": null,
            "discovery_auth_method": "CHAP", "discovery_auth_password": "x", "volume_id": "v",
        }))
        .unwrap();
        assert_eq!(place(&connection.paths), "LUN 1 of iqn.t:v at 192.0.2.1:3260");
        let chap = connection.login.chap.as_ref().unwrap();
        assert_eq!((chap.name.as_str(), chap.secret.expose()), ("u", &b"geheim"[..]));
        assert!(connection.login.initiator.starts_with("iqn.2026-01.internal.scurry:"));
        assert!(!format!("{connection:?}").contains("geheim"));
    }

    #[test]
    fn several_paths_as_arrays_give_them() {
        let connection = parse(json!({
            "target_portals": ["192.0.2.1:3260", "192.0.2.2:3260", "192.0.2.1:3260", "[2001:db8::1]:3260"],
            "target_iqns": ["iqn.a:1", "iqn.a:1", "iqn.a:1", "iqn.a:2"], "target_luns": [300, 300, 300, "1"],
            "addressing_mode": "SAM2",
        }))
        .unwrap();
        assert_eq!(
            place(&connection.paths),
            "LUN 300 of iqn.a:1 at 192.0.2.1:3260, 192.0.2.2:3260 and iqn.a:2 at [2001:db8::1]:3260"
        );
        assert_eq!(connection.paths[0].lun.bytes()[..2], [0x41, 0x2c]);
        assert!(connection.login.chap.is_none());
        // One number for all of them.
        let both = json!({"target_portals": ["a:1", "b:1"], "target_iqns": ["i", "i"], "target_lun": 7});
        assert!(parse(both).unwrap().paths.iter().all(|path| path.lun.to_string() == "7"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let base = json!({"target_portal": "192.0.2.1:3260", "target_iqn": "iqn.t:v", "target_lun": 1});
        for (key, value, named) in [
            ("target_portal", Value::Null, "target_portal"),
            ("target_portal", json!("a b"), "target_portal"),
            ("target_iqn", json!(""), "target_iqn"),
            ("target_lun", json!(-1), "target_lun"),
            ("target_luns", json!([1, 2]), "target_luns"),
            ("target_portals", json!(["a:1", "b:1"]), "target_iqns"),
            ("addressing_mode", json!("other"), "addressing_mode"),
            ("auth_method", json!("SRP"), "auth_method"),
            ("auth_method", json!("CHAP"), "auth_username"),
        ] {
            let mut info = base.clone();
            info[key] = value;
            let error = parse(info).unwrap_err();
            assert!(matches!(error, ConnectError::Malformed(missing) if missing == named), "{key}: {error}");
        }
    }
}
