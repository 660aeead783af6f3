// SPDX-License-Identifier: Apache-2.0
//! Logs and request ids.

mod log;
mod request_id;

pub use log::{InitError, LogFormat, init};
pub use request_id::{REQUEST_ID_HEADER, RequestId, RequestIdTooLong};
