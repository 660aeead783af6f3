// SPDX-License-Identifier: Apache-2.0
//! Logical unit numbers as SAM writes them into eight bytes.

use std::fmt;

/// The eight bytes by which a command names its logical unit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Lun([u8; 8]);

/// How a number becomes the eight bytes; the names are those of Cinder's `addressing_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Addressing {
    /// The number is what Linux prints: its 16-bit words are the LUN's levels.
    #[default]
    Transparent,
    /// Peripheral device addressing; the number is taken like `Transparent`.
    Sam,
    /// Peripheral up to 255, flat space above.
    Sam2,
    /// Flat space for every number.
    Sam3Flat,
}

/// A number that its addressing mode cannot express.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("LUN {number} cannot be written with {addressing:?} addressing")]
pub struct LunError {
    number: u64,
    addressing: Addressing,
}

/// Flat space addressing: two bits of method, fourteen of number (SAM-5 4.7.7.3).
const FLAT: u16 = 0x4000;

impl Lun {
    /// The LUN of these bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The LUN of a number that Cinder gives as `target_lun`.
    pub fn from_number(number: u64, addressing: Addressing) -> Result<Self, LunError> {
        let flat = match addressing {
            Addressing::Transparent | Addressing::Sam => false,
            Addressing::Sam2 => number > 255,
            Addressing::Sam3Flat => true,
        };
        if !flat {
            return Ok(Self::from_words(number));
        }
        match u16::try_from(number) {
            Ok(short) if short < FLAT => Ok(Self::from_words(u64::from(FLAT | short))),
            _ => Err(LunError { number, addressing }),
        }
    }

    fn from_words(number: u64) -> Self {
        let mut bytes = [0; 8];
        for (level, word) in bytes.chunks_exact_mut(2).enumerate() {
            word.copy_from_slice(&((number >> (16 * level)) as u16).to_be_bytes());
        }
        Self(bytes)
    }

    /// The eight bytes.
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for Lun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.0[0] >> 6;
        if method <= 1 && self.0[2..] == [0; 6] {
            let number = u16::from_be_bytes([self.0[0] & 0x3f, self.0[1]]);
            return write!(f, "{number}");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Lun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lun({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_bytes_of_their_mode() {
        let lun = |number, mode| Lun::from_number(number, mode).unwrap().bytes();
        assert_eq!(lun(1, Addressing::Transparent), [0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(lun(255, Addressing::Sam2), [0, 255, 0, 0, 0, 0, 0, 0]);
        assert_eq!(lun(256, Addressing::Sam2), [0x41, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(lun(1, Addressing::Sam3Flat), [0x40, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(lun(0x4100, Addressing::Transparent), [0x41, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(lun(0x0002_0001, Addressing::Transparent), [0, 1, 0, 2, 0, 0, 0, 0]);
        assert!(Lun::from_number(16384, Addressing::Sam2).is_err());
    }

    #[test]
    fn shown_as_its_number() {
        assert_eq!(Lun::from_number(300, Addressing::Sam2).unwrap().to_string(), "300");
        assert_eq!(Lun::from_bytes([0xc2, 0, 0, 1, 0, 0, 0, 0]).to_string(), "c200000100000000");
    }
}
