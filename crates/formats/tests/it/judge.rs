// SPDX-License-Identifier: Apache-2.0
//! Which images are kept, and in which words others are refused.

use scurry_formats::{InspectionRules, Verdict, judge};

use crate::{DESCRIPTOR, disk, inspect, iso, mbr, qcow2, vmdk};

fn verdict(bytes: &[u8], disk_format: &str, rules: &InspectionRules) -> Result<Option<u64>, String> {
    let judged = judge(&inspect(bytes), disk_format, "bare", rules);
    judged.map(|Verdict { virtual_size }| virtual_size).map_err(|refusal| refusal.to_string())
}

fn strict(bytes: &[u8], disk_format: &str) -> Result<Option<u64>, String> {
    verdict(bytes, disk_format, &InspectionRules::default())
}

fn lenient() -> InspectionRules {
    InspectionRules { require_match: false, ..InspectionRules::default() }
}

#[test]
fn what_is_said_to_be_is_taken_with_its_virtual_size() {
    assert_eq!(strict(&[1; 5000], "raw"), Ok(Some(5000)));
    assert_eq!(strict(&[], "raw"), Ok(None));
    assert_eq!(strict(&qcow2(3, 0, 0), "qcow2"), Ok(Some(1 << 30)));
    assert_eq!(
        strict(&qcow2(2, 0, u64::MAX), "qcow2"),
        Ok(Some(1 << 30)),
        "version 2 has no feature bits there"
    );
    assert_eq!(strict(&vmdk(DESCRIPTOR), "vmdk"), Ok(Some(1 << 20)));
    assert_eq!(strict(&iso(), "iso"), Ok(Some(3 * 2048)));
    assert_eq!(strict(&[1; 5000], "ami"), Ok(None));
}

#[test]
fn raw_disks_may_hold_what_disks_hold() {
    assert_eq!(strict(&mbr(0x83, [0, 1, 1], 2048), "raw"), Ok(Some(1 << 20)));
    assert_eq!(strict(&iso(), "raw"), Ok(Some(1 << 20)));
    let luks = disk(1 << 20, &[(0, b"LUKS\xba\xbe\x00\x01")]);
    assert_eq!(strict(&luks, "raw"), Ok(Some(1 << 20)));
}

#[test]
fn mismatches_are_named() {
    let mismatch =
        |claimed, found| Err(format!("Image disk_format {claimed} does not match stream data {found}"));
    assert_eq!(strict(&qcow2(3, 0, 0), "raw"), mismatch("raw", "qcow2"));
    assert_eq!(strict(&vmdk(DESCRIPTOR), "raw"), mismatch("raw", "vmdk"));
    assert_eq!(strict(b"conectix and more", "raw"), mismatch("raw", "vhd"));
    assert_eq!(strict(&[1; 5000], "qcow2"), mismatch("qcow2", "raw"));
    assert_eq!(strict(&qcow2(3, 0, 0), "vmdk"), mismatch("vmdk", "qcow2"));
    assert_eq!(strict(&qcow2(3, 0, 0), "ami"), mismatch("ami", "qcow2"));
    assert_eq!(strict(&[1; 5000], "vhd"), mismatch("vhd", "raw"));
}

#[test]
fn without_the_required_match_only_harm_is_refused() {
    assert_eq!(verdict(&qcow2(3, 0, 0), "raw", &lenient()), Ok(Some(1024)));
    assert_eq!(verdict(&[1; 5000], "qcow2", &lenient()), Ok(None));
    for claimed in ["raw", "qcow2", "vmdk"] {
        let refused = verdict(&qcow2(3, 7, 0), claimed, &lenient()).unwrap_err();
        assert_eq!(refused, "Image failed safety checks: backing_file (the image has a backing file)");
    }
}

#[test]
fn hidden_formats_are_refused() {
    let mut both = iso();
    both[..1024].copy_from_slice(&qcow2(3, 0, 0));
    for claimed in ["raw", "qcow2", "iso"] {
        assert_eq!(strict(&both, claimed), Err("Multiple formats detected: qcow2,iso".to_owned()));
    }
}

#[test]
fn other_containers_are_not_looked_at() {
    let judged = judge(&inspect(&qcow2(3, 7, 0)), "qcow2", "ovf", &InspectionRules::default());
    assert_eq!(judged, Ok(Verdict { virtual_size: None }));
}

#[test]
fn partition_tables_are_checked_as_far_as_the_operator_wants() {
    let empty = mbr(0, [0; 3], 0);
    let refused = "Image failed safety checks: mbr (the MBR defines no partition)";
    assert_eq!(strict(&empty, "raw"), Err(refused.to_owned()));
    assert_eq!(strict(&empty, "gpt"), Err(refused.to_owned()));
    let rules = InspectionRules { gpt_nonfatal: vec!["mbr".to_owned()], ..InspectionRules::default() };
    assert_eq!(verdict(&empty, "raw", &rules), Ok(Some(1 << 20)));
    assert_eq!(strict(&empty, "aki"), Ok(None), "kernels look like that");
    assert!(strict(&mbr(0xee, [0, 2, 0], 1), "gpt").is_ok());
    assert!(strict(&mbr(0xee, [0, 1, 0], 1), "gpt").is_err());
    assert!(strict(&mbr(0xee, [0, 2, 0], 63), "gpt").is_err());
    let mut more = mbr(0xee, [0, 2, 0], 1);
    more[446 + 16 + 4] = 0x83;
    assert!(strict(&more, "gpt").is_err());
    more[446 + 16] = 7;
    assert!(strict(&more, "gpt").is_err());
}

#[test]
fn vmdk_types_are_the_operators_choice_among_the_safe_ones() {
    let streams = InspectionRules {
        vmdk_allowed_types: vec!["streamOptimized".to_owned()],
        ..InspectionRules::default()
    };
    assert!(verdict(&vmdk(DESCRIPTOR), "vmdk", &streams).is_err());
    let all = ["monolithicSparse", "monolithicFlat", "streamOptimized", "twoGbMaxExtentFlat"];
    let all =
        InspectionRules { vmdk_allowed_types: all.map(str::to_owned).to_vec(), ..InspectionRules::default() };
    for kind in ["monolithicFlat", "twoGbMaxExtentFlat", "custom"] {
        let descriptor = DESCRIPTOR.replace("monolithicSparse", kind);
        assert!(verdict(&vmdk(&descriptor), "vmdk", &all).is_err(), "{kind}");
    }
}
