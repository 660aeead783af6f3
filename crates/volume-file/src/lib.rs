// SPDX-License-Identifier: Apache-2.0
//! Volumes as sparse files: layers, copy-on-write overlays, reflinks, replicas.
//!
//! A [`Pool`] is a directory of volumes and the only place that changes which files make up a volume. A
//! [`VolumeDescriptor`] names what a [`VolumeFile`] needs to read and write one of them, also from another
//! process. Everything here blocks: call it from blocking threads.
//!
//! What lies in a pool's directory is the whole truth; there is no database beside it.
//!
//! | file | meaning |
//! |---|---|
//! | `volume-<id>` | a volume as one sparse file |
//! | `volume-<id>.overlay` | a volume as changes over a layer |
//! | `layer-<uuid>`, `layer-<uuid>.overlay` | a frozen state that overlays read through; a hard link of the volume it came from |
//! | `volume-<id>.dirty` | the volume is a replica that may lag behind its primary |
//! | `*.tmp` | not finished; removed when the pool is opened |
//!
//! A volume file with more than one link is frozen: it is read as before, and a new overlay is put on top of it
//! before anything is written ([`Pool::prepare_write`]). Chains of layers are followed by loops and are not
//! flattened by themselves; [`VolumeFile::depth`] tells how long one is.

mod bitmap;
mod chain;
mod copy;
mod crash;
mod descriptor;
mod disk;
mod error;
mod file;
mod header;
mod name;
mod overlay;
mod pool;
mod replica;

pub use copy::copy_sparse;
pub use descriptor::{Access, LayerFormat, VolumeDescriptor};
pub use disk::{punch, write_uncached};
pub use error::VolumeError;
pub use file::VolumeFile;
pub use header::MAX_OVERLAY_LEN;
pub use pool::{CloneHow, CloneMode, Cloned, Pool, Writers};
pub use replica::resync;

/// What every operation here answers.
pub type Result<T, E = VolumeError> = std::result::Result<T, E>;
