// SPDX-License-Identifier: Apache-2.0
//! Whatever the mix of streams, each gets its own digest.

use bytes::Bytes;
use futures::future::join_all;
use md5::Md5;
use proptest::collection::vec;
use proptest::prelude::*;
use scurry_digests::Hasher;
use scurry_types::HashAlgorithm;
use sha2::{Digest, Sha256, Sha512};

use super::DigestStream;
use crate::MemoryBudget;
use crate::piece::Part;

const ALGORITHMS: [HashAlgorithm; 3] = [HashAlgorithm::Md5, HashAlgorithm::Sha512, HashAlgorithm::Sha256];

/// A stretch of a stream: of this byte, or of zeroes nobody holds, and whether its state is kept and gone on from.
#[derive(Debug, Clone)]
struct Stretch {
    byte: Option<u8>,
    len: usize,
    cut: bool,
}

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let stretch = (any::<Option<u8>>(), 0_usize..200_000, proptest::bool::weighted(0.2));
    vec(stretch.prop_map(|(byte, len, cut)| Stretch { byte, len, cut }), 0..12)
}

fn bytes(stretches: &[Stretch]) -> Vec<u8> {
    stretches.iter().flat_map(|stretch| vec![stretch.byte.unwrap_or(0); stretch.len]).collect()
}

fn expected(algorithm: HashAlgorithm, data: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match algorithm {
        HashAlgorithm::Md5 => hex(&Md5::digest(data)),
        HashAlgorithm::Sha256 => hex(&Sha256::digest(data)),
        _ => hex(&Sha512::digest(data)),
    }
}

async fn digest(algorithm: HashAlgorithm, stretches: &[Stretch], budget: &MemoryBudget) -> String {
    let mut stream = DigestStream::start(algorithm, Hasher::new(algorithm)).unwrap();
    let mut offset = 0;
    for Stretch { byte, len, cut } in stretches {
        let part = match byte {
            Some(byte) => Part::data(offset, Bytes::from(vec![*byte; *len]), budget.reserve(*len).await),
            None => Part::Zero { offset, len: *len as u64 },
        };
        offset += part.len();
        stream.send(&part).await;
        if *cut {
            let state = stream.ask().await.await.unwrap();
            let hasher = Hasher::restore(algorithm, &state.0).unwrap();
            stream = DigestStream::start(algorithm, hasher).unwrap();
        }
    }
    stream.finish().await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_is_hashed_beside_it_a_stream_has_its_digest(
        streams in vec((0..ALGORITHMS.len(), stretches()), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let budget = MemoryBudget::new(64 << 20);
        let digests = streams.iter().map(|(which, stretches)| digest(ALGORITHMS[*which], stretches, &budget));
        let digests = runtime.block_on(join_all(digests));
        for ((which, stretches), digest) in streams.iter().zip(digests) {
            prop_assert_eq!(digest, expected(ALGORITHMS[*which], &bytes(stretches)));
        }
        prop_assert_eq!(budget.in_use(), 0);
    }
}

#[tokio::test]
async fn a_stream_given_up_gives_its_memory_back() {
    let budget = MemoryBudget::new(64 << 20);
    for algorithm in ALGORITHMS {
        let stream = DigestStream::start(algorithm, Hasher::new(algorithm)).unwrap();
        for offset in 0..4 {
            let part = Part::data(offset << 20, Bytes::from(vec![1; 1 << 20]), budget.reserve(1 << 20).await);
            stream.send(&part).await;
        }
    }
    // Waits until all that may be held is free.
    let _all = budget.reserve(usize::MAX).await;
}
