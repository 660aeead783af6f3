// SPDX-License-Identifier: Apache-2.0
//! The answer to MODE SENSE (6): whether the disk takes writes.

use super::bytes::u8_at;

/// Bytes asked for.
pub(crate) const LEN: u8 = 252;

/// The write-protect bit of the header's device-specific parameter.
pub(crate) fn is_write_protected(data: &[u8]) -> bool {
    u8_at(data, 2).is_some_and(|parameter| parameter & 0x80 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_protection_is_one_bit() {
        assert!(is_write_protected(&[3, 0, 0x90, 0]));
        assert!(!is_write_protected(&[3, 0, 0x10, 0]));
        assert!(!is_write_protected(&[]));
    }
}
