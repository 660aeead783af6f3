// SPDX-License-Identifier: Apache-2.0
//! Images made to make their reader open other files, or to be two things at once: refused whatever they are
//! said to be, with and without the operator's requiring the match, and never converted.

use std::io::Write;
use std::path::Path;

use scurry_formats::{DiskFormat, InspectionRules, judge, read_for_conversion};

use crate::{DESCRIPTOR, disk, inspect, iso, mbr, qcow2, vmdk};

const CLAIMS: [&str; 14] =
    ["raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "iso", "gpt", "luks", "qed", "ami", "aki", "ari", "ploop"];

fn with(mut image: Vec<u8>, patches: &[(usize, &[u8])]) -> Vec<u8> {
    patches.iter().for_each(|(at, bytes)| image[*at..at + bytes.len()].copy_from_slice(bytes));
    image
}

fn streamed(footer: &[u8]) -> Vec<u8> {
    let header = vmdk(&DESCRIPTOR.replace("monolithicSparse", "streamOptimized"));
    let end = disk(512, &[(0, &[1]), (12, &[3])]);
    [&with(header, &[(56, &[0xff; 8])])[..], &end, footer, &[0; 512]].concat()
}

/// What it is, and its bytes.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let signature: (usize, &[u8]) = (510, &[0x55, 0xaa]);
    let flat = |line: &str| vmdk(&DESCRIPTOR.replace("RW 2048 SPARSE \"disk.vmdk\"", line));
    let kind = |kind: &str| vmdk(&DESCRIPTOR.replace("monolithicSparse", kind));
    let parent = "parentCID=12345678\nparentFileNameHint=\"/etc/shadow\"\n";
    let other_descriptor = with(vmdk(DESCRIPTOR)[..512].to_vec(), &[(28, &[9])]);
    vec![
        ("qcow2 with a backing file", with(qcow2(3, 0x200, 0), &[(512, b"/etc/passwd")])),
        ("old qcow2 with a backing file", with(qcow2(2, 0x200, 0), &[(512, b"/etc/passwd")])),
        ("qcow2 with its data elsewhere", qcow2(3, 0, 0b100)),
        (
            "qcow2 with its data elsewhere, said to be raw there",
            with(qcow2(3, 0, 0b100), &[(88, &[0, 0, 0, 0, 0, 0, 0, 2])]),
        ),
        ("qcow2 with extended entries", qcow2(3, 0, 0b1_0000)),
        ("qcow2 with a feature of the future", qcow2(3, 0, 1 << 40)),
        ("qcow of the first version", qcow2(1, 0, 0)),
        ("qcow2 whose header ends early", qcow2(3, 0, 0)[..70].to_vec()),
        ("qcow2 and a disc", with(iso(), &[(0, &qcow2(3, 0, 0)[..104])])),
        ("qcow2 and a partitioned disk", with(qcow2(3, 0, 0), &[signature])),
        ("qed", disk(4096, &[(0, b"QED\0")])),
        ("VMDK with another file's data", kind("monolithicFlat")),
        ("VMDK in files of 2 GiB", kind("twoGbMaxExtentFlat")),
        ("VMDK on a device", kind("fullDevice")),
        ("VMDK that names a path", flat("RW 2048 SPARSE \"/etc/passwd\"")),
        ("VMDK with an extent of no known access", flat("EXEC 2048 SPARSE \"disk.vmdk\"")),
        ("VMDK with a parent", vmdk(&format!("{DESCRIPTOR}{parent}"))),
        ("VMDK without capacity, for QEMU a mere descriptor", with(vmdk(DESCRIPTOR), &[(12, &[0; 8])])),
        ("VMDK descriptor alone", DESCRIPTOR.replace("monolithicSparse", "monolithicFlat").into_bytes()),
        (
            "VMDK descriptor alone, further down",
            format!("{}{DESCRIPTOR}", "# \n".repeat(20_000)).into_bytes(),
        ),
        ("VMDK whose footer leads to another descriptor", streamed(&other_descriptor)),
        ("VMDK whose footer is none", streamed(&[7; 512])),
        ("VMDK and a disc", with(iso(), &[(0, &vmdk(DESCRIPTOR)[..20_000])])),
        ("VHDX without its tables", disk(1 << 20, &[(0, b"vhdxfile")])),
        ("VHDX and a disc", with(iso(), &[(0, b"vhdxfile")])),
        ("VHD and a partitioned disk", disk(4096, &[(0, b"conectix"), signature])),
        ("VDI and a disc", with(iso(), &[(0x40, &0xbeda_107f_u32.to_le_bytes())])),
        ("LUKS and a partitioned disk", disk(4096, &[(0, b"LUKS\xba\xbe\0\x01"), signature])),
    ]
}

#[test]
fn nothing_of_it_is_taken_as_anything() {
    for require_match in [true, false] {
        let rules = InspectionRules {
            require_match,
            vmdk_allowed_types: ["monolithicSparse", "monolithicFlat", "streamOptimized"]
                .map(str::to_owned)
                .to_vec(),
            ..InspectionRules::default()
        };
        for (what, bytes) in corpus() {
            let found = inspect(&bytes);
            for claim in CLAIMS {
                let judged = judge(&found, claim, "bare", &rules);
                assert!(judged.is_err(), "{what} as {claim}, match required: {require_match}: {judged:?}");
            }
        }
    }
}

#[test]
fn nothing_of_it_is_read_as_a_disk_of_its_format() {
    for (what, bytes) in corpus() {
        for format in inspect(&bytes).detected {
            if matches!(format, DiskFormat::Raw | DiskFormat::Gpt | DiskFormat::Iso) {
                continue;
            }
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            assert!(read_for_conversion(file, Path::new(what), format).is_err(), "{what} as {format}");
        }
    }
}

#[test]
fn encrypted_and_partitioned_disks_may_be_allowed_formats() {
    let luks = disk(1 << 20, &[(0, b"LUKS\xba\xbe\x00\x01"), (104, &[0, 0, 0, 8])]);
    let rules = InspectionRules::default();
    assert_eq!(judge(&inspect(&luks), "luks", "bare", &rules).unwrap().virtual_size, Some((1 << 20) - 4096));
    let newer = disk(1 << 20, &[(0, b"LUKS\xba\xbe\x00\x02")]);
    assert!(judge(&inspect(&newer), "luks", "bare", &rules).is_err());
    let table = mbr(0xee, [0, 2, 0], 1);
    assert_eq!(judge(&inspect(&table), "gpt", "bare", &rules).unwrap().virtual_size, Some(1 << 20));
}
