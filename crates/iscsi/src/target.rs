// SPDX-License-Identifier: Apache-2.0
//! Whom to log in to, as whom, and with which bounds.

use std::{fmt, str::FromStr, time::Duration};

use crate::Secret;

/// The port that IANA gave to iSCSI.
const DEFAULT_PORT: u16 = 3260;

/// A TCP address of a target: `host`, `host:port`, `[v6]:port`, each with an ignored `,group` behind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Portal {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A text that is no portal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no portal: host:port was expected")]
pub struct AddressError(String);

impl FromStr for Portal {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fault = || AddressError(text.chars().take(255).collect());
        let address = text.split_once(',').map_or(text, |(address, _group)| address);
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']').ok_or_else(fault)?;
                match behind.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if behind.is_empty() => (host, None),
                    None => return Err(fault()),
                }
            }
            None => match address.split_once(':') {
                Some((_, port)) if port.contains(':') => (address, None),
                Some((host, port)) => (host, Some(port)),
                None => (address, None),
            },
        };
        let port = port.map_or(Ok(DEFAULT_PORT), |port| port.parse().map_err(|_| fault()))?;
        if host.is_empty() || host.len() > 255 || host.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(fault());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A target behind one portal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it is reached.
    pub portal: Portal,
    /// Its iSCSI name (`iqn.…`).
    pub name: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.portal)
    }
}

/// What one side proves to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChapCredentials {
    /// CHAP name.
    pub name: String,
    /// CHAP secret.
    pub secret: Secret,
}

/// A digest CHAP may be answered with (IANA's numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChapAlgorithm {
    /// 5
    Md5,
    /// 6
    Sha1,
    /// 7
    Sha256,
}

/// Whether PDUs carry CRC-32C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Digest {
    /// None asked for; taken when the target insists.
    #[default]
    Accepted,
    /// Asked for, taken without when the target has none.
    Offered,
    /// A target without is refused.
    Required,
    /// A target that insists is refused.
    Never,
}

/// How to log in, and the bounds of everything that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginOptions {
    /// Our iSCSI name.
    pub initiator: String,
    /// What we prove to the target; `None` where it asks for nothing.
    pub chap: Option<ChapCredentials>,
    /// What the target has to prove to us; needs `chap`, and a secret other than ours.
    pub target_chap: Option<ChapCredentials>,
    /// CHAP digests, the preferred one first. MD5 comes first: old targets (tgt) use number 7 for something else.
    pub chap_algorithms: Vec<ChapAlgorithm>,
    /// CRC-32C of headers.
    pub header_digest: Digest,
    /// CRC-32C of data.
    pub data_digest: Digest,
    /// The initiator's part of the session's name: two sessions to one target need two; the same again ends the old one.
    pub isid: Option<[u8; 6]>,
    /// Bytes of data we take in one PDU.
    pub max_receive: u32,
    /// Bytes of one burst, wished; the target's smaller wish wins.
    pub max_burst: u32,
    /// Bytes sent before the target asks, wished.
    pub first_burst: u32,
    /// Bursts of one command the target may ask for at once, wished.
    pub max_outstanding_r2t: u16,
    /// Commands in flight, whatever the target's window says.
    pub max_commands: u16,
    /// Redirections followed during one login.
    pub max_redirects: u8,
    /// For the TCP connection.
    pub connect_timeout: Duration,
    /// For the login from its first to its last PDU.
    pub login_timeout: Duration,
    /// For one command, from its sending to its status.
    pub command_timeout: Duration,
    /// For each task management function, ping, text or logout. A command that is late is aborted; where that fails its
    /// logical unit is reset; where that fails the session ends.
    pub management_timeout: Duration,
    /// Silence after which the target is pinged.
    pub ping_interval: Duration,
    /// Silence after the ping after which the connection counts as lost.
    pub ping_timeout: Duration,
}

impl LoginOptions {
    /// The defaults for an initiator of this name.
    pub fn new(initiator: impl Into<String>) -> Self {
        Self {
            initiator: initiator.into(),
            chap: None,
            target_chap: None,
            chap_algorithms: vec![ChapAlgorithm::Md5, ChapAlgorithm::Sha256, ChapAlgorithm::Sha1],
            header_digest: Digest::default(),
            data_digest: Digest::default(),
            isid: None,
            max_receive: 1 << 20,
            max_burst: (16 << 20) - 1024,
            first_burst: (16 << 20) - 1024,
            max_outstanding_r2t: 16,
            max_commands: 128,
            max_redirects: 4,
            connect_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(60),
            management_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portals_are_read_and_shown() {
        let shown = |text: &str| text.parse::<Portal>().map(|portal| portal.to_string());
        assert_eq!(shown("10.0.0.1:3261,1").unwrap(), "10.0.0.1:3261");
        assert_eq!(shown("array.example").unwrap(), "array.example:3260");
        assert_eq!(shown("[fe80::1]:99").unwrap(), "[fe80::1]:99");
        assert_eq!(shown("[::1]").unwrap(), "[::1]:3260");
        assert_eq!(shown("fe80::1").unwrap(), "[fe80::1]:3260");
        for bad in ["", ":3260", "a:b", "a:70000", "[::1", "[::1]x", "a b:1", "a\n"] {
            assert!(shown(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let mut options = LoginOptions::new("iqn.2026-01.test:i");
        options.chap = Some(ChapCredentials { name: "me".into(), secret: "swordfish".into() });
        assert!(!format!("{options:?}").contains("swordfish"));
    }
}
