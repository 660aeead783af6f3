// SPDX-License-Identifier: Apache-2.0
//! The answer to REPORT LUNS.

use super::bytes::u32_at;
use crate::Lun;

/// Bytes asked for at first: 2047 logical units.
pub(crate) const LEN: u32 = 16 << 10;

/// The logical units listed, and the bytes of the whole list when it was longer.
pub(crate) fn parse(data: &[u8]) -> Option<(Vec<Lun>, Option<u32>)> {
    let length = u32_at(data, 0)?;
    let whole = length.checked_add(8)?;
    let list = data.get(8..)?;
    let list = &list[..list.len().min(length as usize)];
    let luns = list.as_chunks::<8>().0.iter().copied().map(Lun::from_bytes).collect();
    Some((luns, (whole as usize > data.len()).then_some(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_list_says_how_long_it_is() {
        let mut data = vec![0, 0, 0, 16, 0, 0, 0, 0];
        data.extend_from_slice(&[0; 8]);
        data.extend_from_slice(&[0x41, 0, 0, 0, 0, 0, 0, 0]);
        let (luns, longer) = parse(&data).unwrap();
        assert_eq!(luns.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0", "256"]);
        assert_eq!(longer, None);
        let (luns, longer) = parse(&data[..20]).unwrap();
        assert_eq!((luns.len(), longer), (1, Some(24)));
        assert_eq!(parse(&data[..7]), None);
    }
}
