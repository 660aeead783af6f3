// SPDX-License-Identifier: Apache-2.0
//! Ids, tokens and secrets nobody can guess, and the digest tokens are kept by.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A new id: 32 hexadecimal digits.
pub(crate) fn id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// 256 bits from the system's generator, URL-safe.
pub(crate) fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// An audit id: names a token without giving it away.
pub(crate) fn audit_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// SHA-256 of a token's text, hexadecimal.
///
/// Looking a token up by its digest also keeps the time of the look-up from telling anything about the token.
pub(crate) fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
