// SPDX-License-Identifier: Apache-2.0
//! Whether the service holds the file: its digests against ours.

use std::sync::Arc;

use scurry_openstack_client::image::Image;
use scurry_types::HashAlgorithm;

use super::digests::Hashing;
use super::progress::Meter;
use super::source::Source;
use crate::failure::Failure;

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verified {
    /// The digest over the hashes of the blocks.
    Blocks,
    /// A digest of the whole.
    Digest(HashAlgorithm),
    /// The service tells no digest that is known here.
    Nothing,
}

impl Verified {
    /// The word for events.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Blocks => "blake3-4m",
            Self::Digest(algorithm) => algorithm.as_str(),
            Self::Nothing => "nothing",
        }
    }

    /// The end of a sentence that says what was done.
    pub(super) fn sentence(self) -> String {
        match self {
            Self::Nothing => "NOT verified: the service tells no digest".to_owned(),
            _ => format!("verified by {}", self.word()),
        }
    }
}

/// The digests the service tells of an image: the secure one first.
pub(super) fn told(image: &Image) -> Vec<(HashAlgorithm, String)> {
    let secure = image
        .os_hash_algo
        .as_deref()
        .and_then(|name| name.parse().ok())
        .zip(image.os_hash_value.clone().filter(|value| !value.is_empty()));
    let md5 =
        image.checksum.clone().filter(|value| !value.is_empty()).map(|value| (HashAlgorithm::Md5, value));
    secure.into_iter().chain(md5).collect()
}

/// Compares every digest that both sides know.
pub(super) fn compare(
    image: &Image,
    ours: &[(HashAlgorithm, String)],
    source: &Source,
) -> Result<Verified, Failure> {
    let mut verified = Verified::Nothing;
    for (algorithm, theirs) in told(image) {
        let Some((_, own)) = ours.iter().find(|(known, _)| *known == algorithm) else { continue };
        if !own.eq_ignore_ascii_case(&theirs) {
            return Err(different(&image.id, source, algorithm.as_str(), &theirs, own));
        }
        if verified == Verified::Nothing {
            verified = Verified::Digest(algorithm);
        }
    }
    Ok(verified)
}

/// Compares the digests over the hashes of blocks.
pub(super) fn compare_blocks(
    id: &str,
    theirs: &[u8; 32],
    own: &[u8; 32],
    source: &Source,
) -> Result<Verified, Failure> {
    if theirs == own {
        return Ok(Verified::Blocks);
    }
    let hex = |digest: &[u8; 32]| blake3::Hash::from_bytes(*digest).to_hex().to_string();
    Err(different(id, source, Verified::Blocks.word(), &hex(theirs), &hex(own)))
}

/// Reads the file once more, for a digest the service tells.
pub(super) async fn read_again(image: &Image, source: &Source, meter: &Meter) -> Result<Verified, Failure> {
    let Some((algorithm, _)) = told(image).into_iter().next() else { return Ok(Verified::Nothing) };
    meter.at(0);
    let _shown = meter.begin("verifying", source.len());
    let hashing = Hashing::start(&[algorithm]);
    hashing.read(Arc::clone(&source.disk), source.len(), meter).await?;
    compare(image, &hashing.finish().await?, source)
}

fn different(id: &str, source: &Source, what: &str, theirs: &str, own: &str) -> Failure {
    Failure::plain(format!(
        "what the service holds is not {}: its {what} is {theirs}, the file's is {own}. Do not use image {id}: delete it \
         (openstack image delete {id}) and upload again",
        source.path.display()
    ))
}
