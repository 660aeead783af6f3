// SPDX-License-Identifier: Apache-2.0
//! The hash of any cut of any bytes is the library's.

use proptest::collection::vec;
use proptest::prelude::*;
use sha2::Digest;

use super::*;
use crate::{md5, sha512};

fn md5_of(data: &[u8]) -> [u8; 16] {
    ::md5::Md5::digest(data).into()
}

fn sha512_of(data: &[u8]) -> [u8; 64] {
    sha2::Sha512::digest(data).into()
}

/// Feeds the parts that end at `cuts`, keeping the state and going on from it at each.
fn in_parts<C: Core<BLOCK>, const BLOCK: usize>(data: &[u8], cuts: &[usize]) -> C::Bytes {
    let mut hash = Blockwise::<C, BLOCK>::new();
    let mut at = 0;
    for cut in cuts.iter().map(|cut| cut % (data.len() + 1)).chain([data.len()]) {
        if cut >= at {
            hash.update(&data[at..cut]);
            hash = Blockwise::restore(&hash.save()).unwrap();
            at = cut;
        }
    }
    hash.finalize()
}

/// Each stream is fed its parts beside the other streams' parts of the same number.
fn together<C: Core<BLOCK>, const BLOCK: usize>(streams: &[Vec<Vec<u8>>]) -> Vec<C::Bytes> {
    let mut hashes = vec![Blockwise::<C, BLOCK>::new(); streams.len()];
    for turn in 0..streams.iter().map(Vec::len).max().unwrap_or(0) {
        let beside = hashes.iter_mut().zip(streams);
        let mut beside: Vec<_> =
            beside.filter_map(|(hash, parts)| Some((hash, parts.get(turn)?.as_slice()))).collect();
        Blockwise::update_together(&mut beside);
    }
    hashes.into_iter().map(Blockwise::finalize).collect()
}

#[test]
fn they_are_the_digests_of_the_standards() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let abc = in_parts::<sha512::State, 128>(b"abc", &[]);
    assert_eq!(
        hex(&abc),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    );
    let two_blocks = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
        hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    assert_eq!(
        hex(&in_parts::<sha512::State, 128>(two_blocks, &[])),
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
         501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"
    );
    let million = vec![b'a'; 1_000_000];
    assert_eq!(
        hex(&in_parts::<sha512::State, 128>(&million, &[])),
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb\
         de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"
    );
    assert_eq!(hex(&in_parts::<md5::State, 64>(b"message digest", &[])), "f96b697d7cb7938d525a2f31aaf161d0");
}

/// Of the data in parts that end at `cuts`, in their order within it.
fn are_the_digests_others_compute(data: &[u8], mut cuts: Vec<usize>) -> Result<(), TestCaseError> {
    cuts.iter_mut().for_each(|cut| *cut %= data.len() + 1);
    cuts.sort_unstable();
    prop_assert_eq!(in_parts::<md5::State, 64>(data, &cuts), md5_of(data));
    prop_assert_eq!(in_parts::<sha512::State, 128>(data, &cuts), sha512_of(data));
    Ok(())
}

proptest! {
    #[test]
    fn a_stream_has_the_digests_others_compute(
        data in vec(any::<u8>(), 0..5000), cuts in vec(any::<usize>(), 0..5),
    ) {
        are_the_digests_others_compute(&data, cuts)?;
    }

    #[test]
    fn zeroes_count_as_any_bytes(
        stretches in vec((0_usize..9000, any::<bool>()), 0..6), cuts in vec(any::<usize>(), 0..3),
    ) {
        let stretch = |(len, zero): (usize, bool)| (0..len).map(move |at| if zero { 0 } else { at as u8 });
        let data: Vec<u8> = stretches.into_iter().flat_map(stretch).collect();
        are_the_digests_others_compute(&data, cuts)?;
    }

    #[test]
    fn streams_side_by_side_have_the_digests_of_each(
        streams in vec(vec(vec(any::<u8>(), 0..1500), 0..4), 1..=4),
    ) {
        let whole: Vec<_> = streams.iter().map(|parts| parts.concat()).collect();
        let md5s: Vec<_> = whole.iter().map(|data| md5_of(data)).collect();
        let sha512s: Vec<_> = whole.iter().map(|data| sha512_of(data)).collect();
        prop_assert_eq!(together::<md5::State, 64>(&streams), md5s);
        prop_assert_eq!(together::<sha512::State, 128>(&streams), sha512s);
    }

    #[test]
    fn all_lanes_of_md5_are_used(streams in vec(vec(vec(any::<u8>(), 0..700), 0..3), 5..=8)) {
        let md5s: Vec<_> = streams.iter().map(|parts| md5_of(&parts.concat())).collect();
        prop_assert_eq!(together::<md5::State, 64>(&streams), md5s);
    }
}
