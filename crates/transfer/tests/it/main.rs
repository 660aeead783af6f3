// SPDX-License-Identifier: Apache-2.0
//! The engine between stores in memory whose faults are to order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod clone;
mod copy;
mod copy_faults;
mod copy_resume;
mod ingest;
mod ingest_faults;
mod plan;
mod resume;
mod stream;
mod stream_file;
