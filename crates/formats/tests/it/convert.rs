// SPDX-License-Identifier: Apache-2.0
//! Reading images as disks, compared with what qemu-img reads.

use std::path::Path;

use proptest::prelude::*;
use scurry_formats::{ConversionError, DiskFormat, ImageReader, open_for_conversion};
use scurry_types::ExtentKind;

use crate::qcow2;
use crate::qemu::{Qemu, varied_disk};

/// Reads the data extents into zeroes, as a converter does.
pub(crate) fn read_sparse(reader: &dyn ImageReader) -> Vec<u8> {
    let mut disk = vec![0; reader.len() as usize];
    for extent in reader.extents(0..reader.len()).unwrap() {
        if extent.kind == ExtentKind::Data {
            reader.read_at(&mut disk[extent.offset as usize..extent.end() as usize], extent.offset).unwrap();
        }
    }
    disk
}

fn open(path: &Path) -> Result<Box<dyn ImageReader>, ConversionError> {
    open_for_conversion(path, DiskFormat::Qcow2)
}

#[test]
fn qcow2_images_of_every_kind_read_as_qemu_reads_them() {
    let disk = varied_disk();
    let Some(qemu) = Qemu::new(&disk) else { return };
    let cases: [&[&str]; 8] = [
        &[],
        &["-c"],
        &["-o", "compat=0.10"],
        &["-o", "cluster_size=512"],
        &["-c", "-o", "cluster_size=2M"],
        &["-c", "-o", "compression_type=zstd"],
        &["-o", "preallocation=metadata"],
        &["-o", "refcount_bits=1,lazy_refcounts=off"],
    ];
    for (number, options) in cases.into_iter().enumerate() {
        let path = qemu.convert(&format!("{number}.qcow2"), "qcow2", options);
        let reader = open(&path).unwrap();
        assert_eq!(reader.len(), disk.len() as u64);
        assert!(read_sparse(&*reader) == qemu.contents(&path, "qcow2"), "{options:?}");
        let mut across = vec![0xee; 300_001];
        reader.read_at(&mut across, 1_400_001).unwrap();
        assert!(across == disk[1_400_001..1_700_002], "{options:?}");
        if number < 4 {
            let data = reader.extents(0..reader.len()).unwrap().data_len();
            assert!(data < reader.len() / 2, "{options:?} reads {data} bytes");
        }
        let beyond = reader.read_at(&mut [0; 2], reader.len() - 1);
        assert!(matches!(beyond, Err(ConversionError::OutOfBounds { .. })));
    }
}

#[test]
fn snapshots_inside_an_image_do_not_show() {
    let Some(qemu) = Qemu::new(&varied_disk()) else { return };
    let path = qemu.convert("snap.qcow2", "qcow2", &[]);
    qemu.run(&["snapshot", "-c", "one", "snap.qcow2"]);
    assert!(read_sparse(&*open(&path).unwrap()) == qemu.contents(&path, "qcow2"));
}

#[test]
fn raw_images_are_read_with_their_holes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raw");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(10 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[7; 4096], 5 << 20).unwrap();
    let reader = open_for_conversion(&path, DiskFormat::Gpt).unwrap();
    assert_eq!(reader.extents(0..10 << 20).unwrap().data_len(), 4096);
    assert_eq!(reader.extents((5 << 20) + 1000..10 << 20).unwrap().data_len(), 3096);
    assert!(read_sparse(&*reader) == std::fs::read(&path).unwrap());
}

#[test]
fn what_is_not_read_is_named() {
    let Some(qemu) = Qemu::new(&varied_disk()) else { return };
    let vdi = qemu.convert("vdi", "vdi", &[]);
    for format in [DiskFormat::Qed, DiskFormat::Luks] {
        let refused = open_for_conversion(&vdi, format);
        assert!(matches!(refused, Err(ConversionError::NoReader(other)) if other == format));
    }
    for format in [DiskFormat::Qcow2, DiskFormat::Vmdk, DiskFormat::Vhd, DiskFormat::Vhdx] {
        assert!(
            matches!(open_for_conversion(&vdi, format), Err(ConversionError::Unsupported(_))),
            "{format}"
        );
    }
    let raw = qemu.path("source.raw");
    assert!(matches!(open_for_conversion(&raw, DiskFormat::Vdi), Err(ConversionError::Unsupported(_))));
    let secret = "secret,id=s,data=swordfish";
    let options = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10";
    qemu.run(&["create", "-f", "qcow2", "--object", secret, "-o", options, "crypt", "1M"]);
    assert!(matches!(open(&qemu.path("crypt")), Err(ConversionError::Unsupported(_))));
}

