// SPDX-License-Identifier: Apache-2.0
//! Images in other formats than raw.

use std::sync::Arc;

use scurry_openstack_client::image::{Image, ImageClient};

use super::WorkError;
use crate::db::volumes::Volume;
use crate::service::Service;

/// Refuses the image: there is no reader for its format.
pub(crate) async fn into_volume(
    _service: &Arc<Service>,
    _volume: &Volume,
    image: &Image,
    _client: &ImageClient,
) -> Result<(), WorkError> {
    Err(WorkError::Unusable {
        image: image.id.clone(),
        reason: format!("no reader for {}", image.disk_format.as_deref().unwrap_or("no format")),
    })
}
