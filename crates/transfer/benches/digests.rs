// SPDX-License-Identifier: Apache-2.0
//! How fast a body passes everything that looks at it, with no store to wait for: the digests on their threads, the block
//! hashes and the inspection.
#![allow(missing_docs, clippy::unwrap_used)]

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::stream;
use scurry_transfer::{Chunk, IngestSpec, MemoryBudget, OnFailure, Progress, ingest};
use scurry_types::HashAlgorithm;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const LEN: u64 = 64 << 20;

fn spec(algorithm: HashAlgorithm) -> IngestSpec {
    IngestSpec {
        algorithm,
        declared_len: Some(LEN),
        max_len: LEN,
        inspect: true,
        on_target_failure: OnFailure::AbortAll,
        progress: Arc::new(Progress::new()),
        cancel: CancellationToken::new(),
        resume: None,
        checkpoints: None,
        suspendable: false,
    }
}

async fn pass(chunks: Vec<Chunk>, algorithm: HashAlgorithm, budget: &MemoryBudget) {
    let body = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    ingest(body, Vec::new(), spec(algorithm), budget).await.unwrap();
}

fn fan_out(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let budget = MemoryBudget::new(64 << 20);
    let mut group = criterion.benchmark_group("digests of 64 MiB");
    group.throughput(Throughput::Bytes(LEN)).sample_size(10);
    // As a socket gives it out.
    let received = Bytes::from((0..256_u32 << 10).map(|n| ((n * n) >> 7) as u8).collect::<Vec<_>>());
    let data = vec![Chunk::Data(received); (LEN >> 18) as usize];
    for algorithm in [HashAlgorithm::Md5, HashAlgorithm::Sha256, HashAlgorithm::Sha512] {
        group.bench_function(format!("data, {algorithm}"), |bench| {
            bench.iter(|| runtime.block_on(pass(data.clone(), algorithm, &budget)));
        });
    }
    group.bench_function("a hole, sha512", |bench| {
        bench.iter(|| runtime.block_on(pass(vec![Chunk::Zeroes(LEN)], HashAlgorithm::Sha512, &budget)));
    });
    group.finish();
}

criterion_group!(all, fan_out);
criterion_main!(all);
