// SPDX-License-Identifier: Apache-2.0
//! Images as volumes of the block-storage service, embedded or real Cinder.
//!
//! An image is one volume of exactly the GiB its bytes need, so that boot volumes of any size are cloned from it
//! on the backend. While it is written its metadata says so; complete, it is read-only and says the image's
//! length. One process holds at most one attachment of a volume, however many readers it has.
//!
//! | a volume is | its metadata | its attachment |
//! |---|---|---|
//! | being written | `scurry_writing` | one, `rw`, of the writer |
//! | complete | `image_size`, read-only | none, or one `ro` a node that reads |

mod attachments;
mod cinder;
mod clone;
mod config;
mod creation;
mod failure;
mod flights;
mod location;
mod reader;
mod reads;
mod removal;
mod store;
mod touched;
mod writer;

pub use config::CinderStoreConfig;
pub use location::{InvalidVolumeUrl, VolumeLocation};
pub use store::{CinderStore, UnknownVolumeType};
