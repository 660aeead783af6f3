// SPDX-License-Identifier: Apache-2.0
//! `glance-download`: an image of another image service, read with the user's own token.

use std::pin::pin;
use std::sync::PoisonError;

use bytes::BytesMut;
use futures::StreamExt;
use scurry_types::{JobId, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Core, Opened, Origin};
use crate::body::{Body, in_memory};
use crate::error::ImageError;
use crate::image::{Image, reserved};
use crate::ports::{Change, OutboundBody, OutboundRequest};
use crate::service::intake::Refused;

/// Longest description of an image that is read, in bytes.
const LONGEST: usize = 4 << 20;
/// Names that are no additional properties, whatever prefixes the operator lists.
const OWN: [&str; 23] = [
    "id",
    "name",
    "status",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "container_format",
    "disk_format",
    "min_disk",
    "min_ram",
    "size",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "created_at",
    "updated_at",
    "locations",
    "direct_url",
    "tags",
    "stores",
    "file",
];

/// An image elsewhere. The token that opens it is not part of the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::service) struct Remote {
    pub(in crate::service) image: String,
    pub(in crate::service) region: String,
    pub(in crate::service) interface: String,
    /// The image service's address; none when the user's catalogue has none.
    pub(in crate::service) endpoint: Option<String>,
}

impl Remote {
    fn url(&self) -> Result<String, ImageError> {
        let Some(endpoint) = &self.endpoint else {
            return Err(ImageError::NotFound(format!(
                "{} glance endpoint not found for region {}",
                self.interface, self.region
            )));
        };
        let root = endpoint.trim_end_matches('/');
        Ok(format!("{}/v2/images/{}", root.strip_suffix("/v2").unwrap_or(root), self.image))
    }
}

fn unusable(text: impl Into<String>) -> Refused {
    ImageError::Invalid(text.into()).into()
}

impl Core {
    pub(super) async fn open_remote(
        &self,
        image: Image,
        job: &JobId,
        remote: &Remote,
    ) -> Result<Opened, Refused> {
        let url = remote.url()?;
        let token = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(job).cloned();
        let Some(token) = token else {
            return Err(unusable("the service was restarted and does not have the user's token any more"));
        };
        let described = self.describe(&url, &token).await?;
        let status = described.get("status").and_then(Value::as_str).unwrap_or("unknown");
        if status != "active" {
            return Err(unusable(format!("Source image status should be active instead of {status}")));
        }
        let Some(size) = described.get("size").and_then(Value::as_u64) else {
            return Err(unusable(format!(
                "Size attribute of remote image {} could not be determined.",
                remote.image
            )));
        };
        let request = OutboundRequest {
            token: Some(token),
            trusted: true,
            ..OutboundRequest::of(format!("{url}/file"))
        };
        let OutboundBody { len, body, .. } = self.get_outbound(&request).await?;
        if let Some(len) = len.filter(|len| *len != size) {
            return Err(unusable(format!("the remote image has {size} bytes, but {len} are sent")));
        }
        let (image, changes) = self.adopt(image, &described);
        Ok(Opened { image, changes, origin: Origin::made(Some(size), body, None) })
    }

    async fn describe(&self, url: &str, token: &Secret) -> Result<Map<String, Value>, Refused> {
        let request = OutboundRequest {
            token: Some(token.clone()),
            trusted: true,
            ..OutboundRequest::of(url.to_owned())
        };
        let text = gather(self.get_outbound(&request).await?.body).await?;
        serde_json::from_slice(&text).map_err(|_| unusable("the remote service does not describe an image"))
    }

    /// The image with the remote one's formats and those of its properties the operator lets in.
    fn adopt(&self, mut image: Image, described: &Map<String, Value>) -> (Image, Vec<Change>) {
        let format = |name: &str| described.get(name).and_then(Value::as_str).map(str::to_owned);
        image.disk_format = format("disk_format").or(image.disk_format);
        image.container_format = format("container_format").or(image.container_format);
        let mut changes = Vec::new();
        let prefixes = &self.settings.glance_download_properties;
        for (name, value) in described {
            let wanted = prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
            if !wanted || OWN.contains(&name.as_str()) || name.starts_with(reserved::PREFIX) {
                continue;
            }
            let Some(value) = value.as_str() else { continue };
            image.properties.insert(name.clone(), value.to_owned());
            changes.push(Change::SetProperty(name.clone(), value.to_owned()));
        }
        (image, changes)
    }
}

async fn gather(body: Body) -> Result<BytesMut, Refused> {
    let mut body = pin!(in_memory(body));
    let mut text = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| unusable(error.to_string()))?;
        if text.len() + piece.len() > LONGEST {
            return Err(unusable("the remote service describes an image at too great length"));
        }
        text.extend_from_slice(&piece);
    }
    Ok(text)
}
