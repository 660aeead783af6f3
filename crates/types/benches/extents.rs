// SPDX-License-Identifier: Apache-2.0
//! How fast extents and ranges are put together and asked, and zeroes are found: the work of a copy besides moving data.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use scurry_types::{ExtentKind, Extents, Ranges, is_zero};

/// As many as a badly fragmented image has.
const MANY: u64 = 100_000;

fn extents(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("extents");
    group.throughput(Throughput::Elements(MANY));
    group.bench_function("from data ranges", |bench| {
        bench.iter(|| Extents::from_data_ranges((0..MANY).map(|at| at * 16..at * 16 + 8), MANY * 16));
    });
    group.bench_function("push", |bench| {
        bench.iter(|| {
            let mut extents = Extents::new();
            for at in 0..MANY {
                extents.push(if at % 3 == 0 { ExtentKind::Data } else { ExtentKind::Zero }, 4096);
            }
            extents
        });
    });
    group.finish();
}

fn ranges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ranges");
    group.throughput(Throughput::Elements(MANY));
    // Four workers end their blocks a little out of order.
    let order: Vec<u64> = (0..MANY / 4).flat_map(|at| [4 * at + 2, 4 * at, 4 * at + 3, 4 * at + 1]).collect();
    group.bench_function("insert about in order", |bench| {
        bench.iter(|| {
            let mut ranges = Ranges::new();
            order.iter().for_each(|at| ranges.insert(*at..at + 1));
            assert_eq!(ranges.len(), MANY);
            ranges
        });
    });
    let mut sparse = Ranges::new();
    (0..MANY).for_each(|at| sparse.insert(at * 3..at * 3 + 1));
    group.bench_function("contains among many", |bench| {
        bench.iter(|| (0..MANY).filter(|at| sparse.contains(black_box(at * 3)..at * 3 + 1)).count());
    });
    group.bench_function("insert among many", |bench| {
        bench.iter_batched(
            || sparse.clone(),
            |mut ranges| {
                ranges.insert(MANY..MANY + 2);
                ranges
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn zero_scan(criterion: &mut Criterion) {
    const BLOCK: usize = 4096;
    let mut group = criterion.benchmark_group("zero scan");
    let zeroes = vec![0_u8; 4 << 20];
    let mut data = zeroes.clone();
    data.chunks_mut(BLOCK).for_each(|block| block[BLOCK - 1] = 1);
    group.throughput(Throughput::Bytes(zeroes.len() as u64));
    for (name, bytes) in [("zeroes", &zeroes), ("data that begins with zeroes", &data)] {
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(bytes).chunks(BLOCK).filter(|block| is_zero(block)).count());
        });
    }
    group.finish();
}

criterion_group!(all, extents, ranges, zero_scan);
criterion_main!(all);
