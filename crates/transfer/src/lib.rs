// SPDX-License-Identifier: Apache-2.0
//! The engine that moves image bytes: digests, fan-out, extents, verification.
//!
//! [`ingest`] takes a body of unknown shape into any number of stores, [`copy`] takes a finished object into
//! any number of other stores, [`read_stream`] turns an object into a body, and [`clone_or_none`] asks a
//! backend to spare all of that; [`plan_targets`] says beforehand which it will be. Nothing here knows HTTP, the database or any particular store.

mod block_digest;
mod blocks;
mod budget;
mod checkpoint;
mod chunk;
mod clone;
mod copy;
mod digest_pool;
mod digests;
mod error;
mod fan;
mod ingest;
mod inspect;
mod lane;
mod piece;
mod plan;
mod progress;
mod regroup;
mod side;
mod stream;
mod target;
mod verify;
mod watchers;

pub use block_digest::block_digest;
pub use budget::{MemoryBudget, Reservation};
pub use checkpoint::{Checkpoint, Checkpoints, KeepCheckpoint};
pub use chunk::Chunk;
pub use clone::{Refused, clone_or_none};
pub use copy::{Copied, CopyCheckpoints, CopySpec, KeepCopied, copy};
pub use error::{CopyError, Failed, IngestError, LeftBehind};
pub use ingest::{IngestSpec, Ingested, ingest};
pub use plan::{CopyPlan, Planned, SourceExtents, plan_targets, survey};
pub use progress::{Progress, Snapshot};
pub use scurry_formats::Inspection;
pub use scurry_store::Strategy;
pub use stream::read_stream;
pub use target::{OnFailure, OpenTarget, Target, TargetOutcome};
pub use verify::{Known, Verifier};
