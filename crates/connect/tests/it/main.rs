// SPDX-License-Identifier: Apache-2.0
//! Opening volumes from connection_info.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod block_device;
mod iscsi;
mod open;
#[path = "../../../iscsi/tests/it/tgt.rs"]
#[allow(dead_code, reason = "the initiator's own tests use all of it")]
mod tgt;

use std::sync::Arc;

use scurry_connect::{Access, BlockVolume, ConnectError, Connector};
use serde_json::Value;

/// Opens a volume as a node of that name.
async fn open(info: &Value, access: Access) -> Result<Arc<dyn BlockVolume>, ConnectError> {
    scurry_connect::open(&Connector::new("node"), info, access).await
}
