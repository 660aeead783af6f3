// SPDX-License-Identifier: Apache-2.0
//! VMDK, VDI, VHD and VHDX read as disks: QEMU's images byte by byte, damaged and foreign ones without harm.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use scurry_formats::{ConversionError, DiskFormat, open_for_conversion, runs};
use scurry_types::ExtentKind;

use crate::convert::read_sparse;
use crate::qemu::{Qemu, varied_disk};

/// Names in QEMU, options, ours, and whether unwritten blocks are told.
const KINDS: [(&str, &[&str], DiskFormat, bool); 9] = [
    ("vmdk", &["-o", "subformat=monolithicSparse"], DiskFormat::Vmdk, true),
    ("vmdk", &["-o", "subformat=streamOptimized"], DiskFormat::Vmdk, true),
    ("vmdk", &["-o", "subformat=monolithicSparse,zeroed_grain=on"], DiskFormat::Vmdk, true),
    ("vdi", &[], DiskFormat::Vdi, true),
    ("vdi", &["-o", "static=on"], DiskFormat::Vdi, false),
    ("vpc", &["-o", "force_size=on"], DiskFormat::Vhd, true),
    ("vpc", &["-o", "subformat=fixed,force_size=on"], DiskFormat::Vhd, false),
    ("vhdx", &["-o", "block_size=1M"], DiskFormat::Vhdx, true),
    ("vhdx", &["-o", "subformat=fixed,block_size=1M"], DiskFormat::Vhdx, false),
];

#[test]
fn images_of_every_format_read_as_the_disk_they_were_made_from() {
    let disk = varied_disk();
    let Some(qemu) = Qemu::new(&disk) else { return };
    for (number, (name, options, format, sparse)) in KINDS.into_iter().enumerate() {
        let path = qemu.convert(&format!("{number}"), name, options);
        let reader = open_for_conversion(&path, format).unwrap();
        assert_eq!(reader.len(), disk.len() as u64, "{name} {options:?}");
        assert!(read_sparse(&*reader) == disk, "{name} {options:?}");
        let mut across = vec![0xee; 300_001];
        reader.read_at(&mut across, 1_400_001).unwrap();
        assert!(across == disk[1_400_001..1_700_002], "{name} {options:?}");
        let beyond = reader.read_at(&mut [0; 2], reader.len() - 1);
        assert!(matches!(beyond, Err(ConversionError::OutOfBounds { .. })));
        let data: u64 = runs(&*reader).map(Result::unwrap).filter(is_data).map(|extent| extent.len).sum();
        assert!(data < reader.len() || !sparse, "{name} {options:?} reads {data} bytes");
    }
}

fn is_data(extent: &scurry_types::Extent) -> bool {
    extent.kind == ExtentKind::Data
}

#[test]
fn a_growing_vhd_without_an_exact_size_reads_as_qemu_reads_it() {
    let Some(qemu) = Qemu::new(&varied_disk()) else { return };
    let path = qemu.convert("vpc", "vpc", &[]);
    let reader = open_for_conversion(&path, DiskFormat::Vhd).unwrap();
    assert!(read_sparse(&*reader) == qemu.contents(&path, "vpc"));
}

/// Far into a disk: second tables, and behind the bitmaps between the entries of a VHDX.
#[test]
fn data_far_into_a_large_disk_is_found() {
    let Some(qemu) = Qemu::new(&[]) else { return };
    for (name, options, format) in [
        ("vmdk", "subformat=monolithicSparse", DiskFormat::Vmdk),
        ("vhdx", "block_size=1M", DiskFormat::Vhdx),
        ("vdi", "static=off", DiskFormat::Vdi),
        ("vpc", "force_size=on", DiskFormat::Vhd),
        ("qcow2", "cluster_size=4k", DiskFormat::Qcow2),
    ] {
        qemu.run(&["create", "-f", name, "-o", options, name, "9G"]);
        for (pattern, offset) in [("1", "5M"), ("2", "4097M"), ("3", "8300M")] {
            let write = format!("write -P {pattern} {offset} 100k");
            qemu.io(&["-f", name, "-c", &write, name]);
        }
        let reader = open_for_conversion(&qemu.path(name), format).unwrap();
        assert_eq!(reader.len(), 9 << 30);
        let mut seen = vec![];
        for extent in runs(&*reader).map(Result::unwrap).filter(is_data) {
            let mut bytes = vec![0; extent.len as usize];
            reader.read_at(&mut bytes, extent.offset).unwrap();
            let written = bytes.iter().position(|byte| *byte != 0);
            seen.extend(written.map(|at| ((extent.offset + at as u64) >> 20, bytes[at])));
        }
        assert_eq!(seen, [(5, 1), (4097, 2), (8300, 3)], "{name}");
    }
}

fn patched(path: &Path, changes: &[(u64, &[u8])]) -> tempfile::NamedTempFile {
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(path, copy.path()).unwrap();
    changes.iter().for_each(|(at, bytes)| copy.as_file().write_all_at(bytes, *at).unwrap());
    copy
}

fn refusal(path: &Path, changes: &[(u64, &[u8])], format: DiskFormat) -> String {
    open_for_conversion(patched(path, changes).path(), format).unwrap_err().to_string()
}

