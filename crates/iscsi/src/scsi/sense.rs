// SPDX-License-Identifier: Apache-2.0
//! Sense data: why a command ended with CHECK CONDITION (SPC-4 4.5).

use std::fmt;

use super::bytes::{u8_at, u32_at, u64_at};

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenseKey {
    /// Nothing is wrong.
    NoSense,
    /// It went well in the end.
    RecoveredError,
    /// Not now.
    NotReady,
    /// The data cannot be read or written.
    MediumError,
    /// The device is broken.
    HardwareError,
    /// The command or one of its fields is not accepted.
    IllegalRequest,
    /// Something has changed; said once, instead of carrying out the next command.
    UnitAttention,
    /// Reading or writing is forbidden there.
    DataProtect,
    /// The target gave the command up; it may be sent again.
    AbortedCommand,
    /// A write reached the end of the medium.
    VolumeOverflow,
    /// A comparison failed.
    Miscompare,
    /// It is completed, with something to tell.
    Completed,
    /// Any other.
    Other(u8),
}

impl From<u8> for SenseKey {
    fn from(key: u8) -> Self {
        match key {
            0x0 => Self::NoSense,
            0x1 => Self::RecoveredError,
            0x2 => Self::NotReady,
            0x3 => Self::MediumError,
            0x4 => Self::HardwareError,
            0x5 => Self::IllegalRequest,
            0x6 => Self::UnitAttention,
            0x7 => Self::DataProtect,
            0xb => Self::AbortedCommand,
            0xd => Self::VolumeOverflow,
            0xe => Self::Miscompare,
            0xf => Self::Completed,
            other => Self::Other(other),
        }
    }
}

/// Decoded sense data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sense {
    /// The kind.
    pub key: SenseKey,
    /// Additional sense code.
    pub asc: u8,
    /// Its qualifier.
    pub ascq: u8,
    /// INFORMATION, when it is valid: for a medium error the first bad block.
    pub information: Option<u64>,
    /// It is about an earlier command.
    pub deferred: bool,
}

impl Sense {
    /// Reads the fixed (0x70, 0x71) and the descriptor format (0x72, 0x73); `None` for anything else.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let code = u8_at(data, 0)?;
        let deferred = code & 1 == 1;
        match code & 0x7f {
            0x70 | 0x71 => Some(Self {
                key: (u8_at(data, 2)? & 0xf).into(),
                asc: u8_at(data, 12).unwrap_or(0),
                ascq: u8_at(data, 13).unwrap_or(0),
                information: u32_at(data, 3).filter(|_| code & 0x80 != 0).map(u64::from),
                deferred,
            }),
            0x72 | 0x73 => Some(Self {
                key: (u8_at(data, 1)? & 0xf).into(),
                asc: u8_at(data, 2).unwrap_or(0),
                ascq: u8_at(data, 3).unwrap_or(0),
                information: information(data.get(8..).unwrap_or_default()),
                deferred,
            }),
            _ => None,
        }
    }
}

/// INFORMATION of a list of sense descriptors.
fn information(mut descriptors: &[u8]) -> Option<u64> {
    while let [kind, length, rest @ ..] = descriptors {
        let body = rest.get(..usize::from(*length))?;
        if *kind == 0 && u8_at(body, 0)? & 0x80 != 0 {
            return u64_at(body, 2);
        }
        descriptors = &rest[body.len()..];
    }
    None
}

impl fmt::Display for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self.key {
            SenseKey::NoSense => "no sense",
            SenseKey::RecoveredError => "recovered error",
            SenseKey::NotReady => "not ready",
            SenseKey::MediumError => "medium error",
            SenseKey::HardwareError => "hardware error",
            SenseKey::IllegalRequest => "illegal request",
            SenseKey::UnitAttention => "unit attention",
            SenseKey::DataProtect => "data protect",
            SenseKey::AbortedCommand => "aborted command",
            SenseKey::VolumeOverflow => "volume overflow",
            SenseKey::Miscompare => "miscompare",
            SenseKey::Completed => "completed",
            SenseKey::Other(_) => "vendor's sense",
        };
        write!(f, "{key}, asc {:02x}/{:02x}", self.asc, self.ascq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_say_the_same() {
        let mut fixed = [0_u8; 18];
        fixed[0] = 0xf0;
        fixed[2] = 0x63;
        fixed[3..7].copy_from_slice(&77_u32.to_be_bytes());
        (fixed[12], fixed[13]) = (0x11, 0x04);
        let descriptor =
            [0x72, 0x03, 0x11, 0x04, 0, 0, 0, 16, 2, 2, 0, 0, 0, 0x0a, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 77];
        let sense = Sense::parse(&fixed).unwrap();
        assert_eq!(sense.key, SenseKey::MediumError);
        assert_eq!(sense.information, Some(77));
        assert_eq!(Sense::parse(&descriptor), Some(sense));
        assert_eq!(sense.to_string(), "medium error, asc 11/04");
        fixed[0] = 0x71;
        let sense = Sense::parse(&fixed).unwrap();
        assert_eq!((sense.information, sense.deferred), (None, true));
    }

    #[test]
    fn what_is_short_or_strange_is_no_panic() {
        assert_eq!(Sense::parse(&[]), None);
        assert_eq!(Sense::parse(&[0x70, 0]), None);
        assert_eq!(Sense::parse(&[0x00; 18]), None);
        let short = Sense::parse(&[0x70, 0, 0x05]).unwrap();
        assert_eq!((short.key, short.asc), (SenseKey::IllegalRequest, 0));
        assert_eq!(Sense::parse(&[0x72, 3, 0x11, 0, 0, 0, 0, 9, 0, 200, 0x80]).unwrap().information, None);
    }
}
