// SPDX-License-Identifier: Apache-2.0
//! Showing one image and listing many.

use scurry_types::ImageId;

use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::Image;
use crate::ports::Viewer;
use crate::query::ListQuery;

impl ImageService {
    /// An image the caller may see; `NotFound` otherwise.
    pub async fn get(&self, caller: &Caller, id: &ImageId) -> Answer<Image> {
        self.core.visible(caller, id).await
    }

    /// A page of images the caller may see.
    pub async fn list(&self, caller: &Caller, query: &ListQuery) -> Answer<Vec<Image>> {
        let unknown = |marker| ImageError::Invalid(format!("No image found with ID {marker}"));
        if let Some(marker) = &query.marker {
            self.core.visible(caller, marker).await.map_err(|error| match error {
                ImageError::NotFound(_) => unknown(marker),
                other => other,
            })?;
        }
        if query.limit == 0 {
            return Ok(Vec::new());
        }
        let project = caller.project.as_ref();
        let viewer = if caller.is_admin { Viewer::Admin { project } } else { Viewer::Project(project) };
        let page = self.core.images.list(viewer, query).await?;
        match (page, &query.marker) {
            (Some(page), _) => Ok(page),
            (None, Some(marker)) => Err(unknown(marker)),
            (None, None) => Ok(Vec::new()),
        }
    }
}
