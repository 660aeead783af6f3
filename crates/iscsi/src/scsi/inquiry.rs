// SPDX-License-Identifier: Apache-2.0
//! The answers to INQUIRY: what kind of device it is, and which one.

use std::fmt;

use super::bytes::{u8_at, u16_at};

/// Standard inquiry data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Peripheral qualifier: 0 when a device is there.
    pub qualifier: u8,
    /// Peripheral device type: 0 for a disk.
    pub device_type: u8,
    /// Vendor, as the target writes it.
    pub vendor: String,
    /// Product, as the target writes it.
    pub product: String,
}

impl Inquiry {
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let first = u8_at(data, 0)?;
        let text = |range: std::ops::Range<usize>| {
            let bytes = data.get(range).unwrap_or_default();
            let printable = |byte: &u8| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '?' };
            bytes.iter().map(printable).collect::<String>().trim().to_owned()
        };
        Some(Self {
            qualifier: first >> 5,
            device_type: first & 0x1f,
            vendor: text(8..16),
            product: text(16..32),
        })
    }
}

/// The body of a page of vital product data, when it is that page.
pub(crate) fn page(data: &[u8], code: u8) -> Option<&[u8]> {
    if u8_at(data, 1)? != code {
        return None;
    }
    let length = usize::from(u16_at(data, 2)?);
    let body = data.get(4..)?;
    Some(&body[..length.min(body.len())])
}

/// The name of a logical unit that no other has: the same on every path, on every session.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    kind: u8,
    bytes: Vec<u8>,
}

impl Identity {
    /// The best name in a device identification page (0x83): of the logical unit, not of a port.
    pub(crate) fn parse(mut designators: &[u8]) -> Option<Self> {
        let mut best: Option<(u8, Self)> = None;
        while let [_, kind, _, length, rest @ ..] = designators {
            let (association, kind) = (kind >> 4 & 3, kind & 0xf);
            // A page that was cut ends within a name.
            let Some(bytes) = rest.get(..usize::from(*length)) else { break };
            // NAA, EUI-64, SCSI name string, T10 vendor: from the strictest to the loosest.
            let rank = match kind {
                3 => 4,
                2 => 3,
                8 => 2,
                1 => 1,
                _ => 0,
            };
            let better = best.as_ref().is_none_or(|(known, _)| rank > *known);
            if association == 0 && rank > 0 && better && bytes.iter().any(|byte| *byte != 0) {
                best = Some((rank, Self { kind, bytes: bytes.to_vec() }));
            }
            designators = &rest[bytes.len()..];
        }
        best.map(|(_, identity)| identity)
    }

    /// A unit serial number (page 0x80), for targets without identification.
    pub(crate) fn of_serial(serial: &[u8]) -> Option<Self> {
        let bytes = serial.trim_ascii().to_vec();
        (!bytes.is_empty()).then_some(Self { kind: 0, bytes })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            2 | 3 => self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            _ => write!(f, "{}", self.bytes.escape_ascii()),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

/// Bytes of a whole page, header and all, where its answer was cut.
pub(crate) fn cut_page(data: &[u8]) -> Option<u16> {
    let whole = u16_at(data, 2)?.checked_add(4)?;
    (usize::from(whole) > data.len()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_name_of_the_unit_counts() {
        let page = [
            &[0x02, 0x01, 0, 4][..],
            b"acme",
            &[0x01, 0x13, 0, 2, 9, 9], // a port's
            &[0x01, 0x03, 0, 8, 0x62, 4, 0xa9, 0x37, 0, 0, 0, 1],
        ]
        .concat();
        assert_eq!(Identity::parse(&page).unwrap().to_string(), "6204a93700000001");
        assert_eq!(Identity::parse(&page[..8]).unwrap().to_string(), "acme");
        // A name that was cut does not take those before it along.
        assert_eq!(Identity::parse(&page[..20]), Identity::parse(&page[..8]));
        // A length that reaches beyond the page.
        assert_eq!(Identity::parse(&[1, 3, 0, 200, 1]), None);
        assert_eq!(Identity::parse(&[1, 3, 0, 2, 0, 0]), None);
        assert_eq!(Identity::of_serial(b"   "), None);
    }

    #[test]
    fn pages_are_checked_and_cut() {
        assert_eq!(page(&[0, 0x83, 0, 2, 1, 2, 3], 0x83), Some(&[1, 2][..]));
        assert_eq!(page(&[0, 0x83, 0, 9, 1], 0x83), Some(&[1][..]));
        assert_eq!(page(&[0, 0, 0, 2, 1, 2], 0x83), None);
        assert_eq!(page(&[0, 0x83], 0x83), None);
        assert_eq!(cut_page(&[0, 0x83, 1, 0, 9]), Some(260));
        assert_eq!(cut_page(&[0, 0x83, 0, 1, 9]), None);
        assert_eq!(cut_page(&[0, 0x83, 0xff, 0xff]), None);
    }

    #[test]
    fn the_standard_data_may_be_short() {
        let mut data = [0_u8; 36];
        data[0] = 0x7f;
        data[8..11].copy_from_slice(b"IET");
        let inquiry = Inquiry::parse(&data).unwrap();
        assert_eq!((inquiry.qualifier, inquiry.device_type), (3, 0x1f));
        assert_eq!(Inquiry::parse(&data[..5]).unwrap().vendor, "");
        assert_eq!(Inquiry::parse(&[]), None);
    }
}
