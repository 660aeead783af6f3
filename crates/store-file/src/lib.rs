// SPDX-License-Identifier: Apache-2.0
//! Images as sparse files in one or several directories.
//!
//! An image is written to a hidden part file beside its final place, made durable, and only then given its
//! name, which never replaces a file that is there: whoever sees the name sees the whole image.

mod config;
mod directory;
mod error;
mod extents;
mod name;
mod reader;
mod reflink;
mod store;
mod writer;

pub use config::{DataDir, FileStoreConfig, InvalidDataDir};
pub use error::FileStoreError;
pub use store::FileStore;
