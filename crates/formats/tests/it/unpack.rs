// SPDX-License-Identifier: Apache-2.0
//! Images compressed as a whole.

use std::io::{self, Cursor, Read, Write};

use flate2::write::GzEncoder;
use proptest::prelude::*;
use scurry_formats::{MAGIC_LEN, Packing};
use zip::write::SimpleFileOptions;

use crate::qemu::varied_disk;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A member that is stored, with a header of level 0.
fn lha(name: &str, bytes: &[u8]) -> Vec<u8> {
    let crc = bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa001 } else { crc >> 1 })
    });
    let len = (bytes.len() as u32).to_le_bytes();
    let body = [
        b"-lh0-",
        &len[..],
        &len,
        &[0, 0, 0x21, 0x50, 0x20, 0, name.len() as u8],
        name.as_bytes(),
        &crc.to_le_bytes(),
    ]
    .concat();
    let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [&[body.len() as u8, sum], &body[..], bytes].concat()
}

/// As a stream where that can be.
fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let packing = Packing::of(&packed[..packed.len().min(MAGIC_LEN)]).expect("it is packed");
    if packing.needs_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(packed).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let mut out = Vec::new();
        packing.unpack_file(file, |piece| {
            out.extend(piece);
            true
        })?;
        return Ok(out);
    }
    let mut out = Vec::new();
    packing.unpack(Cursor::new(packed.to_vec()))?.read_to_end(&mut out)?;
    Ok(out)
}

#[test]
fn what_was_packed_comes_out_again() {
    let disk = varied_disk();
    assert!(unpack(&gzip(&disk)).unwrap() == disk);
    assert!(
        unpack(&[gzip(&disk[..999_999]), gzip(&disk[999_999..]), vec![0; 5000]].concat()).unwrap() == disk
    );
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        assert!(unpack(&zip(&[("disk.raw", &disk)], method)).unwrap() == disk, "{method:?}");
    }
    let small = &disk[..3_000_000];
    assert!(unpack(&lha("disk.raw", small)).unwrap() == small);
    assert!(unpack(&[lha("disk.raw", small), vec![0]].concat()).unwrap() == small);
    assert_eq!(unpack(&gzip(&[])).unwrap(), []);
}

#[test]
fn what_is_not_packed_is_not_taken_for_it() {
    for bytes in [&b""[..], b"PK\x05\x06\0", b"\x1f\x8b\x07\0\0", b"-lh5-", b"QFI\xfb\0", b"PK\x03"] {
        assert_eq!(Packing::of(bytes), None);
    }
}

#[test]
fn archives_of_several_files_or_none_are_refused() {
    let deflated = zip::CompressionMethod::Deflated;
    let several = [zip(&[("a", b"1"), ("b", b"2")], deflated), [lha("a", b"1"), lha("b", b"2")].concat()];
    for archive in &several {
        assert_eq!(unpack(archive).unwrap_err().to_string(), "Archive contains more than one file.");
    }
    let mut folder = zip::ZipWriter::new(Cursor::new(Vec::new()));
    folder.add_directory("folder", SimpleFileOptions::default()).unwrap();
    assert!(unpack(&folder.finish().unwrap().into_inner()).is_err());
}

#[test]
fn damage_is_noticed() {
    // Noise in the middle: elsewhere a changed byte may unpack to the same.
    let disk = &varied_disk()[1_200_000..1_450_000];
    for packed in [gzip(disk), zip(&[("disk", disk)], zip::CompressionMethod::Deflated), lha("disk", disk)] {
        let mut changed = packed.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0x55;
        assert!(unpack(&changed).is_err(), "a changed byte, {:?}", Packing::of(&packed));
        assert!(unpack(&packed[..packed.len() / 3]).is_err(), "cut off, {:?}", Packing::of(&packed));
    }
    assert!(unpack(&[gzip(disk), b"surplus".to_vec()].concat()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_archives_do_no_harm(
        kind in 0_usize..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
        len in any::<prop::sample::Index>(),
    ) {
        let disk = vec![7; 5000];
        let mut bytes = match kind {
            0 => gzip(&disk),
            1 => zip(&[("disk", &disk)], zip::CompressionMethod::Deflated),
            2 => lha("disk", &disk),
            // The compressed kinds, with noise for data.
            _ => [&lha("disk", &disk)[..2], &b"-lh5-"[..], &lha("disk", &disk)[7..]].concat(),
        };
        damage.iter().for_each(|(at, value)| { let at = 5 + at.index(bytes.len() - 5); bytes[at] = *value; });
        bytes.truncate(5 + len.index(bytes.len()));
        let _ = unpack(&bytes);
    }
}
