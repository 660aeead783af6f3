// SPDX-License-Identifier: Apache-2.0
//! The security stage: who we are, and who the target is.

use super::{
    chap::{self, Challenge, MAX_CHALLENGE},
    exchange::{Answer, Exchange, Stop},
};
use crate::{
    ChapAlgorithm, ChapCredentials, Fault, LoginOptions,
    pdu::request::Stage,
    text::{self, Text},
};

/// Goes through the security stage; gives the stage that follows.
pub(super) async fn prove(
    exchange: &mut Exchange,
    mut keys: Text,
    options: &LoginOptions,
) -> Result<Stage, Stop> {
    let Some(ours) = &options.chap else {
        keys.put("AuthMethod", "None");
        let answer = exchange.ask(&keys, Stage::Security, Some(Stage::Operational)).await?;
        return leave(exchange, answer).await;
    };
    // Who must see the target's proof does not offer to do without.
    let mutual = options.target_chap.is_some();
    keys.put("AuthMethod", if mutual { "CHAP" } else { "CHAP,None" });
    let answer = exchange.ask(&keys, Stage::Security, None).await?;
    match answer.keys.get("AuthMethod") {
        Some("CHAP") => {}
        Some("None") if !mutual => {
            tracing::debug!("the iSCSI target asks for no authentication");
            let answer = exchange.ask(&Text::default(), Stage::Security, Some(Stage::Operational)).await?;
            return leave(exchange, answer).await;
        }
        _ if mutual => return Err(Stop::NotAuthentic("it does not offer CHAP")),
        _ => return Err(Fault::Terms("the target knows no authentication method of ours".to_owned()).into()),
    }
    let mut keys = Text::default();
    let numbers: Vec<_> = options.chap_algorithms.iter().map(|one| one.number().to_string()).collect();
    keys.put("CHAP_A", numbers.join(","));
    let answer = exchange.ask(&keys, Stage::Security, None).await?;
    answer_challenge(exchange, &answer.keys, ours, options).await
}

async fn answer_challenge(
    exchange: &mut Exchange,
    asked: &Text,
    ours: &ChapCredentials,
    options: &LoginOptions,
) -> Result<Stage, Stop> {
    let number = asked.get("CHAP_A").ok_or(Fault::Protocol("CHAP without an algorithm"))?;
    let algorithm = options.chap_algorithms.iter().copied().find(|one| one.number().to_string() == number);
    let algorithm = algorithm.ok_or(Fault::Protocol("a CHAP algorithm that was not offered"))?;
    let id = asked.get("CHAP_I").and_then(identifier).ok_or(Fault::Protocol("CHAP without an identifier"))?;
    let challenge = asked.get("CHAP_C").and_then(|value| text::binary(value, MAX_CHALLENGE));
    let challenge = challenge.ok_or(Fault::Protocol("CHAP without a challenge of allowed length"))?;

    let mut keys = Text::default();
    keys.put("CHAP_N", &ours.name);
    keys.put("CHAP_R", text::from_binary(&chap::response(algorithm, id, &ours.secret, &challenge)));
    let counter = options.target_chap.as_ref().map(|theirs| (theirs, Challenge::random()));
    if let Some((_, challenge)) = &counter {
        keys.put("CHAP_I", challenge.id.to_string());
        keys.put("CHAP_C", text::from_binary(&challenge.bytes));
    }
    let answer = exchange.ask(&keys, Stage::Security, Some(Stage::Operational)).await?;
    if let Some((theirs, challenge)) = &counter {
        check_proof(&answer.keys, theirs, challenge, algorithm)?;
    }
    leave(exchange, answer).await
}

/// The target's proof. A target that only reflects what we send cannot have it: the secrets differ, and our challenge
/// is made after its own is known.
fn check_proof(
    keys: &Text,
    theirs: &ChapCredentials,
    challenge: &Challenge,
    algorithm: ChapAlgorithm,
) -> Result<(), Stop> {
    let proof = keys.get("CHAP_R").and_then(|value| text::binary(value, 64));
    let proof = proof.ok_or(Stop::NotAuthentic("it gave no CHAP response"))?;
    if keys.get("CHAP_N") != Some(theirs.name.as_str()) {
        return Err(Stop::NotAuthentic("its CHAP name is another"));
    }
    match challenge.is_answered_by(&proof, algorithm, &theirs.secret) {
        true => Ok(()),
        false => Err(Stop::NotAuthentic("its CHAP response is wrong")),
    }
}

fn identifier(value: &str) -> Option<u8> {
    match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => value.parse().ok(),
    }
}

/// Goes to the next stage, which the target may want to be asked for once more.
async fn leave(exchange: &mut Exchange, mut answer: Answer) -> Result<Stage, Stop> {
    loop {
        if let Some(next) = answer.next {
            return Ok(next);
        }
        answer = exchange.ask(&Text::default(), Stage::Security, Some(Stage::Operational)).await?;
    }
}
