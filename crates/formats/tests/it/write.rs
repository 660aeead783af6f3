// SPDX-License-Identifier: Apache-2.0
//! Disks written as images, read back by QEMU.

use proptest::prelude::*;
use scurry_formats::{Conversion, ConversionError, DiskFormat, OutputFormat, Piece, open_for_conversion};

use crate::inspect;
use crate::qemu::{Qemu, varied_disk};

fn written(path: &std::path::Path, from: DiskFormat, to: OutputFormat) -> Vec<u8> {
    let conversion = Conversion::new(open_for_conversion(path, from).unwrap(), to).unwrap();
    let len = conversion.len();
    let pieces: Result<Vec<_>, ConversionError> = conversion.collect();
    let bytes = concat(pieces.unwrap());
    assert_eq!(bytes.len() as u64, len, "the length is known before");
    bytes
}

fn concat(pieces: Vec<Piece>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Data(data) => bytes.extend(data),
            Piece::Zeroes(len) => bytes.resize(bytes.len() + len as usize, 0),
        }
    }
    bytes
}

/// Writes an image of the source, and compares it with the source as QEMU does.
fn round(qemu: &Qemu, source: &str, from: DiskFormat, to: OutputFormat, disk_len: u64) -> u64 {
    let bytes = written(&qemu.path(source), from, to);
    let target = format!("target.{to}");
    std::fs::write(qemu.path(&target), &bytes).unwrap();
    let found = inspect(&bytes);
    assert_eq!(found.faults, []);
    assert_eq!((found.format(), found.virtual_size), (Some(to.disk_format()), Some(disk_len)));
    let from = if from == DiskFormat::Raw { "raw" } else { from.as_str() };
    qemu.run(&["compare", "-f", from, "-F", &to.to_string(), source, &target]);
    if to == OutputFormat::Qcow2 {
        qemu.run(&["check", "-f", "qcow2", &target]);
    }
    bytes.len() as u64
}

#[test]
fn images_are_sound_and_hold_the_disk_and_no_zeroes() {
    let disk = varied_disk();
    let Some(qemu) = Qemu::new(&disk) else { return };
    qemu.convert("source.qcow2", "qcow2", &["-c"]);
    for to in [OutputFormat::Qcow2, OutputFormat::Vmdk] {
        for (source, from) in [("source.raw", DiskFormat::Raw), ("source.qcow2", DiskFormat::Qcow2)] {
            let len = round(&qemu, source, from, to, disk.len() as u64);
            assert!(len < disk.len() as u64 / 2, "{to} has {len} bytes: zeroes were written");
        }
    }
    assert!(written(&qemu.path("source.qcow2"), DiskFormat::Qcow2, OutputFormat::Raw) == disk);
}

#[test]
fn lengths_that_are_odd() {
    for len in [0_u64, 1, 511, 65_536, 65_537, (32 << 20) + 1, (513 << 20) - 100] {
        let Some(qemu) = Qemu::new(&[]) else { return };
        let raw = std::fs::File::create(qemu.path("source.raw")).unwrap();
        raw.set_len(len).unwrap();
        if len > 0 {
            std::os::unix::fs::FileExt::write_all_at(&raw, &[7], len - 1).unwrap();
        }
        let in_sectors = len.next_multiple_of(512);
        round(&qemu, "source.raw", DiskFormat::Raw, OutputFormat::Qcow2, in_sectors);
        if len > 0 {
            round(&qemu, "source.raw", DiskFormat::Raw, OutputFormat::Vmdk, in_sectors);
        }
    }
}

