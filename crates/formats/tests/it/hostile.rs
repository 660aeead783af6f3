// SPDX-License-Identifier: Apache-2.0
//! Streams made to confuse or to exhaust: nothing panics, and how they are cut up does not matter.

use proptest::prelude::*;
use scurry_formats::{DiskFormat, Inspection, Inspector};

use crate::{DESCRIPTOR, disk, inspect, iso, mbr, qcow2, vmdk};

fn checks(bytes: &[u8]) -> (Option<DiskFormat>, Vec<&'static str>) {
    let found = inspect(bytes);
    (found.format(), found.faults.iter().map(|fault| fault.check).collect())
}

fn in_pieces(bytes: &[u8], mut cuts: Vec<usize>) -> Inspection {
    cuts.iter_mut().for_each(|cut| *cut %= bytes.len() + 1);
    cuts.sort_unstable();
    let mut inspector = Inspector::new();
    let mut from = 0;
    for (nth, cut) in cuts.into_iter().chain([bytes.len()]).enumerate() {
        inspector.feed(&bytes[from..cut]);
        if nth % 2 == 1 {
            inspector = Inspector::restore(&inspector.save()).unwrap();
        }
        from = cut;
    }
    inspector.finish()
}

#[test]
fn what_was_not_saved_is_not_restored() {
    let mut inspector = Inspector::new();
    inspector.feed(&qcow2(3, 0, 0));
    let saved = inspector.save();
    for len in 0..saved.len() {
        assert!(Inspector::restore(&saved[..len]).is_none(), "{len}");
    }
    for at in 0..17 {
        let mut other = saved.clone();
        other[at] ^= 0x80;
        assert!(Inspector::restore(&other).is_none(), "{at}");
    }
}

#[test]
fn qcow2_headers() {
    let qcow2_with = |faults: &[&'static str]| (Some(DiskFormat::Qcow2), faults.to_vec());
    assert_eq!(checks(&qcow2(3, 0, 0b1011)), qcow2_with(&[]));
    assert_eq!(checks(&qcow2(3, 1, 0)), qcow2_with(&["backing_file"]));
    assert_eq!(checks(&qcow2(3, 0, 4)), qcow2_with(&["data_file"]));
    assert_eq!(
        checks(&qcow2(3, 1 << 40, 4 | 1 << 63)),
        qcow2_with(&["backing_file", "data_file", "unknown_features"])
    );
    for version in [0, 1, 4, u32::MAX] {
        assert_eq!(checks(&qcow2(version, 0, 0)), qcow2_with(&["unknown_features"]));
    }
    for len in 4..80 {
        let (format, faults) = checks(&qcow2(3, 0, 0)[..len]);
        assert!(format == Some(DiskFormat::Qcow2) && !faults.is_empty(), "{len}");
    }
}

#[test]
fn vmdk_descriptors() {
    let good = checks(&vmdk(DESCRIPTOR));
    assert_eq!(good, (Some(DiskFormat::Vmdk), vec![]));
    for descriptor in [
        "",
        "\0",
        "createType=\"monolithicSparse\"",
        &DESCRIPTOR.replace("createType", "creatType"),
        &DESCRIPTOR.replace("disk.vmdk", "/etc/passwd"),
        &DESCRIPTOR.replace("disk.vmdk", "../other"),
        &DESCRIPTOR.replace("RW 2048", "EXEC 2048"),
        &DESCRIPTOR.replace("monolithicSparse", "monolithicFlat"),
        &DESCRIPTOR.replace("monolithicSparse", &"x".repeat(100)),
        &format!("{DESCRIPTOR}é"),
        &format!("{DESCRIPTOR}parentFileNameHint=\"/etc/passwd\"\n"),
    ] {
        assert_eq!(checks(&vmdk(descriptor)), (Some(DiskFormat::Vmdk), vec!["descriptor"]), "{descriptor}");
    }
    assert_eq!(checks(&vmdk(DESCRIPTOR)[..2000]).1, ["descriptor"], "cut off");
    assert_eq!(checks(b"# Disk DescriptorFile\n").1, ["descriptor"]);
    let mut no_capacity = vmdk(DESCRIPTOR);
    no_capacity[12..20].fill(0);
    assert_eq!(checks(&no_capacity).1, ["descriptor"]);
    let mut elsewhere = vmdk(DESCRIPTOR);
    elsewhere[28] = 9;
    assert_eq!(checks(&elsewhere).1, ["descriptor"]);
}

#[test]
fn a_descriptor_alone_is_a_vmdk_that_leads_elsewhere() {
    for kind in ["monolithicFlat", "monolithicSparse"] {
        let text = DESCRIPTOR.replace("monolithicSparse", kind);
        assert_eq!(checks(text.as_bytes()), (Some(DiskFormat::Vmdk), vec!["descriptor"]));
        let padded = format!("{}{text}", "# comment\n".repeat(90_000));
        assert_eq!(checks(padded.as_bytes()), (Some(DiskFormat::Vmdk), vec!["descriptor"]));
        let accents = format!("{}é\n{text}", "# comment\n".repeat(90));
        assert_eq!(checks(accents.as_bytes()), (Some(DiskFormat::Vmdk), vec!["descriptor"]));
    }
    assert_eq!(checks("just text\n".repeat(1000).as_bytes()), (Some(DiskFormat::Raw), vec![]));
}

#[test]
fn a_streamed_vmdk_must_not_say_something_else_at_its_end() {
    let descriptor = DESCRIPTOR.replace("monolithicSparse", "streamOptimized");
    let mut good = vmdk(&descriptor);
    let real = good[..512].to_vec();
    good[56..64].fill(0xff);
    good.extend(disk(512, &[(0, &[1]), (12, &[3])]));
    good.extend(real);
    good.extend([0; 512]);
    assert_eq!(checks(&good), (Some(DiskFormat::Vmdk), vec![]));
    let footer = good.len() - 1024;
    let mut chained = good.clone();
    chained[footer + 56..footer + 64].fill(0xff);
    assert_eq!(checks(&chained).1, ["footer"]);
    for (at, value) in [
        (footer, b'X'),
        (footer + 4, 2),
        (footer + 12, 1),
        (footer + 28, 7),
        (footer - 500, 9),
        (good.len() - 1, 1),
    ] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(checks(&bad), (Some(DiskFormat::Vmdk), vec!["footer"]), "at {at}");
    }
    assert_eq!(checks(&good[..good.len() - 512]).1, ["footer"]);
}

