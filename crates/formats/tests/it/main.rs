// SPDX-License-Identifier: Apache-2.0
//! Inspection, judgement and conversion of images QEMU made and of images nobody should have made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod attacks;
mod convert;
mod detect;
mod hostile;
mod judge;
mod qemu;
mod readers;
mod unpack;
mod write;

use scurry_formats::{Inspection, Inspector};

/// Looks at bytes as a stream and as a file, which must come to the same.
fn inspect(bytes: &[u8]) -> Inspection {
    let found = Inspector::inspect(bytes).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    assert_eq!(Inspector::inspect_file(&file).unwrap(), found);
    found
}

fn inspect_file(path: impl AsRef<std::path::Path>) -> Inspection {
    let open = || std::fs::File::open(path.as_ref()).unwrap();
    let found = Inspector::inspect(open()).unwrap();
    assert_eq!(Inspector::inspect_file(&open()).unwrap(), found);
    found
}

/// A disk of `len` zero bytes with some of them changed.
fn disk(len: usize, patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for (at, patch) in patches {
        bytes[*at..at + patch.len()].copy_from_slice(patch);
    }
    bytes
}

/// A disk with one MBR partition of a kind.
fn mbr(kind: u8, chs: [u8; 3], lba: u32) -> Vec<u8> {
    let entry =
        [&[0x80, chs[0], chs[1], chs[2], kind, 0, 0, 0][..], &lba.to_le_bytes(), &[1, 0, 0, 0]].concat();
    disk(1 << 20, &[(446, &entry), (510, &[0x55, 0xaa])])
}

/// An optical disc of 3 blocks, 2048 bytes each.
fn iso() -> Vec<u8> {
    disk(1 << 20, &[(32_768, b"\x01CD001\x01"), (32_768 + 80, &[3, 0, 0, 0]), (32_768 + 128, &[0, 8])])
}

/// The header of a qcow2 image of 1 GiB.
fn qcow2(version: u32, backing: u64, features: u64) -> Vec<u8> {
    disk(
        1024,
        &[
            (0, b"QFI\xfb"),
            (4, &version.to_be_bytes()),
            (8, &backing.to_be_bytes()),
            (20, &16_u32.to_be_bytes()),
            (24, &(1_u64 << 30).to_be_bytes()),
            (72, &features.to_be_bytes()),
        ],
    )
}

/// A sparse VMDK of 2048 sectors with this descriptor.
fn vmdk(descriptor: &str) -> Vec<u8> {
    disk(
        64 << 10,
        &[
            (0, b"KDMV\x01\0\0\0"),
            (12, &2048_u64.to_le_bytes()),
            (28, &1_u64.to_le_bytes()),
            (36, &20_u64.to_le_bytes()),
            (512, descriptor.as_bytes()),
        ],
    )
}

const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicSparse\"\nRW 2048 SPARSE \"disk.vmdk\"\nddb.adapterType = \"ide\"\n";
