// SPDX-License-Identifier: Apache-2.0
//! One running hash whose state can be kept and gone on from.

use scurry_types::HashAlgorithm;
use sha1::Sha1;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha224, Sha256, Sha384};

use crate::blockwise::{Blockwise, Core, Lanes};
use crate::md5::{self, Md5};
use crate::sha512::{self, Sha512};

/// A hash being computed.
#[derive(Debug, Clone)]
pub struct Hasher(Hash);

#[derive(Debug, Clone)]
enum Hash {
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
            Hash::Md5($hash) => $what,
            Hash::Sha1($hash) => $what,
            Hash::Sha224($hash) => $what,
            Hash::Sha256($hash) => $what,
            Hash::Sha384($hash) => $what,
            Hash::Sha512($hash) => $what,
        }
    };
}

impl Hasher {
    /// Nothing is fed yet.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self(match algorithm {
            HashAlgorithm::Md5 => Hash::Md5(Md5::new()),
            HashAlgorithm::Sha1 => Hash::Sha1(Sha1::new()),
            HashAlgorithm::Sha224 => Hash::Sha224(Sha224::new()),
            HashAlgorithm::Sha256 => Hash::Sha256(Sha256::new()),
            HashAlgorithm::Sha384 => Hash::Sha384(Sha384::new()),
            HashAlgorithm::Sha512 => Hash::Sha512(Sha512::new()),
        })
    }

    /// Feeds the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        each!(&mut self.0, hash => hash.update(data));
    }

    /// Whether and how many streams of an algorithm are hashed quicker side by side on this machine.
    #[must_use]
    pub fn lanes(algorithm: HashAlgorithm) -> Option<Lanes> {
        match algorithm {
            HashAlgorithm::Md5 => md5::State::lanes(),
            HashAlgorithm::Sha512 => sha512::State::lanes(),
            _ => None,
        }
    }

    /// Feeds each stream its next bytes; those of one algorithm side by side as far as they are equally long.
    pub fn update_together(streams: &mut [(&mut Self, &[u8])]) {
        let (mut md5, mut sha512) = (Vec::new(), Vec::new());
        for (hasher, data) in streams {
            match &mut hasher.0 {
                Hash::Md5(hash) => md5.push((hash, *data)),
                Hash::Sha512(hash) => sha512.push((hash, *data)),
                other => each!(other, hash => hash.update(data)),
            }
        }
        beside(&mut md5);
        beside(&mut sha512);
    }

    /// The digest of all that was fed, hexadecimal.
    #[must_use]
    pub fn value(self) -> String {
        each!(self.0, hash => hex(&hash.finalize()))
    }

    /// All it takes to go on.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        match &self.0 {
            Hash::Md5(hash) => hash.save(),
            Hash::Sha1(hash) => hash.serialize().to_vec(),
            Hash::Sha224(hash) => hash.serialize().to_vec(),
            Hash::Sha256(hash) => hash.serialize().to_vec(),
            Hash::Sha384(hash) => hash.serialize().to_vec(),
            Hash::Sha512(hash) => hash.save(),
        }
    }

    /// Goes on from what [`Self::save`] gave; `None` when it did not.
    #[must_use]
    pub fn restore(algorithm: HashAlgorithm, state: &[u8]) -> Option<Self> {
        Some(Self(match algorithm {
            HashAlgorithm::Md5 => Hash::Md5(Md5::restore(state)?),
            HashAlgorithm::Sha1 => Hash::Sha1(restored(state)?),
            HashAlgorithm::Sha224 => Hash::Sha224(restored(state)?),
            HashAlgorithm::Sha256 => Hash::Sha256(restored(state)?),
            HashAlgorithm::Sha384 => Hash::Sha384(restored(state)?),
            HashAlgorithm::Sha512 => Hash::Sha512(Sha512::restore(state)?),
        }))
    }
}

fn beside<C: Core<BLOCK>, const BLOCK: usize>(streams: &mut [(&mut Blockwise<C, BLOCK>, &[u8])]) {
    let Some(lanes) = C::lanes() else { return Blockwise::update_in_turn(streams) };
    for some in streams.chunks_mut(lanes.most) {
        if some.len() < lanes.least {
            Blockwise::update_in_turn(some);
        } else {
            Blockwise::update_together(some);
        }
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
