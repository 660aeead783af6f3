// SPDX-License-Identifier: Apache-2.0
//! CHAP (RFC 1994, RFC 7143 12.1.3): challenges, responses, and their comparison.

use subtle::ConstantTimeEq as _;

use crate::{ChapAlgorithm, Secret};

/// The longest challenge we take.
pub(super) const MAX_CHALLENGE: usize = 1024;
/// Bytes of a challenge of ours.
const CHALLENGE: usize = 32;

impl ChapAlgorithm {
    /// IANA's number.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Md5 => 5,
            Self::Sha1 => 6,
            Self::Sha256 => 7,
        }
    }

    fn digest(self, parts: [&[u8]; 3]) -> Vec<u8> {
        match self {
            Self::Md5 => over::<md5::Md5>(parts),
            Self::Sha1 => over::<sha1::Sha1>(parts),
            Self::Sha256 => over::<sha2::Sha256>(parts),
        }
    }
}

fn over<D: md5::Digest>(parts: [&[u8]; 3]) -> Vec<u8> {
    let mut digest = D::new();
    parts.into_iter().for_each(|part| digest.update(part));
    digest.finalize().to_vec()
}

/// Proof of a secret for a challenge.
pub(super) fn response(algorithm: ChapAlgorithm, id: u8, secret: &Secret, challenge: &[u8]) -> Vec<u8> {
    algorithm.digest([&[id], secret.expose(), challenge])
}

/// A challenge of ours.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) id: u8,
    pub(super) bytes: [u8; CHALLENGE],
}

impl Challenge {
    pub(super) fn random() -> Self {
        Self { id: rand::random(), bytes: rand::random() }
    }

    /// Whether this is the proof, compared in constant time.
    pub(super) fn is_answered_by(&self, proof: &[u8], algorithm: ChapAlgorithm, secret: &Secret) -> bool {
        response(algorithm, self.id, secret, &self.bytes).ct_eq(proof).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_digests_of_id_secret_and_challenge() {
        let secret = Secret::from("abc");
        let hex = |bytes: Vec<u8>| crate::text::from_binary(&bytes);
        // printf 'xabcyz' | md5sum, sha1sum, sha256sum
        let of = |algorithm| hex(response(algorithm, b'x', &secret, b"yz"));
        assert_eq!(of(ChapAlgorithm::Md5), MD5);
        assert_eq!(of(ChapAlgorithm::Sha1), SHA1);
        assert_eq!(of(ChapAlgorithm::Sha256), SHA256);
    }

    #[test]
    fn only_the_right_proof_answers() {
        let challenge = Challenge::random();
        let secret = Secret::from("abc");
        let proof = response(ChapAlgorithm::Sha256, challenge.id, &secret, &challenge.bytes);
        assert!(challenge.is_answered_by(&proof, ChapAlgorithm::Sha256, &secret));
        assert!(!challenge.is_answered_by(&proof[1..], ChapAlgorithm::Sha256, &secret));
        assert!(!challenge.is_answered_by(&proof, ChapAlgorithm::Sha256, &Secret::from("abd")));
        assert!(!challenge.is_answered_by(&proof, ChapAlgorithm::Md5, &secret));
    }
    const MD5: &str = "0xfaf401b1ac2c37160fbaea285b82cc5e";
    const SHA1: &str = "0x270e93040c161749dc5871a20f4d3cc54fd2d993";
    const SHA256: &str = "0x8f2c2891f587e827837f9cb24be6af1339b11cd8b0237626dd32aa579b47654f";
}
