// SPDX-License-Identifier: Apache-2.0
//! Discovery: which targets are behind a portal (SendTargets, RFC 7143 appendix C).

use crate::{
    Fault, IscsiError, LoginOptions, Portal, Session,
    login::{self, Purpose},
    text::Text,
};

/// A target and the addresses it is reached at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredTarget {
    /// Its iSCSI name.
    pub name: String,
    /// Where it is; the portal that was asked, where the target names none.
    pub portals: Vec<DiscoveredPortal>,
}

/// An address of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredPortal {
    /// The address.
    pub portal: Portal,
    /// The target portal group, where it was told.
    pub group: Option<u16>,
}

/// Asks a portal for its targets.
pub async fn discover(portal: &Portal, options: &LoginOptions) -> Result<Vec<DiscoveredTarget>, IscsiError> {
    let connected = login::log_in_for(portal, Purpose::Discovery, options).await?;
    let session = Session::start(connected, options);
    let mut ask = Text::default();
    ask.put("SendTargets", "All");
    let text = session.text(ask).await?;
    if let Err(error) = session.logout().await {
        tracing::debug!(%error, "logout after iSCSI discovery");
    }
    targets(&text, portal)
        .map_err(|fault| IscsiError::Login { peer: portal.to_string(), source: fault.into() })
}

fn targets(text: &Text, asked: &Portal) -> Result<Vec<DiscoveredTarget>, Fault> {
    let mut targets: Vec<DiscoveredTarget> = Vec::new();
    for (key, value) in text.pairs() {
        match (key, targets.last_mut()) {
            ("TargetName", _) => {
                targets.push(DiscoveredTarget { name: value.to_owned(), portals: Vec::new() });
            }
            ("TargetAddress", Some(target)) => target.portals.push(DiscoveredPortal {
                portal: value.parse().map_err(|_| Fault::Protocol("a target address that is none"))?,
                group: value.rsplit_once(',').and_then(|(_, group)| group.parse().ok()),
            }),
            ("TargetAddress", None) => return Err(Fault::Protocol("an address before its target")),
            _ => {}
        }
    }
    for target in targets.iter_mut().filter(|target| target.portals.is_empty()) {
        target.portals.push(DiscoveredPortal { portal: asked.clone(), group: None });
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_belong_to_the_target_before_them() {
        let text = Text::decode(
            b"TargetName=iqn.a\0TargetAddress=10.0.0.1:3260,1\0TargetAddress=[fe80::1]:3261,2\0TargetName=iqn.b\0",
        );
        let asked: Portal = "192.0.2.1".parse().unwrap();
        let found = targets(&text.unwrap(), &asked).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|target| {
                (target.name.as_str(), target.portals.iter().map(|one| one.portal.to_string()).collect())
            })
            .collect();
        let second: Vec<String> = vec!["192.0.2.1:3260".into()];
        assert_eq!(
            shown,
            [("iqn.a", vec!["10.0.0.1:3260".to_owned(), "[fe80::1]:3261".to_owned()]), ("iqn.b", second)]
        );
        assert_eq!(found[0].portals[1].group, Some(2));
        assert!(targets(&Text::decode(b"TargetAddress=10.0.0.1\0").unwrap(), &asked).is_err());
    }
}
