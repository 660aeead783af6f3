// SPDX-License-Identifier: Apache-2.0
//! Calls of the Image API v2.

mod cache;
mod copying;
mod model;
mod stores;
mod stretch;
mod upload;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use reqwest::Method;
use scurry_types::Secret;
use serde_json::{Map, Value, json};

pub use cache::{CacheContents, CachedImage, Pruned};
pub use copying::{CopyExtents, CopyPlan, CopyRefusal, CopyTarget};
pub use model::{Image, ImageLocation};
pub use stores::StoreInfo;
pub use stretch::{Data, Stretch};
pub use upload::{UploadDone, UploadRest, UploadState};

use crate::error::ClientError;
use crate::service::{Address, Call, ServiceClient, segment};
use crate::session::Session;

/// An Image service, real Glance or this project's.
#[derive(Debug, Clone)]
pub struct ImageClient {
    service: ServiceClient,
}

impl ImageClient {
    /// The service at `address` (as in `glance_api_servers`, without `/v2`), or the catalog's `image` service.
    #[must_use]
    pub fn new(session: Session, address: Option<&str>, region: Option<&str>) -> Self {
        let address = match address {
            Some(address) => {
                let root = address.trim().trim_end_matches('/');
                Address::Template(root.strip_suffix("/v2").unwrap_or(root).to_owned())
            }
            None => Address::Catalog {
                types: vec!["image".to_owned()],
                name: None,
                region: region.map(str::to_owned),
                interface: None,
            },
        };
        Self { service: ServiceClient::new(session, address) }
    }

    /// The same service with a user's token; the session's own goes along as service token.
    #[must_use]
    pub fn with_user_token(mut self, token: Secret) -> Self {
        self.service = self.service.with_user_token(token);
        self
    }

    /// The service's address, without `/v2`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when the catalog lacks it.
    pub async fn address(&self) -> Result<String, ClientError> {
        self.service.root().await
    }

    /// One image.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is none the token may see.
    pub async fn image(&self, id: &str) -> Result<Image, ClientError> {
        self.call(Method::GET, path(id)).fetch().await
    }

    /// Where the image's data is; needs the role `service`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] or [`crate::ErrorKind::Forbidden`] without the role.
    pub async fn locations(&self, id: &str) -> Result<Vec<ImageLocation>, ClientError> {
        self.call(Method::GET, format!("{}/locations", path(id))).fetch().await
    }

    /// The image's data as it comes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when there is no data; the stream itself fails when the data breaks off.
    pub async fn download(
        &self,
        id: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + Send + Unpin + use<>, ClientError> {
        let call = format!("GET {}/file", path(id));
        let response = self.call(Method::GET, format!("{}/file", path(id))).unlimited().send().await?;
        if response.status() == reqwest::StatusCode::NO_CONTENT {
            return Err(ClientError::new(crate::ErrorKind::NotFound, call, "the image has no data"));
        }
        let stream =
            response.bytes_stream().map_err(move |error| ClientError::transport(call.as_str(), error));
        Ok(stream.boxed())
    }

    /// Makes an image's record from its properties.
    ///
    /// # Errors
    /// Every failure as [`ClientError`].
    pub async fn create(&self, properties: &Map<String, Value>) -> Result<Image, ClientError> {
        self.call(Method::POST, "/v2/images").json(properties).fetch().await
    }

    /// Sends the image's data. `size` is its length in bytes when known, `store` one of the service's stores,
    /// `base_image` an image it derives from.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] when the image has data, [`crate::ErrorKind::OverLimit`] over a quota.
    pub async fn upload<S, E>(
        &self,
        id: &str,
        data: S,
        size: Option<u64>,
        store: Option<&str>,
        base_image: Option<&str>,
    ) -> Result<(), ClientError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let mut call = self
            .call(Method::PUT, format!("{}/file", path(id)))
            .header("content-type", "application/octet-stream")
            .stream(reqwest::Body::wrap_stream(data));
        if let Some(size) = size {
            call = call.header("content-length", &size.to_string());
            call = call.header("x-openstack-image-size", &size.to_string());
        }
        if let Some(store) = store {
            call = call.header("x-image-meta-store", store);
        }
        if let Some(base) = base_image {
            call = call.header("x-openstack-base-image-ref", base);
        }
        call.done().await
    }

    /// Tells the service where an image's data is.
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] or [`crate::ErrorKind::Forbidden`] when it does not take it.
    pub async fn add_location(&self, id: &str, url: &str, store: Option<&str>) -> Result<(), ClientError> {
        let mut body = json!({ "url": url });
        if let Some(store) = store {
            // The name of the store travels in validation_data, as python-glanceclient sends it.
            body["validation_data"] = json!({ "store": store });
        }
        self.call(Method::POST, format!("{}/locations", path(id))).json(&body).done().await
    }

    /// Has the service copy the image to further stores; all of them when none is named.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Conflict`] while another import works on the image.
    pub async fn copy_image(&self, id: &str, stores: &[&str]) -> Result<(), ClientError> {
        let mut body = json!({ "method": { "name": "copy-image" } });
        if stores.is_empty() {
            body["all_stores"] = json!(true);
        } else {
            body["stores"] = json!(stores);
        }
        self.call(Method::POST, format!("{}/import", path(id))).json(&body).done().await
    }

    /// Deletes the image.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Forbidden`] when it is protected, [`crate::ErrorKind::Conflict`] while it is in use.
    pub async fn delete(&self, id: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, path(id)).done().await
    }

    fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        self.service.call(method, path)
    }
}

fn path(id: &str) -> String {
    format!("/v2/images/{}", segment(id))
}