#[test]
fn luks_headers() {
    let luks = |version: u8, len| disk(len, &[(0, b"LUKS\xba\xbe\0"), (7, &[version])]);
    assert_eq!(checks(&luks(1, 4096)), (Some(DiskFormat::Luks), vec![]));
    assert_eq!(checks(&luks(2, 4096)), (Some(DiskFormat::Luks), vec!["version"]));
    assert_eq!(checks(&luks(1, 500)), (Some(DiskFormat::Luks), vec!["version"]));
}

#[test]
fn a_vhdx_whose_tables_lead_nowhere_has_no_size() {
    let metadata =
        [0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e];
    for offset in [0, 1, 200 << 10, u64::MAX, u64::MAX - 10] {
        let table =
            [&b"regi\0\0\0\0\x01\0\0\0\0\0\0\0"[..], &metadata, &offset.to_le_bytes(), &[0; 8]].concat();
        let bytes = disk(2 << 20, &[(0, b"vhdxfile"), (192 << 10, &table)]);
        let found = inspect(&bytes);
        assert_eq!((found.format(), found.virtual_size), (Some(DiskFormat::Vhdx), None));
        assert_eq!(found.faults[0].check, "metadata");
    }
}

/// Beginnings of every format, to be damaged.
fn seeds() -> impl Strategy<Value = Vec<u8>> {
    let vhdx = disk(300 << 10, &[(0, b"vhdxfile"), (192 << 10, b"regi\0\0\0\0\xff\xff\xff\xff")]);
    let vdi = disk(1024, &[(0x40, &0xbeda_107f_u32.to_le_bytes()), (0x170, &[9; 8])]);
    let stream = disk(4096, &[(0, b"KDMV\x03\0\0\0"), (12, &[1]), (28, &[1]), (36, &[4]), (56, &[0xff; 8])]);
    prop_oneof![
        Just(qcow2(3, 0, 0)),
        Just(vmdk(DESCRIPTOR)),
        Just(DESCRIPTOR.as_bytes().to_vec()),
        Just(iso()[..40_000].to_vec()),
        Just(mbr(0xee, [0, 2, 0], 1)[..2000].to_vec()),
        Just(disk(2000, &[(0, b"LUKS\xba\xbe\0\x01")])),
        Just(disk(2000, &[(0, b"conectix"), (1488, b"conectix")])),
        Just(vhdx),
        Just(vdi),
        Just(stream),
        prop::collection::vec(any::<u8>(), 0..3000),
    ]
}

proptest! {
    #[test]
    fn damaged_images_do_no_harm_however_they_arrive(
        mut bytes in seeds(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        near in prop::collection::vec((0_usize..640, any::<u8>()), 0..10),
        len in any::<prop::sample::Index>(),
        cut_off in any::<bool>(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        for (at, value) in near {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        if !bytes.is_empty() {
            damage.iter().for_each(|(at, value)| { let at = at.index(bytes.len()); bytes[at] = *value; });
            if cut_off {
                bytes.truncate(len.index(bytes.len()));
            }
        }
        let whole = in_pieces(&bytes, vec![]);
        prop_assert_eq!(&whole, &in_pieces(&bytes, cuts));
        prop_assert!(!whole.detected.is_empty());
        prop_assert_eq!(whole.size, bytes.len() as u64);
    }
}
