// SPDX-License-Identifier: Apache-2.0
//! Copies between volumes that move data and leave holes.

use scurry_types::{ExtentKind, is_zero};

use crate::{Result, VolumeError, VolumeFile};

const CHUNK: u64 = 1 << 20;

/// Makes the first `from.len()` bytes of `to` equal to `from`; answers how many bytes of data it moved.
///
/// Holes, and whole chunks of zeroes inside data, are not written but zeroed. Nothing is flushed.
///
/// # Errors
/// [`VolumeError::OutOfBounds`] when `to` is shorter, else what reading or writing answers.
pub fn copy_sparse(from: &VolumeFile, to: &VolumeFile) -> Result<u64> {
    let mut buf = vec![0; CHUNK as usize];
    let mut moved = 0;
    if to.len() < from.len() {
        return Err(VolumeError::OutOfBounds { offset: 0, len: from.len(), volume_len: to.len() });
    }
    for extent in from.extents(0..from.len())? {
        if extent.kind == ExtentKind::Zero {
            to.write_zeroes(extent.offset, extent.len)?;
            continue;
        }
        for offset in (extent.offset..extent.end()).step_by(CHUNK as usize) {
            let buf = &mut buf[..CHUNK.min(extent.end() - offset) as usize];
            from.read_at(buf, offset)?;
            if is_zero(buf) {
                to.write_zeroes(offset, buf.len() as u64)?;
            } else {
                to.write_at(buf, offset)?;
                moved += buf.len() as u64;
            }
        }
    }
    Ok(moved)
}

/// Makes `to` equal to `from`, writing only the blocks that differ; answers how many bytes it wrote or zeroed.
pub(crate) fn copy_differences(from: &VolumeFile, to: &VolumeFile) -> Result<u64> {
    let (mut theirs, mut ours) = (vec![0; CHUNK as usize], vec![0; CHUNK as usize]);
    let mut changed = 0;
    for range in ranges_of_data(from, to)? {
        for offset in (range.start..range.end).step_by(CHUNK as usize) {
            let n = CHUNK.min(range.end - offset) as usize;
            from.read_at(&mut theirs[..n], offset)?;
            to.read_at(&mut ours[..n], offset)?;
            let blocks = theirs[..n].chunks(crate::header::CLUSTER as usize);
            for (index, (new, old)) in
                blocks.zip(ours[..n].chunks(crate::header::CLUSTER as usize)).enumerate()
            {
                let at = offset + index as u64 * crate::header::CLUSTER;
                if new == old {
                    continue;
                }
                changed += new.len() as u64;
                if is_zero(new) {
                    to.write_zeroes(at, new.len() as u64)?;
                } else {
                    to.write_at(new, at)?;
                }
            }
        }
    }
    Ok(changed)
}

/// Cluster-aligned ranges, in order, outside which both volumes are holes.
fn ranges_of_data(a: &VolumeFile, b: &VolumeFile) -> Result<Vec<std::ops::Range<u64>>> {
    const CLUSTER: u64 = crate::header::CLUSTER;
    let len = a.len();
    let mut ranges: Vec<_> = [a, b]
        .into_iter()
        .map(|file| file.extents(0..len))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .filter(|extent| extent.kind == ExtentKind::Data)
        .map(|extent| {
            extent.offset - extent.offset % CLUSTER..extent.end().next_multiple_of(CLUSTER).min(len)
        })
        .collect();
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<std::ops::Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    Ok(merged)
}