/// Tables of reference counts and second tables in the plural, with gaps.
#[test]
fn a_large_disk_with_little_on_it() {
    let Some(qemu) = Qemu::new(&[]) else { return };
    qemu.run(&["create", "-f", "qcow2", "source.qcow2", "40G"]);
    for (pattern, range) in [("1", "0 1M"), ("2", "3G 70k"), ("3", "20479M 3M"), ("4", "40959M 1M")] {
        let write = format!("write -P {pattern} {range}");
        qemu.io(&["-f", "qcow2", "-c", &write, "source.qcow2"]);
    }
    for to in [OutputFormat::Qcow2, OutputFormat::Vmdk] {
        let len = round(&qemu, "source.qcow2", DiskFormat::Qcow2, to, 40 << 30);
        assert!(len < 20 << 20, "{to} has {len} bytes");
    }
}

#[test]
fn a_disk_too_large_for_a_format_is_refused() {
    let Some(qemu) = Qemu::new(&[]) else { return };
    qemu.run(&["create", "-f", "qcow2", "large", "3T"]);
    let reader = open_for_conversion(&qemu.path("large"), DiskFormat::Qcow2).unwrap();
    let refused = Conversion::new(reader, OutputFormat::Vmdk).unwrap_err().to_string();
    assert!(refused.ends_with("bytes is too large for the format"), "{refused}");
}

#[test]
fn a_raw_disk_comes_in_aligned_pieces_and_its_holes_as_they_are() {
    const MIB: u64 = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raw");
    let file = std::fs::File::create(&path).unwrap();
    let len = 300 * MIB + 5000;
    file.set_len(len).unwrap();
    for at in [3 * MIB - 4096, 3 * MIB, 130 * MIB + 65_536, len - 10] {
        std::os::unix::fs::FileExt::write_all_at(&file, b"data", at).unwrap();
    }
    let reader = open_for_conversion(&path, DiskFormat::Raw).unwrap();
    let pieces: Vec<_> = Conversion::new(reader, OutputFormat::Raw).unwrap().map(Result::unwrap).collect();
    let mut at = 0;
    let mut data = Vec::new();
    for piece in &pieces {
        match piece {
            Piece::Data(bytes) => {
                data.push((at / MIB, bytes.len() as u64));
                at += bytes.len() as u64;
            }
            Piece::Zeroes(zeroes) => at += zeroes,
        }
    }
    assert_eq!(data, [(2, MIB), (3, MIB), (130, MIB), (300, 5000)]);
    assert!(concat(pieces) == std::fs::read(&path).unwrap());
}

#[test]
fn a_source_that_breaks_ends_the_conversion() {
    let Some(qemu) = Qemu::new(&varied_disk()) else { return };
    let path = qemu.convert("cut.vdi", "vdi", &[]);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() - (2 << 20)).unwrap();
    let open = || open_for_conversion(&path, DiskFormat::Vdi).unwrap();
    assert!(Conversion::new(open(), OutputFormat::Qcow2).is_err(), "it is read before anything is written");
    let mut raw = Conversion::new(open(), OutputFormat::Raw).unwrap();
    assert!(raw.by_ref().any(|piece| piece.is_err()));
    assert!(raw.next().is_none());
}

#[test]
fn the_options_words_are_known() {
    for to in [OutputFormat::Raw, OutputFormat::Qcow2, OutputFormat::Vmdk] {
        assert_eq!(to.to_string().parse(), Ok(to));
    }
    assert!("vdi".parse::<OutputFormat>().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pattern_of_blocks_survives(
        blocks in prop::collection::btree_map(0_u64..1500, 1_u8.., 0..40),
        surplus in 0_u64..70_000,
    ) {
        let Some(qemu) = Qemu::new(&[]) else { return Ok(()) };
        let raw = std::fs::File::create(qemu.path("source.raw")).unwrap();
        let len = (1500 << 16) + surplus;
        raw.set_len(len).unwrap();
        for (block, byte) in &blocks {
            let at = (block << 16) + u64::from(*byte) * 200;
            std::os::unix::fs::FileExt::write_all_at(&raw, &[*byte; 3], at).unwrap();
        }
        for to in [OutputFormat::Qcow2, OutputFormat::Vmdk] {
            round(&qemu, "source.raw", DiskFormat::Raw, to, len.next_multiple_of(512));
        }
    }
}
