// SPDX-License-Identifier: Apache-2.0
//! The basic header segment: 48 bytes in front of every PDU (RFC 7143 11).

pub(crate) mod request;
pub(crate) mod response;

/// Bytes of the basic header segment.
pub(crate) const BHS: usize = 48;

/// A tag that names no task.
pub(crate) const NO_TAG: u32 = 0xffff_ffff;

/// A basic header segment.
pub(crate) type Header = [u8; BHS];

/// The number at this offset.
pub(crate) fn be32(header: &Header, at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// The number at this offset.
pub(crate) fn be16(header: &Header, at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}

pub(crate) fn put32(header: &mut Header, at: usize, value: u32) {
    header[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// Bytes of the data segment, without padding.
pub(crate) fn data_length(header: &Header) -> usize {
    (be32(header, 4) & 0x00ff_ffff) as usize
}

/// Writes the length of the data segment; data never exceeds the 24 bits, because no limit of ours does.
pub(crate) fn set_data_length(header: &mut Header, length: usize) {
    let bytes = (length as u32 & 0x00ff_ffff).to_be_bytes();
    header[5..8].copy_from_slice(&bytes[1..]);
}

/// Bytes of all additional header segments.
pub(crate) fn additional_length(header: &Header) -> usize {
    usize::from(header[4]) * 4
}

/// Zeroes after so many bytes up to a multiple of four.
pub(crate) const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 3
}

/// Whether serial number `a` comes after `b` (RFC 1982).
pub(crate) const fn is_after(a: u32, b: u32) -> bool {
    let distance = a.wrapping_sub(b);
    distance != 0 && distance < 0x8000_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_leave_their_neighbours_alone() {
        let mut header = [0; BHS];
        header[4] = 3;
        set_data_length(&mut header, 0x0012_3456);
        assert_eq!((additional_length(&header), data_length(&header)), (12, 0x0012_3456));
        assert_eq!([0, 1, 2, 3, 4].map(padding), [0, 3, 2, 1, 0]);
    }

    #[test]
    fn serial_numbers_wrap() {
        assert!(is_after(0, u32::MAX));
        assert!(is_after(5, 4));
        assert!(!is_after(4, 4));
        assert!(!is_after(u32::MAX, 3));
    }
}
