// SPDX-License-Identifier: Apache-2.0
//! What is believed of a client's hashes.

use serde_json::json;

use super::*;

fn image(status: ImageStatus) -> Image {
    let now = chrono::Utc::now();
    let active = status == ImageStatus::Active;
    Image {
        id: scurry_types::ImageId::random(),
        name: None,
        status,
        visibility: scurry_types::Visibility::Private,
        protected: false,
        os_hidden: false,
        owner: None,
        container_format: None,
        disk_format: None,
        min_disk: 0,
        min_ram: 0,
        size: None,
        virtual_size: None,
        checksum: active.then(|| "1".repeat(32)),
        os_hash_algo: active.then(|| "sha512".to_owned()),
        os_hash_value: active.then(|| "deadbeef".repeat(16)),
        created_at: now,
        updated_at: now,
        properties: Default::default(),
        tags: Default::default(),
        locations: Vec::new(),
    }
}

fn said(checksum: &str, algorithm: &str, value: &str) -> Claims {
    let claims = json!({"checksum": checksum, "os_hash_algo": algorithm, "os_hash_value": value});
    Claims::read(&claims).unwrap()
}

#[test]
fn a_queued_image_takes_them_over() {
    let good = said(&"1".repeat(32), "sha512", &"deadbeef".repeat(16));
    let new = Claims::accept(&image(ImageStatus::Queued), &[&good], HashAlgorithm::Sha512).unwrap();
    assert_eq!(new.as_ref(), Some(&good));
    let known = Claims::accept(&image(ImageStatus::Active), &[&good], HashAlgorithm::Sha512).unwrap();
    assert_eq!(known, None);
}

#[test]
fn an_active_image_contradicts() {
    let known = "deadbeef".repeat(16);
    for (claims, text) in [
        (said(&"2".repeat(32), "sha512", &known), "checksum is already set"),
        (said(&"1".repeat(32), "sha256", &known), "os_hash_algo is already set"),
        (said(&"1".repeat(32), "sha512", &"beefdead".repeat(16)), "os_hash_value is already set"),
    ] {
        let refused = Claims::accept(&image(ImageStatus::Active), &[&claims], HashAlgorithm::Sha512);
        assert!(refused.unwrap_err().to_string().starts_with(text));
    }
}

#[test]
fn nonsense_is_a_conflict() {
    for (claims, text) in [
        (said(&"z".repeat(32), "sha512", &"ab".repeat(64)), "checksum (zzzz"),
        (said(&"1".repeat(32), "crc", "x"), "os_hash_algo must be sha512, not crc"),
        (said(&"1".repeat(32), "sha512", "xy"), "os_hash_value (xy) is not a valid hexadecimal value"),
        (
            said(&"1".repeat(32), "sha512", "abcd"),
            "os_hash_value (abcd) is not the correct size for sha512 (should be 64 bytes)",
        ),
    ] {
        let refused = Claims::accept(&image(ImageStatus::Queued), &[&claims], HashAlgorithm::Sha512);
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, ImageError::Conflict(said) if said.starts_with(text)), "{refused}");
    }
}

#[test]
fn locations_must_agree_and_fit_the_schema() {
    let (one, other) = (said(&"1".repeat(32), "sha512", "ab"), said(&"1".repeat(32), "sha512", "cd"));
    let refused =
        Claims::accept(&image(ImageStatus::Queued), &[&one, &other], HashAlgorithm::Sha512).unwrap_err();
    assert_eq!(refused.to_string(), "Conflicting values for os_hash_value");
    for bad in [
        json!(5),
        json!({"os_hash_algo": "sha512"}),
        json!({"os_hash_algo": 5, "os_hash_value": "ab"}),
        json!({"checksum": "1", "os_hash_algo": "sha512", "os_hash_value": "ab"}),
        json!({"zz": "1", "os_hash_algo": "sha512", "os_hash_value": "ab"}),
    ] {
        assert!(matches!(Claims::read(&bad), Err(ImageError::Invalid(_))), "{bad}");
    }
}
