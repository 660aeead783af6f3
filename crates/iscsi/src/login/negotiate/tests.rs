// SPDX-License-Identifier: Apache-2.0
//! Each key's result from its two values.

use super::*;

fn text(pairs: &[(&str, &str)]) -> Text {
    let mut text = Text::default();
    pairs.iter().for_each(|(key, value)| text.put(key, *value));
    text
}

fn options() -> LoginOptions {
    LoginOptions::new("iqn.2026-01.test:i")
}

#[test]
fn silence_means_the_protocols_defaults() {
    let terms = terms(&Text::default(), &options()).unwrap();
    let expected = Terms {
        header_digest: false,
        data_digest: false,
        initial_r2t: true,
        immediate_data: false,
        max_segment: 8192,
        max_burst: 262_144,
        first_burst: 65_536,
        max_outstanding_r2t: 1,
    };
    assert_eq!(terms, expected);
}

#[test]
fn the_smaller_wish_wins_and_the_first_burst_fits_the_burst() {
    let agreed = text(&[
        ("MaxBurstLength", "0x10000"),
        ("FirstBurstLength", "16777215"),
        ("MaxRecvDataSegmentLength", "16777215"),
        ("MaxOutstandingR2T", "99"),
        ("InitialR2T", "No"),
        ("ImmediateData", "Yes"),
        ("HeaderDigest", "CRC32C"),
        ("DataDigest", "None"),
    ]);
    let terms = terms(&agreed, &options()).unwrap();
    assert_eq!((terms.max_burst, terms.first_burst), (65_536, 65_536));
    assert_eq!((terms.max_segment, terms.max_outstanding_r2t), (16_777_215, 16));
    assert!(!terms.initial_r2t && terms.immediate_data && terms.header_digest && !terms.data_digest);
}

#[test]
fn answers_out_of_bounds_are_refused() {
    for (key, value) in [
        ("MaxBurstLength", "511"),
        ("MaxBurstLength", "16777216"),
        ("MaxRecvDataSegmentLength", "0"),
        ("MaxRecvDataSegmentLength", "-1"),
        ("MaxOutstandingR2T", "0"),
        ("InitialR2T", "Maybe"),
        ("HeaderDigest", "MD4"),
        ("ErrorRecoveryLevel", "1"),
    ] {
        assert!(terms(&text(&[(key, value)]), &options()).is_err(), "{key}={value}");
    }
}

#[test]
fn a_digest_that_is_required_has_to_come() {
    let required = LoginOptions { header_digest: Digest::Required, ..options() };
    assert!(terms(&text(&[("HeaderDigest", "None")]), &required).is_err());
    assert!(terms(&Text::default(), &required).is_err());
    assert!(terms(&text(&[("HeaderDigest", "CRC32C")]), &required).unwrap().header_digest);
    let never = LoginOptions { data_digest: Digest::Never, ..options() };
    assert!(terms(&text(&[("DataDigest", "CRC32C")]), &never).is_err());
}

#[test]
fn questions_of_the_target_are_answered() {
    let offer = offer(Purpose::Normal { target: "t" }, &options());
    let asked = text(&[
        ("TargetPortalGroupTag", "1"),
        ("MaxBurstLength", "262144"),
        ("MaxRecvDataSegmentLength", "8192"),
        ("X-com.example.colour", "blue"),
        ("TaskReporting", "NotUnderstood"),
    ]);
    assert_eq!(replies(&asked, &offer), text(&[("X-com.example.colour", "NotUnderstood")]));
}
