// SPDX-License-Identifier: Apache-2.0
//! Signed images: this service has no key manager to fetch certificates from, so it cannot verify a signature.

use super::Answer;
use crate::error::ImageError;
use crate::image::Image;

/// With all of them, data must be verified while it comes in.
const SIGNATURE: [&str; 4] = [
    "img_signature",
    "img_signature_hash_method",
    "img_signature_key_type",
    "img_signature_certificate_uuid",
];

/// Refuses data for an image whose signature would have to be verified: it must not count unverified.
pub(super) fn check_signature(image: &Image) -> Answer<()> {
    if !SIGNATURE.iter().all(|name| image.properties.contains_key(*name)) {
        return Ok(());
    }
    Err(ImageError::Invalid(
        "Signature verification failed: this service has no key manager and cannot verify image signatures. \
         Remove the img_signature properties to upload the data unverified; set again afterwards, they are kept \
         for those who verify images when they use them."
            .to_owned(),
    ))
}
