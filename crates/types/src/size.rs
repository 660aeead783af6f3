// SPDX-License-Identifier: Apache-2.0
//! Byte units, and the two roundings OpenStack's services use.

/// Bytes in a kibibyte.
pub const KIB: u64 = 1 << 10;
/// Bytes in a mebibyte, the unit of Keystone's image limits.
pub const MIB: u64 = 1 << 20;
/// Bytes in a gibibyte, the unit of a Cinder volume's size.
pub const GIB: u64 = 1 << 30;

/// Whole GiB that hold `bytes`, at least one: Cinder has no smaller volume.
///
/// ```
/// use scurry_types::size::{GIB, volume_gib};
/// assert_eq!(volume_gib(0), 1);
/// assert_eq!(volume_gib(GIB), 1);
/// assert_eq!(volume_gib(2_361_393_152), 3);
/// ```
#[must_use]
pub const fn volume_gib(bytes: u64) -> u64 {
    let gib = bytes.div_ceil(GIB);
    if gib == 0 { 1 } else { gib }
}

/// `value` rounded up to a multiple of `step`; saturates at [`u64::MAX`]. `step` must not be zero.
#[must_use]
pub const fn round_up(value: u64, step: u64) -> u64 {
    match value.checked_next_multiple_of(step) {
        Some(rounded) => rounded,
        None => u64::MAX,
    }
}
