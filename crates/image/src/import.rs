// SPDX-License-Identifier: Apache-2.0
//! What an import request asks for.

use scurry_types::StoreId;

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
    GlanceDownload,
}

impl ImportMethod {
    /// The name clients use.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
            Self::CopyImage => "copy-image",
            Self::WebDownload { .. } => "web-download",
            Self::GlanceDownload => "glance-download",
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
