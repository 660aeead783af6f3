// SPDX-License-Identifier: Apache-2.0
//! How fast one stream is hashed, and so many side by side on one thread.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use scurry_digests::Hasher;
use scurry_types::HashAlgorithm;

const PIECE: usize = 1 << 20;

fn side_by_side(criterion: &mut Criterion) {
    let pieces: Vec<Vec<u8>> = (0..8_u8).map(|n| vec![n; PIECE]).collect();
    for (algorithm, lanes) in [(HashAlgorithm::Md5, 8), (HashAlgorithm::Sha512, 4)] {
        let mut group = criterion.benchmark_group(algorithm.as_str());
        group.sample_size(20);
        for streams in 1..=lanes {
            group.throughput(Throughput::Bytes((streams * PIECE) as u64));
            group.bench_function(format!("{streams} streams"), |bench| {
                bench.iter_batched_ref(
                    || vec![Hasher::new(algorithm); streams],
                    |hashes| {
                        let mut beside: Vec<_> =
                            hashes.iter_mut().zip(pieces.iter().map(Vec::as_slice)).collect();
                        Hasher::update_together(&mut beside);
                    },
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(all, side_by_side);
criterion_main!(all);
