// SPDX-License-Identifier: Apache-2.0
//! One running hash whose state can be kept and gone on from.

use scurry_types::HashAlgorithm;
use sha1::Sha1;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use self::md5::Md5;

mod md5;

/// A hash being computed.
#[derive(Debug)]
pub(crate) enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// Does the same with whichever hash it is.
macro_rules! each {
    ($hasher:expr, $hash:ident => $what:expr) => {
        match $hasher {
            Hasher::Md5($hash) => $what,
            Hasher::Sha1($hash) => $what,
            Hasher::Sha224($hash) => $what,
            Hasher::Sha256($hash) => $what,
            Hasher::Sha384($hash) => $what,
            Hasher::Sha512($hash) => $what,
        }
    };
}

impl Hasher {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Md5 => Self::Md5(Md5::new()),
            HashAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            HashAlgorithm::Sha224 => Self::Sha224(Sha224::new()),
            HashAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            HashAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
            HashAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        each!(self, hash => hash.update(data));
    }

    /// The digest of all that was fed, hexadecimal.
    pub(crate) fn value(self) -> String {
        each!(self, hash => hex(&hash.finalize()))
    }

    /// All it takes to go on.
    pub(crate) fn save(&self) -> Vec<u8> {
        match self {
            Self::Md5(hash) => hash.save(),
            Self::Sha1(hash) => hash.serialize().to_vec(),
            Self::Sha224(hash) => hash.serialize().to_vec(),
            Self::Sha256(hash) => hash.serialize().to_vec(),
            Self::Sha384(hash) => hash.serialize().to_vec(),
            Self::Sha512(hash) => hash.serialize().to_vec(),
        }
    }

    /// Goes on from what [`Self::save`] gave; `None` when it did not.
    pub(crate) fn restore(algorithm: HashAlgorithm, state: &[u8]) -> Option<Self> {
        Some(match algorithm {
            HashAlgorithm::Md5 => Self::Md5(Md5::restore(state)?),
            HashAlgorithm::Sha1 => Self::Sha1(restored(state)?),
            HashAlgorithm::Sha224 => Self::Sha224(restored(state)?),
            HashAlgorithm::Sha256 => Self::Sha256(restored(state)?),
            HashAlgorithm::Sha384 => Self::Sha384(restored(state)?),
            HashAlgorithm::Sha512 => Self::Sha512(restored(state)?),
        })
    }
}

fn restored<H: SerializableState>(state: &[u8]) -> Option<H> {
    let state = <&SerializedState<H>>::try_from(state).ok()?;
    H::deserialize(state).ok()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [HashAlgorithm; 6] = [
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha224,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];

    #[test]
    fn a_state_is_gone_on_from_wherever_it_was_kept() {
        let data: Vec<_> = (0..1000_u32).map(|n| (n * 7 % 251) as u8).collect();
        for algorithm in ALL {
            let mut whole = Hasher::new(algorithm);
            whole.update(&data);
            let whole = whole.value();
            for cut in [0, 1, 55, 56, 63, 64, 65, 127, 128, 129, 500, 1000] {
                let mut hash = Hasher::new(algorithm);
                hash.update(&data[..cut]);
                let mut hash = Hasher::restore(algorithm, &hash.save()).unwrap();
                hash.update(&data[cut..]);
                assert_eq!(hash.value(), whole, "{algorithm} at {cut}");
            }
        }
    }

    #[test]
    fn other_bytes_are_no_state() {
        for algorithm in ALL {
            let mut state = Hasher::new(algorithm).save();
            state.push(0);
            assert!(Hasher::restore(algorithm, &state).is_none());
            assert!(Hasher::restore(algorithm, &[]).is_none());
            assert!(Hasher::restore(algorithm, &vec![0xff; state.len() - 1]).is_none(), "{algorithm}");
        }
    }
}
