// SPDX-License-Identifier: Apache-2.0
//! The login phase: connect, prove who we are, agree on terms, follow redirections.

mod chap;
mod exchange;
mod negotiate;
mod security;

use std::sync::Arc;

use tokio::{
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::timeout,
};

use self::exchange::{Exchange, Stop};
use crate::{Fault, IscsiError, LoginFailure, LoginOptions, Portal, Target, text::Text, wire::Incoming};
pub(crate) use negotiate::Terms;

/// A connection in its full feature phase.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) incoming: Incoming<OwnedReadHalf>,
    pub(crate) outgoing: OwnedWriteHalf,
    pub(crate) terms: Terms,
    /// Target and portal for messages; the portal is the one redirections ended at.
    pub(crate) peer: String,
    pub(crate) cmd_sn: u32,
    pub(crate) max_cmd_sn: u32,
    pub(crate) exp_stat_sn: u32,
}

/// What a session is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    Discovery,
    Normal { target: &'a str },
}

/// A fresh initiator's part of a session's name, of the random kind (RFC 7143 11.12.5).
pub(crate) fn random_isid() -> [u8; 6] {
    let mut isid: [u8; 6] = rand::random();
    isid[0] = 0x80;
    isid
}

/// Logs in to a target.
pub(crate) async fn log_in(target: &Target, options: &LoginOptions) -> Result<Connected, IscsiError> {
    log_in_for(&target.portal, Purpose::Normal { target: &target.name }, options).await
}

/// Logs in for either purpose.
pub(crate) async fn log_in_for(
    portal: &Portal,
    purpose: Purpose<'_>,
    options: &LoginOptions,
) -> Result<Connected, IscsiError> {
    check(purpose, options)?;
    let mut portal = portal.clone();
    for _ in 0..=options.max_redirects {
        let peer = match purpose {
            Purpose::Discovery => portal.to_string(),
            Purpose::Normal { target } => format!("{target} at {portal}"),
        };
        let stream = connect(&portal, options).await?;
        let attempt = timeout(options.login_timeout, phases(stream, purpose, options, &peer)).await;
        let stop = match attempt {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(stop)) => stop,
            Err(_) => Stop::Fault(Fault::Timeout(options.login_timeout)),
        };
        match stop {
            Stop::Redirected(to) => {
                tracing::debug!(%peer, %to, "iSCSI login redirected");
                portal = to;
            }
            Stop::Refused(failure) => return Err(IscsiError::LoginRefused { peer, failure }),
            Stop::NotAuthentic(why) => return Err(IscsiError::TargetNotAuthentic { peer, why }),
            Stop::Fault(fault) => return Err(IscsiError::Login { peer, source: Arc::new(fault) }),
        }
    }
    let failure = LoginFailure { class: 1, detail: 1 };
    Err(IscsiError::LoginRefused { peer: portal.to_string(), failure })
}

/// Refuses what would make a login unsafe or impossible before anything is sent.
fn check(purpose: Purpose<'_>, options: &LoginOptions) -> Result<(), IscsiError> {
    let invalid = |text: &str| Err(IscsiError::Invalid(text.to_owned()));
    let name_ok = |name: &str| {
        !name.is_empty() && name.len() <= 223 && !name.contains(|c: char| c.is_control() || c.is_whitespace())
    };
    if !name_ok(&options.initiator) {
        return invalid(
            "the initiator's iSCSI name is empty, too long or has characters that are not allowed",
        );
    }
    if let Purpose::Normal { target } = purpose
        && !name_ok(target)
    {
        return invalid("the target's iSCSI name is empty, too long or has characters that are not allowed");
    }
    for credentials in options.chap.iter().chain(&options.target_chap) {
        if credentials.name.contains('\0') || credentials.secret.expose().is_empty() {
            return invalid("CHAP needs a secret, and a name without zero bytes");
        }
    }
    match (&options.chap, &options.target_chap) {
        (None, Some(_)) => invalid("mutual CHAP needs credentials for both directions"),
        (Some(ours), Some(theirs)) if ours.secret == theirs.secret => {
            invalid("mutual CHAP needs two different secrets")
        }
        (Some(_), _) if options.chap_algorithms.is_empty() => invalid("CHAP without an algorithm"),
        _ => Ok(()),
    }
}

async fn connect(portal: &Portal, options: &LoginOptions) -> Result<TcpStream, IscsiError> {
    let connecting = TcpStream::connect((portal.host.as_str(), portal.port));
    let stream = match timeout(options.connect_timeout, connecting).await {
        Ok(stream) => stream,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    stream
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|source| IscsiError::Connect { peer: portal.to_string(), source })
}

async fn phases(
    stream: TcpStream,
    purpose: Purpose<'_>,
    options: &LoginOptions,
    peer: &str,
) -> Result<Connected, Stop> {
    let mut exchange = Exchange::new(stream, options.isid.unwrap_or_else(random_isid));
    let stage = security::prove(&mut exchange, first_keys(purpose, options), options).await?;
    let terms = negotiate::agree(&mut exchange, stage, purpose, options).await?;
    Ok(exchange.finish(terms, options, peer))
}

fn first_keys(purpose: Purpose<'_>, options: &LoginOptions) -> Text {
    let mut keys = Text::default();
    keys.put("InitiatorName", &options.initiator);
    match purpose {
        Purpose::Discovery => keys.put("SessionType", "Discovery"),
        Purpose::Normal { target } => {
            keys.put("SessionType", "Normal");
            keys.put("TargetName", target);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChapCredentials;

    #[test]
    fn options_that_cannot_work_are_refused() {
        let normal = Purpose::Normal { target: "iqn.2026-01.test:t" };
        let good = LoginOptions::new("iqn.2026-01.test:i");
        assert!(check(normal, &good).is_ok());
        assert!(check(Purpose::Normal { target: "a\0b" }, &good).is_err());
        assert!(check(normal, &LoginOptions::new("")).is_err());
        let who = |secret: &str| Some(ChapCredentials { name: "me".into(), secret: secret.into() });
        let same = LoginOptions { chap: who("s"), target_chap: who("s"), ..good.clone() };
        assert!(check(normal, &same).is_err());
        let one_way_round = LoginOptions { target_chap: who("s"), ..good.clone() };
        assert!(check(normal, &one_way_round).is_err());
        let mutual = LoginOptions { chap: who("a"), target_chap: who("b"), ..good };
        assert!(check(normal, &mutual).is_ok());
    }
}
