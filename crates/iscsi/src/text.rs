// SPDX-License-Identifier: Apache-2.0
//! Key=value pairs of login and text PDUs (RFC 7143 6).

use bytes::BytesMut;

use crate::Fault;

/// Bytes of one text over all its PDUs that we take from a target.
pub(crate) const MAX_TEXT: usize = 256 << 10;
const MAX_KEY: usize = 63;
/// Pairs of one negotiation.
const MAX_PAIRS: usize = 256;

/// Pairs in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(Vec<(String, String)>);

impl Text {
    /// Reads pairs; SendTargets repeats its keys.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let text = str::from_utf8(bytes).map_err(|_| Fault::Protocol("text that is no UTF-8"))?;
        let mut pairs = Vec::new();
        for pair in text.split('\0').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or(Fault::Protocol("a text without a key"))?;
            if key.is_empty() || key.len() > MAX_KEY {
                return Err(Fault::Protocol("a key of a length that is not allowed"));
            }
            pairs.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self(pairs))
    }

    pub(crate) fn put(&mut self, key: &str, value: impl Into<String>) {
        self.0.push((key.to_owned(), value.into()));
    }

    pub(crate) fn encode(&self) -> BytesMut {
        let mut bytes = BytesMut::new();
        for (key, value) in &self.0 {
            for part in [key.as_bytes(), b"=", value.as_bytes(), b"\0"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Takes over the pairs of a later answer; a repeated key is against the protocol.
    pub(crate) fn extend(&mut self, other: Self) -> Result<(), Fault> {
        if self.0.len() + other.0.len() > MAX_PAIRS {
            return Err(Fault::Protocol("more keys than any negotiation has"));
        }
        for (key, value) in other.0 {
            if self.get(&key).is_some() {
                return Err(Fault::Protocol("a key was negotiated twice"));
            }
            self.0.push((key, value));
        }
        Ok(())
    }
}

/// Reads a large binary value: `0x` and hexadecimal digits, or `0b` and base64.
pub(crate) fn binary(value: &str, most: usize) -> Option<Vec<u8>> {
    let bytes = match value.get(..2)? {
        "0x" | "0X" => hexadecimal(&value.as_bytes()[2..])?,
        "0b" | "0B" => base64(&value.as_bytes()[2..])?,
        _ => return None,
    };
    (!bytes.is_empty() && bytes.len() <= most).then_some(bytes)
}

/// Writes a large binary value in hexadecimal digits, which every target reads.
pub(crate) fn from_binary(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: &u8| char::from(*digit).to_digit(16).map(|value| value as u8);
    // An odd number of digits lacks its leading zero.
    let (first, rest) = digits.split_at(digits.len() % 2);
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(2));
    if let [digit] = first {
        bytes.push(value(digit)?);
    }
    for pair in rest.chunks_exact(2) {
        bytes.push(value(&pair[0])? << 4 | value(&pair[1])?);
    }
    Some(bytes)
}

fn base64(digits: &[u8]) -> Option<Vec<u8>> {
    let end = digits.iter().rposition(|digit| *digit != b'=').map_or(0, |last| last + 1);
    let mut bytes = Vec::with_capacity(end * 3 / 4);
    for group in digits[..end].chunks(4) {
        let mut bits = 0_u32;
        for (place, digit) in group.iter().enumerate() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits |= u32::from(value) << (18 - 6 * place);
        }
        let whole = match group.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bytes.extend_from_slice(&bits.to_be_bytes()[1..=whole]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs_go_out_and_come_back() {
        let mut text = Text::default();
        text.put("InitiatorName", "iqn.2026-01.test:i");
        text.put("AuthMethod", "CHAP,None");
        let decoded = Text::decode(&text.encode()).unwrap();
        assert_eq!(decoded, text);
        assert_eq!(decoded.get("AuthMethod"), Some("CHAP,None"));
        assert!(Text::decode(b"novalue\0").is_err());
        assert!(Text::decode(b"=x\0").is_err());
        assert!(Text::decode(b"a=\xff\0").is_err());
        assert!(text.extend(decoded).is_err());
    }

    #[test]
    fn binary_values_in_both_notations() {
        assert_eq!(binary("0x0aFF", 4), Some(vec![10, 255]));
        assert_eq!(binary("0xaff", 4), Some(vec![10, 255]));
        assert_eq!(binary("0bCv8=", 4), Some(vec![10, 255]));
        assert_eq!(binary("0bCv8B", 4), Some(vec![10, 255, 1]));
        for bad in ["", "0", "0x", "10", "0xgg", "0b?", "0bA", "0x0102030405", "é"] {
            assert_eq!(binary(bad, 4), None, "{bad}");
        }
        assert_eq!(from_binary(&[10, 255]), "0x0aff");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512), value: String) {
            let _ = Text::decode(&bytes);
            let _ = binary(&value, 64);
        }

        #[test]
        fn binary_comes_back(bytes in proptest::collection::vec(any::<u8>(), 1..64)) {
            prop_assert_eq!(binary(&from_binary(&bytes), 64), Some(bytes));
        }
    }
}
