// SPDX-License-Identifier: Apache-2.0
//! Command descriptor blocks.

/// A command block, padded with zeroes.
pub(crate) type Cdb = [u8; 16];

/// Vital product data: the list of pages.
pub(crate) const VPD_PAGES: u8 = 0x00;
/// Unit serial number.
pub(crate) const VPD_SERIAL: u8 = 0x80;
/// Device identification.
pub(crate) const VPD_IDENTIFICATION: u8 = 0x83;
/// Block limits.
pub(crate) const VPD_BLOCK_LIMITS: u8 = 0xb0;
/// Logical block provisioning.
pub(crate) const VPD_PROVISIONING: u8 = 0xb2;

/// TEST UNIT READY.
pub(crate) const fn test_unit_ready() -> Cdb {
    [0; 16]
}

/// INQUIRY: the standard data, or a page of vital product data.
pub(crate) fn inquiry(page: Option<u8>, allocation: u16) -> Cdb {
    let mut cdb = [0; 16];
    cdb[0] = 0x12;
    if let Some(page) = page {
        cdb[1] = 1;
        cdb[2] = page;
    }
    cdb[3..5].copy_from_slice(&allocation.to_be_bytes());
    cdb
}

/// MODE SENSE (6) of every page, without block descriptors.
pub(crate) fn mode_sense(allocation: u8) -> Cdb {
    let mut cdb = [0; 16];
    cdb[..5].copy_from_slice(&[0x1a, 0x08, 0x3f, 0, allocation]);
    cdb
}

/// REPORT LUNS, without the well-known ones.
pub(crate) fn report_luns(allocation: u32) -> Cdb {
    let mut cdb = [0; 16];
    cdb[0] = 0xa0;
    cdb[6..10].copy_from_slice(&allocation.to_be_bytes());
    cdb
}

/// READ CAPACITY (16).
pub(crate) fn read_capacity(allocation: u32) -> Cdb {
    service_action_in(0x10, 0, allocation)
}

/// GET LBA STATUS.
pub(crate) fn get_lba_status(lba: u64, allocation: u32) -> Cdb {
    service_action_in(0x12, lba, allocation)
}

fn service_action_in(action: u8, lba: u64, allocation: u32) -> Cdb {
    let mut cdb = by_blocks(0x9e, lba, allocation);
    cdb[1] = action;
    cdb
}

/// READ (16).
pub(crate) fn read(lba: u64, blocks: u32) -> Cdb {
    by_blocks(0x88, lba, blocks)
}

/// WRITE (16).
pub(crate) fn write(lba: u64, blocks: u32) -> Cdb {
    by_blocks(0x8a, lba, blocks)
}

/// WRITE SAME (16) with one block of data; `unmap` lets the target deallocate instead where it then reads as that data.
pub(crate) fn write_same(lba: u64, blocks: u32, unmap: bool) -> Cdb {
    let mut cdb = by_blocks(0x93, lba, blocks);
    cdb[1] = u8::from(unmap) << 3;
    cdb
}

/// SYNCHRONIZE CACHE (16) of everything.
pub(crate) fn synchronize_cache() -> Cdb {
    by_blocks(0x91, 0, 0)
}

/// UNMAP with a parameter list of so many bytes.
pub(crate) fn unmap(parameters: u16) -> Cdb {
    let mut cdb = [0; 16];
    cdb[0] = 0x42;
    cdb[7..9].copy_from_slice(&parameters.to_be_bytes());
    cdb
}

/// UNMAP's parameter list: block ranges as first block and number.
pub(crate) fn unmap_parameters(ranges: &[(u64, u32)]) -> Vec<u8> {
    let descriptors = (ranges.len() * 16) as u16;
    let mut list = Vec::with_capacity(8 + ranges.len() * 16);
    list.extend_from_slice(&(descriptors + 6).to_be_bytes());
    list.extend_from_slice(&descriptors.to_be_bytes());
    list.extend_from_slice(&[0; 4]);
    for (lba, blocks) in ranges {
        list.extend_from_slice(&lba.to_be_bytes());
        list.extend_from_slice(&blocks.to_be_bytes());
        list.extend_from_slice(&[0; 4]);
    }
    list
}

fn by_blocks(code: u8, lba: u64, blocks: u32) -> Cdb {
    let mut cdb = [0; 16];
    cdb[0] = code;
    cdb[2..10].copy_from_slice(&lba.to_be_bytes());
    cdb[10..14].copy_from_slice(&blocks.to_be_bytes());
    cdb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_where_the_standard_has_them() {
        assert_eq!(
            read(0x0102_0304_0506_0708, 0x0a0b_0c0d),
            [0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 0, 0]
        );
        assert_eq!(write_same(1, 2, true)[..2], [0x93, 0x08]);
        assert_eq!(write_same(1, 2, false)[1], 0);
        assert_eq!(inquiry(Some(0x83), 0x1234)[..6], [0x12, 1, 0x83, 0x12, 0x34, 0]);
        assert_eq!(get_lba_status(5, 24)[..2], [0x9e, 0x12]);
        let list = unmap_parameters(&[(1, 2), (3, 4)]);
        assert_eq!(list.len(), 40);
        assert_eq!(list[..8], [0, 38, 0, 32, 0, 0, 0, 0]);
        assert_eq!(list[24..40], [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0]);
    }
}
