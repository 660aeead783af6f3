// SPDX-License-Identifier: Apache-2.0
//! The operational stage: sizes, digests, and who may send first (RFC 7143 13).

use std::ops::RangeInclusive;

use super::{
    Purpose,
    exchange::{Exchange, Stop},
};
use crate::{Digest, Fault, LoginOptions, pdu::request::Stage, text::Text};

/// Bytes that the protocol lets sizes be.
const SIZES: RangeInclusive<u32> = 512..=(1 << 24) - 1;
/// Rounds of questions the target may have of its own.
const MAX_ROUNDS: usize = 16;

/// What both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) header_digest: bool,
    pub(crate) data_digest: bool,
    /// Data beyond the command's own PDU waits until it is asked for.
    pub(crate) initial_r2t: bool,
    /// A command's PDU may carry data.
    pub(crate) immediate_data: bool,
    /// Bytes of data the target takes in one PDU.
    pub(crate) max_segment: u32,
    pub(crate) max_burst: u32,
    pub(crate) first_burst: u32,
    pub(crate) max_outstanding_r2t: u16,
}

/// Agrees on terms and ends the login phase.
pub(super) async fn agree(
    exchange: &mut Exchange,
    stage: Stage,
    purpose: Purpose<'_>,
    options: &LoginOptions,
) -> Result<Terms, Stop> {
    let mut agreed = Text::default();
    let offer = offer(purpose, options);
    let mut keys = offer.clone();
    for _ in 0..MAX_ROUNDS {
        let answer = exchange.ask(&keys, stage, Some(Stage::FullFeature)).await?;
        keys = replies(&answer.keys, &offer);
        agreed.extend(answer.keys)?;
        if answer.next.is_some() {
            // A question that is still open is one of a key we do not know: its default holds.
            return Ok(terms(&agreed, options)?);
        }
    }
    Err(Fault::Protocol("a negotiation without an end").into())
}

/// Sizes that the options wish, as the protocol allows them.
fn size(wish: u32) -> u32 {
    wish.clamp(*SIZES.start(), *SIZES.end())
}

fn offer(purpose: Purpose<'_>, options: &LoginOptions) -> Text {
    let mut keys = Text::default();
    keys.put("HeaderDigest", digest_offer(options.header_digest));
    keys.put("DataDigest", digest_offer(options.data_digest));
    keys.put("MaxRecvDataSegmentLength", size(options.max_receive).to_string());
    keys.put("DefaultTime2Wait", "2");
    keys.put("DefaultTime2Retain", "0");
    keys.put("ErrorRecoveryLevel", "0");
    if let Purpose::Normal { .. } = purpose {
        keys.put("InitialR2T", "No");
        keys.put("ImmediateData", "Yes");
        keys.put("MaxBurstLength", size(options.max_burst).to_string());
        keys.put("FirstBurstLength", size(options.first_burst.min(options.max_burst)).to_string());
        keys.put("MaxOutstandingR2T", options.max_outstanding_r2t.max(1).to_string());
        keys.put("MaxConnections", "1");
        keys.put("DataPDUInOrder", "Yes");
        keys.put("DataSequenceInOrder", "Yes");
    }
    keys
}

const fn digest_offer(digest: Digest) -> &'static str {
    match digest {
        Digest::Accepted => "None,CRC32C",
        Digest::Offered => "CRC32C,None",
        Digest::Required => "CRC32C",
        Digest::Never => "None",
    }
}

/// What we say to keys that the target brought up by itself.
fn replies(asked: &Text, offer: &Text) -> Text {
    const DECLARED: [&str; 4] =
        ["TargetAlias", "TargetAddress", "TargetPortalGroupTag", "MaxRecvDataSegmentLength"];
    let mut keys = Text::default();
    for (key, value) in asked.pairs() {
        let answered = matches!(value, "NotUnderstood" | "Reject" | "Irrelevant");
        if offer.get(key).is_none() && !DECLARED.contains(&key) && !answered {
            keys.put(key, "NotUnderstood");
        }
    }
    keys
}

/// What follows from the target's answers. A key it did not answer has the protocol's default, or the safer value.
fn terms(agreed: &Text, options: &LoginOptions) -> Result<Terms, Fault> {
    let burst = |key: &str, wish: u32, default: u32| match number(agreed, key, &SIZES)? {
        Some(value) => Ok::<_, Fault>(value.min(size(wish))),
        None => Ok(default.min(size(wish))),
    };
    let max_burst = burst("MaxBurstLength", options.max_burst, 256 << 10)?;
    let first_burst = burst("FirstBurstLength", options.first_burst, 64 << 10)?.min(max_burst);
    let r2t = number(agreed, "MaxOutstandingR2T", &(1..=65535))?.unwrap_or(1);
    if number(agreed, "ErrorRecoveryLevel", &(0..=2))?.unwrap_or(0) != 0 {
        return Err(Fault::Protocol("an error recovery level that was not offered"));
    }
    Ok(Terms {
        header_digest: digest(agreed, "HeaderDigest", options.header_digest)?,
        data_digest: digest(agreed, "DataDigest", options.data_digest)?,
        initial_r2t: flag(agreed, "InitialR2T")?.unwrap_or(true),
        immediate_data: flag(agreed, "ImmediateData")?.unwrap_or(false),
        max_segment: number(agreed, "MaxRecvDataSegmentLength", &SIZES)?.unwrap_or(8192),
        max_burst,
        first_burst,
        max_outstanding_r2t: r2t.min(u32::from(options.max_outstanding_r2t.max(1))) as u16,
    })
}

/// An answer that says something; refusals leave the default.
fn answer<'a>(agreed: &'a Text, key: &str) -> Option<&'a str> {
    agreed.get(key).filter(|value| !matches!(*value, "Irrelevant" | "Reject" | "NotUnderstood"))
}

fn number(agreed: &Text, key: &str, allowed: &RangeInclusive<u32>) -> Result<Option<u32>, Fault> {
    let Some(value) = answer(agreed, key) else { return Ok(None) };
    let parsed = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => value.parse(),
    };
    match parsed {
        Ok(number) if allowed.contains(&number) => Ok(Some(number)),
        _ => Err(Fault::Terms(format!("the target answered {key} with a number that is not allowed"))),
    }
}

fn flag(agreed: &Text, key: &str) -> Result<Option<bool>, Fault> {
    match answer(agreed, key) {
        None => Ok(None),
        Some("Yes") => Ok(Some(true)),
        Some("No") => Ok(Some(false)),
        Some(_) => Err(Fault::Terms(format!("the target answered {key} with neither Yes nor No"))),
    }
}

fn digest(agreed: &Text, key: &str, wish: Digest) -> Result<bool, Fault> {
    match (answer(agreed, key), wish) {
        (Some("CRC32C"), Digest::Never) | (None | Some("None"), Digest::Required) => {
            Err(Fault::Terms(format!("the target's {key} is not the one required")))
        }
        (Some("CRC32C"), _) => Ok(true),
        (None | Some("None"), _) => Ok(false),
        (Some(_), _) => {
            Err(Fault::Terms(format!("the target answered {key} with a digest that was not offered")))
        }
    }
}

#[cfg(test)]
mod tests;
