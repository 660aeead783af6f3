// SPDX-License-Identifier: Apache-2.0
//! Who this node is to Cinder.

use std::net::IpAddr;

use serde_json::{Value, json};
use uuid::Uuid;

/// The connector sent with an attachment.
///
/// Initiator names are ours alone: they do not meet those of an iSCSI or NVMe stack of the same node's kernel,
/// so that an array never mixes up what Nova and the image service have attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Unique per service node and the same over restarts.
    pub host: String,
    /// Address of the node, when it is known.
    pub ip: Option<IpAddr>,
    /// iSCSI qualified name.
    pub initiator: String,
    /// NVMe qualified name of the host.
    pub nqn: String,
    /// The node's identity; also NVMe's host id.
    pub uuid: Uuid,
    /// Whether several paths are asked for.
    pub multipath: bool,
    /// Whether a connection of one path is refused where several were asked for; Cinder does not hear of it.
    pub enforce_multipath: bool,
}

impl Connector {
    /// A connector whose names follow from the host's alone.
    #[must_use]
    pub fn new(host: impl Into<String>) -> Self {
        let host = host.into();
        let uuid = Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{host}.scurry.internal").as_bytes());
        Self {
            initiator: format!("iqn.2026-01.internal.scurry:{uuid}"),
            nqn: format!("nqn.2014-08.org.nvmexpress:uuid:{uuid}"),
            ip: None,
            multipath: false,
            enforce_multipath: false,
            host,
            uuid,
        }
    }

    /// The `connector` of the attachments API.
    #[must_use]
    pub fn properties(&self) -> Value {
        let mut properties = json!({
            "host": self.host,
            "initiator": self.initiator,
            "nqn": self.nqn,
            "uuid": self.uuid,
            "system uuid": self.uuid,
            "nvme_hostid": self.uuid,
            "nvme_native_multipath": false,
            "platform": std::env::consts::ARCH,
            "os_type": std::env::consts::OS,
            "multipath": self.multipath,
            "do_local_attach": false,
            "mountpoint": "scurry",
        });
        if let Some(ip) = self.ip {
            properties["ip"] = json!(ip);
        }
        properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_host_and_are_well_formed() {
        let (a, b) = (Connector::new("node-1"), Connector::new("node-2"));
        assert_eq!(a, Connector::new("node-1"));
        assert_ne!(a.initiator, b.initiator);
        let properties = a.properties();
        assert_eq!(properties["host"], "node-1");
        assert!(
            properties["initiator"]
                .as_str()
                .is_some_and(|iqn| iqn.starts_with("iqn.2026-01.internal.scurry:"))
        );
        assert_eq!(properties["nqn"], format!("nqn.2014-08.org.nvmexpress:uuid:{}", a.uuid));
        assert!(properties.get("ip").is_none());
        let with_ip = Connector { ip: Some(IpAddr::from([192, 0, 2, 7])), ..a };
        assert_eq!(with_ip.properties()["ip"], "192.0.2.7");
    }
}