#[test]
fn images_that_stand_on_others_or_were_not_closed_are_refused() {
    let Some(qemu) = Qemu::new(&varied_disk()) else { return };
    let vdi = qemu.convert("vdi", "vdi", &[]);
    let difference = "the image cannot be converted: it is the difference to another image";
    assert_eq!(refusal(&vdi, &[(0x1b8, &[7; 16])], DiskFormat::Vdi), difference);
    assert_eq!(refusal(&vdi, &[(0x4c, &[4])], DiskFormat::Vdi), difference);
    let vhd = qemu.convert("vpc", "vpc", &[]);
    let unknown = refusal(&vhd, &[(60, &[0, 0, 0, 4])], DiskFormat::Vhd);
    assert_eq!(unknown, format!("{difference}, or of an unknown kind"));
    assert!(refusal(&vhd, &[(65, &[1])], DiskFormat::Vhd).contains("damaged"), "the sum is wrong");
    let vhdx = qemu.convert("vhdx", "vhdx", &[]);
    let zeroed: [(u64, &[u8]); 2] = [(64 << 10, &[0; 4]), (128 << 10, &[0; 4])];
    assert!(refusal(&vhdx, &zeroed, DiskFormat::Vhdx).contains("damaged"));
    let header = std::fs::read(&vhdx).unwrap();
    let mut unclosed = vec![];
    for at in [64 << 10, 128 << 10] {
        let mut bytes = header[at..at + 4096].to_vec();
        bytes[48] = 1;
        bytes[4..8].fill(0);
        let sum = crc32c::crc32c(&bytes).to_le_bytes();
        bytes[4..8].copy_from_slice(&sum);
        unclosed.push((at as u64, bytes));
    }
    let unclosed: Vec<_> = unclosed.iter().map(|(at, bytes)| (*at, &bytes[..])).collect();
    assert!(refusal(&vhdx, &unclosed, DiskFormat::Vhdx).contains("its log was not written back"));
    let vmdk = qemu.convert("vmdk", "vmdk", &[]);
    let flat = std::fs::read(&vmdk).unwrap();
    let text = String::from_utf8_lossy(&flat[512..2048]).replace("monolithicSparse", "monolithicFlat\"\n");
    let refused = refusal(&vmdk, &[(512, text.as_bytes())], DiskFormat::Vmdk);
    assert!(refused.starts_with("the image failed safety checks"), "{refused}");
}

type Templates = Vec<(DiskFormat, Vec<u8>)>;

/// A small image of every kind, made once.
fn templates() -> Option<&'static Templates> {
    static TEMPLATES: OnceLock<Option<Templates>> = OnceLock::new();
    let made = TEMPLATES.get_or_init(|| {
        let mut disk = varied_disk();
        disk.truncate(3 << 20);
        let qemu = Qemu::new(&disk)?;
        let kinds = KINDS.into_iter().enumerate();
        let images = kinds.map(|(number, (name, options, format, _))| {
            let path = qemu.convert(&number.to_string(), name, options);
            (format, std::fs::read(path).unwrap())
        });
        Some(images.collect())
    });
    made.as_ref()
}

fn read_all(path: &Path, format: DiskFormat) -> Result<u64, ConversionError> {
    let reader = open_for_conversion(path, format)?;
    let mut buf = vec![0; 1 << 20];
    let mut seen = 0;
    // A damaged length may stand for a disk without end.
    for extent in runs(&*reader).take(200) {
        let extent = extent?;
        if extent.kind == ExtentKind::Data {
            for offset in (extent.offset..extent.end()).step_by(buf.len()).take(64) {
                let n = (extent.end() - offset).min(buf.len() as u64) as usize;
                reader.read_at(&mut buf[..n], offset)?;
                seen += n as u64;
            }
        }
    }
    Ok(seen)
}

#[test]
fn images_that_are_cut_off_are_not_read_as_zeroes() {
    let Some(templates) = templates() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    for (format, image) in templates {
        for part in 0..20 {
            std::fs::write(file.path(), &image[..image.len() * part / 20]).unwrap();
            let read = read_all(file.path(), *format);
            assert!(read.is_err(), "{format} cut off at {part}/20 of {}: {read:?}", image.len());
        }
        std::fs::write(file.path(), image).unwrap();
        assert!(read_all(file.path(), *format).is_ok(), "{format}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage ends in an error or in bytes, never in a panic.
    #[test]
    fn damaged_images_do_no_harm(
        kind in any::<prop::sample::Index>(),
        header in prop::collection::vec((0_usize..1024, any::<u8>()), 0..4),
        tables in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..100),
        words in prop::collection::vec((0_usize..24_000, prop::sample::select(vec![0_u32, 1, u32::MAX, 0x7fff_ffff])), 0..10),
        len in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let Some(templates) = templates() else { return Ok(()) };
        let (format, image) = &templates[kind.index(templates.len())];
        let mut bytes = image.clone();
        let reach = bytes.len().min(400 << 10);
        tables.iter().for_each(|(at, value)| bytes[at.index(reach)] = *value);
        header.iter().for_each(|(at, value)| bytes[*at] = *value);
        for (at, word) in words.iter().filter(|(at, _)| at * 4 + 4 <= reach) {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        if let Some(len) = len {
            bytes.truncate(len.index(bytes.len()));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let _ = read_all(file.path(), *format);
    }
}
