// SPDX-License-Identifier: Apache-2.0
//! What an attachment's `connection_info` says.

use scurry_types::VolumeId;
use scurry_volume_file::VolumeDescriptor;
use serde_json::{Value, json};

use crate::db::volumes::Volume;
use crate::service::Service;
use crate::work::WorkError;
use crate::work::create::backends_of;

/// Prepares the volume for the mode of access and describes the way to its data, flat as in the attachments API.
pub(crate) async fn info(
    service: &Service,
    volume: &Volume,
    attachment: &str,
    read_only: bool,
) -> Result<Value, WorkError> {
    let (backend, replica) = backends_of(service, volume)?;
    let id = VolumeId::new(volume.id.as_str());
    // A reader needs no second copy.
    let second = replica.filter(|_| !read_only).map(|backend| backend.pool().clone());
    let descriptor = backend
        .run(move |pool| {
            if !read_only {
                pool.prepare_write(&id)?;
                if let Some(second) = &second {
                    second.prepare_write(&id)?;
                }
            }
            pool.descriptor(&id, second.as_ref())
        })
        .await?;
    describe(volume, attachment, read_only, &descriptor)
}

fn describe(
    volume: &Volume,
    attachment: &str,
    read_only: bool,
    descriptor: &VolumeDescriptor,
) -> Result<Value, WorkError> {
    let mut info = if descriptor.is_plain_file() {
        json!({ "driver_volume_type": "local", "device_path": descriptor.path })
    } else {
        // A connector of somebody else does not know this type, and must not: it would read wrong bytes.
        let volume = serde_json::to_value(descriptor)
            .map_err(|error| WorkError::Gone(format!("the volume's files cannot be described: {error}")))?;
        json!({ "driver_volume_type": "scurry", "volume": volume })
    };
    info["volume_id"] = volume.id.as_str().into();
    info["attachment_id"] = attachment.into();
    info["access_mode"] = if read_only { "ro" } else { "rw" }.into();
    info["encrypted"] = false.into();
    info["cacheable"] = false.into();
    info["qos_specs"] = Value::Null;
    Ok(info)
}
