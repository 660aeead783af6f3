// SPDX-License-Identifier: Apache-2.0
//! Images on web servers: `http(s)://` urls are read, nothing is ever written or removed.

mod failure;
mod reader;
mod store;

pub use store::{HttpStore, HttpStoreConfig};
