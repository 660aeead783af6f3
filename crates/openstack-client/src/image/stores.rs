// SPDX-License-Identifier: Apache-2.0
//! The stores of an Image service, finding images by name, changing their records.

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{Image, ImageClient, path};
use crate::error::ClientError;

/// One of a service's stores.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoreInfo {
    /// Its name in requests.
    pub id: String,
    /// `"true"` for the one images go to when none is named.
    #[serde(default)]
    default: Option<String>,
    /// `"true"` for one that takes no images.
    #[serde(default, rename = "read-only")]
    read_only: Option<String>,
}

impl StoreInfo {
    /// Whether images go there when no store is named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.default.as_deref() == Some("true")
    }

    /// Whether it takes no images.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only.as_deref() == Some("true")
    }
}

impl ImageClient {
    /// The stores, in the service's order.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] from a service with one store only.
    pub async fn stores(&self) -> Result<Vec<StoreInfo>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            stores: Vec<StoreInfo>,
        }
        let body: Body = self.call(Method::GET, "/v2/info/stores").fetch().await?;
        Ok(body.stores)
    }

    /// The images of that name one may see, the first few of them.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn images_named(&self, name: &str) -> Result<Vec<Image>, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            images: Vec<Image>,
        }
        let body: Body = self.call(Method::GET, "/v2/images").query("name", name).fetch().await?;
        Ok(body.images)
    }

    /// Changes the image's record by a JSON patch.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Forbidden`] for what may not be changed, [`crate::ErrorKind::Conflict`] for a change of what
    /// is not as the patch says.
    pub async fn patch(&self, id: &str, changes: &[Value]) -> Result<Image, ClientError> {
        self.call(Method::PATCH, path(id))
            .json(&changes)
            .header("content-type", "application/openstack-images-v2.1-json-patch")
            .fetch()
            .await
    }
}
