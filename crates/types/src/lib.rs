// SPDX-License-Identifier: Apache-2.0
//! Names, sizes, extents, digests and states every other crate speaks in.
//!
//! No async and no I/O in here: whatever needs either belongs further up.

mod causes;
mod digest;
mod extent;
pub mod extent_frames;
mod id;
mod ranges;
mod secret;
pub mod size;
mod status;
mod zero;

pub use causes::with_causes;
pub use digest::{BLOCK_SIZE, BlockHashes, Digests, HashAlgorithm, UnknownHashAlgorithm};
pub use extent::{Extent, ExtentKind, Extents};
pub use id::{ImageId, InvalidImageId, JobId, ProjectId, StoreId, UserId, VolumeId};
pub use ranges::Ranges;
pub use secret::Secret;
pub use status::{ImageStatus, MemberStatus, TaskStatus, UnknownState, Visibility};
pub use zero::is_zero;
