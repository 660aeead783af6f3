// SPDX-License-Identifier: Apache-2.0
//! What an import request asks for.

use scurry_types::{Secret, StoreId};

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportMethod {
    /// From the staging area, where `PUT …/stage` put them.
    GlanceDirect,
    /// From a store that holds the image already.
    CopyImage,
    /// From a web server.
    WebDownload {
        /// Address of the image.
        uri: String,
    },
    /// From another image service.
    GlanceDownload(RemoteImage),
}

/// An image of another image service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteImage {
    /// `glance_image_id`, if it was given.
    pub image: Option<String>,
    /// `glance_region`, if it was given.
    pub region: Option<String>,
    /// `glance_service_interface`.
    pub interface: String,
    /// The address of that region's image service in the caller's catalogue.
    pub endpoint: Option<String>,
    /// The caller's token.
    pub token: Secret,
}

impl ImportMethod {
    /// The name clients use.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
            Self::CopyImage => "copy-image",
            Self::WebDownload { .. } => "web-download",
            Self::GlanceDownload(_) => "glance-download",
        }
    }
}

/// `POST /v2/images/{id}/import`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// Where the bytes come from.
    pub method: ImportMethod,
    /// The stores to write, in the order given; the default store when empty.
    pub stores: Vec<StoreId>,
    /// All stores instead.
    pub all_stores: bool,
    /// One failing store undoes the rest.
    pub all_stores_must_succeed: bool,
}
