// SPDX-License-Identifier: Apache-2.0
//! What well-formed images are recognised as.

use scurry_formats::DiskFormat;

use crate::qemu::{Qemu, varied_disk};
use crate::{inspect, inspect_file, iso, mbr};

#[test]
fn images_of_qemu_are_recognised_with_their_size_and_without_fault() {
    let disk = varied_disk();
    let len = disk.len() as u64;
    let Some(qemu) = Qemu::new(&disk) else { return };
    let cases: [(&str, &[&str], DiskFormat); 9] = [
        ("qcow2", &["-o", "compat=0.10"], DiskFormat::Qcow2),
        ("qcow2", &[], DiskFormat::Qcow2),
        ("qcow2", &["-c"], DiskFormat::Qcow2),
        ("qcow2", &["-c", "-o", "compression_type=zstd"], DiskFormat::Qcow2),
        ("vmdk", &["-o", "subformat=monolithicSparse"], DiskFormat::Vmdk),
        ("vmdk", &["-o", "subformat=streamOptimized"], DiskFormat::Vmdk),
        ("vdi", &[], DiskFormat::Vdi),
        ("vhdx", &[], DiskFormat::Vhdx),
        ("vpc", &["-o", "force_size=on"], DiskFormat::Vhd),
    ];
    for (number, (format, options, expected)) in cases.into_iter().enumerate() {
        let path = qemu.convert(&number.to_string(), format, options);
        let found = inspect_file(path);
        assert_eq!(found.detected, [expected], "{format} {options:?}");
        assert_eq!(found.virtual_size, Some(len), "{format} {options:?}");
        assert_eq!(found.faults, [], "{format} {options:?}");
    }
    let fixed = qemu.convert("fixed", "vpc", &["-o", "subformat=fixed,force_size=on"]);
    let found = inspect_file(fixed);
    assert_eq!((found.detected.as_slice(), found.fixed_vhd), (&[DiskFormat::Raw][..], Some(len)));
}

#[test]
fn qemus_dangerous_images_are_caught() {
    let Some(qemu) = Qemu::new(&[0; 4096]) else { return };
    qemu.run(&["create", "-f", "qcow2", "-b", "source.raw", "-F", "raw", "backed"]);
    qemu.run(&["create", "-f", "qcow2", "-o", "data_file=data,data_file_raw=on", "external", "1M"]);
    qemu.run(&["create", "-f", "qcow2", "-o", "extended_l2=on", "extended", "1M"]);
    qemu.run(&["create", "-f", "qed", "qed", "1M"]);
    qemu.run(&["create", "-f", "vmdk", "-o", "subformat=monolithicFlat", "flat.vmdk", "1M"]);
    for (name, check) in [
        ("backed", "backing_file"),
        ("external", "data_file"),
        ("extended", "unknown_features"),
        ("qed", "banned"),
        ("flat.vmdk", "descriptor"),
    ] {
        let found = inspect_file(qemu.path(name));
        let checks: Vec<_> = found.faults.iter().map(|fault| fault.check).collect();
        assert_eq!(checks, [check], "{name}");
    }
}

#[test]
fn luks_of_qemu_is_recognised() {
    let Some(qemu) = Qemu::new(&[0; 4096]) else { return };
    let secret = "secret,id=s,data=swordfish";
    qemu.run(&["create", "-f", "luks", "--object", secret, "-o", "key-secret=s,iter-time=10", "crypt", "4M"]);
    let found = inspect_file(qemu.path("crypt"));
    assert_eq!((found.detected.as_slice(), found.virtual_size), (&[DiskFormat::Luks][..], Some(4 << 20)));
    assert_eq!(found.faults, []);
}

#[test]
fn discs_and_partitioned_disks_are_recognised() {
    assert_eq!(inspect(&[]).format(), Some(DiskFormat::Raw));
    assert_eq!(inspect(&[7; 100_000]).format(), Some(DiskFormat::Raw));
    let found = inspect(&iso());
    assert_eq!((found.format(), found.virtual_size), (Some(DiskFormat::Iso), Some(3 * 2048)));
    let found = inspect(&mbr(0x83, [0, 1, 1], 2048));
    assert_eq!((found.format(), found.faults.len()), (Some(DiskFormat::Gpt), 0));
    let mut hybrid = iso();
    hybrid[..512].copy_from_slice(&mbr(0xee, [0, 2, 0], 1)[..512]);
    let found = inspect(&hybrid);
    assert_eq!(found.detected, [DiskFormat::Iso, DiskFormat::Gpt]);
    assert_eq!((found.format(), found.virtual_size), (Some(DiskFormat::Iso), Some(3 * 2048)));
}

#[test]
fn a_fat_file_system_is_no_partitioned_disk() {
    let mut fat = mbr(0, [0; 3], 0);
    fat[0x10] = 2;
    fat[0x15] = 0xf8;
    assert_eq!(inspect(&fat).format(), Some(DiskFormat::Raw));
}