#[test]
fn no_other_file_is_ever_opened() {
    let Some(qemu) = Qemu::new(&[7; 1 << 20]) else { return };
    qemu.run(&["create", "-f", "qcow2", "-b", "source.raw", "-F", "raw", "backed"]);
    qemu.run(&["create", "-f", "qcow2", "-o", "data_file=data", "external", "1M"]);
    for name in ["backed", "external"] {
        assert!(matches!(open(&qemu.path(name)), Err(ConversionError::Unsafe(_))), "{name}");
    }
    std::os::unix::fs::symlink(qemu.path("source.raw"), qemu.path("link")).unwrap();
    assert!(open_for_conversion(&qemu.path("link"), DiskFormat::Raw).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage in the header, the tables or the data ends in an error or in bytes, never in a panic.
    #[test]
    fn damaged_qcow2_images_do_no_harm(
        header in prop::collection::vec((16_usize..104, any::<u8>()), 0..3),
        tables in prop::collection::vec((0_usize..5 << 16, any::<u8>()), 0..200),
        len in prop::option::weighted(0.2, 0_usize..5 << 16),
    ) {
        let Some(template) = template() else { return Ok(()) };
        let mut bytes = template.clone();
        for (at, value) in tables.iter().filter(|(at, _)| *at > 512) {
            if let Some(byte) = bytes.get_mut(*at) {
                *byte = *value;
            }
        }
        header.iter().for_each(|(at, value)| bytes[*at] = *value);
        if let Some(len) = len {
            bytes.truncate(len);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        if let Ok(reader) = open(file.path()) {
            let mut buf = vec![0; 65_536];
            let len = reader.len();
            let _ = reader.extents(0..len.min(1 << 24));
            for offset in (0..len.min(1 << 22)).step_by(65_536) {
                let n = (len - offset).min(65_536) as usize;
                let _ = reader.read_at(&mut buf[..n], offset);
            }
        }
    }
}

/// A small image with plain and compressed clusters, made once.
fn template() -> Option<&'static Vec<u8>> {
    static TEMPLATE: std::sync::OnceLock<Option<Vec<u8>>> = std::sync::OnceLock::new();
    let made = TEMPLATE.get_or_init(|| {
        let mut disk = varied_disk();
        disk.truncate(1 << 21);
        let qemu = Qemu::new(&disk)?;
        let path = qemu.convert("template", "qcow2", &["-c"]);
        let plain = ["-f", "qcow2", "-c", "write -P 7 1M 100k", "template"];
        let written = std::process::Command::new("qemu-io").current_dir(path.parent()?).args(plain).output();
        assert!(written.unwrap().status.success());
        Some(std::fs::read(path).unwrap())
    });
    made.as_ref()
}

#[test]
fn a_header_without_an_image_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for bytes in [qcow2(3, 0, 0), qcow2(2, 0, 0), vec![]] {
        std::fs::write(file.path(), bytes).unwrap();
        assert!(open(file.path()).is_err());
    }
}

#[test]
fn an_image_that_is_cut_off_is_not_read_as_zeroes() {
    let Some(template) = template() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    for len in (0..template.len()).step_by(65_536) {
        std::fs::write(file.path(), &template[..len]).unwrap();
        let read = open(file.path()).and_then(|reader| {
            let extents = reader.extents(0..reader.len())?;
            let data = extents.iter().filter(|extent| extent.kind == ExtentKind::Data);
            data.into_iter()
                .try_for_each(|extent| reader.read_at(&mut vec![0; extent.len as usize], extent.offset))
        });
        assert!(read.is_err(), "cut off at {len} of {}", template.len());
    }
}
