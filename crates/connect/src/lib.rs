// SPDX-License-Identifier: Apache-2.0
//! Opens a volume in user space from its `connection_info`.
//!
//! Cinder hands out a `connection_info` for an attachment made with a [`Connector`]; [`open`] turns it into a
//! [`BlockVolume`]. Nothing is mounted, logged in to or mapped by the kernel.

mod block_device;
mod connector;
mod error;
mod iscsi;
mod local;
mod volume;

use std::sync::Arc;

use scurry_volume_file::VolumeDescriptor;
use serde_json::Value;

pub use connector::Connector;
pub use error::ConnectError;
pub use iscsi::IscsiFailure;
pub use scurry_volume_file::Access;
pub use volume::BlockVolume;

use crate::iscsi::IscsiVolume;
use crate::local::LocalVolume;

/// Values of `driver_volume_type` that [`open`] understands.
pub const PROTOCOLS: [&str; 3] = ["iscsi", "local", "scurry"];

/// Opens the volume an attachment's `connection_info` leads to, as the connector that the attachment was made with.
///
/// `access_mode: ro` in the connection makes it read-only whatever `access` says.
///
/// # Errors
/// [`ConnectError::Unsupported`] for a protocol this crate does not speak or an encrypted volume,
/// [`ConnectError::Malformed`] when something is missing in the connection, or what logging in and opening
/// answer.
/// No error repeats the connection: it may hold passwords.
pub async fn open(
    connector: &Connector,
    connection_info: &Value,
    access: Access,
) -> Result<Arc<dyn BlockVolume>, ConnectError> {
    let text = |key: &'static str| connection_info.get(key).and_then(Value::as_str);
    let protocol = text("driver_volume_type").ok_or(ConnectError::Malformed("driver_volume_type"))?;
    if connection_info.get("encrypted").and_then(Value::as_bool) == Some(true) {
        return Err(ConnectError::Encrypted);
    }
    let access = if text("access_mode") == Some("ro") { Access::ReadOnly } else { access };
    let volume: Arc<dyn BlockVolume> = match protocol {
        "iscsi" => Arc::new(IscsiVolume::open(connector, connection_info, access).await?),
        "local" => {
            let path = text("device_path").ok_or(ConnectError::Malformed("device_path"))?;
            Arc::new(LocalVolume::open_path(path.into(), access).await?)
        }
        "scurry" => {
            let volume = connection_info.get("volume").ok_or(ConnectError::Malformed("volume"))?;
            let descriptor: VolumeDescriptor =
                serde::Deserialize::deserialize(volume).map_err(|_| ConnectError::Malformed("volume"))?;
            if !descriptor.path.is_absolute() {
                return Err(ConnectError::Malformed("volume"));
            }
            Arc::new(LocalVolume::open_descriptor(descriptor, access).await?)
        }
        other => return Err(ConnectError::Unsupported { protocol: other.chars().take(64).collect() }),
    };
    Ok(volume)
}
