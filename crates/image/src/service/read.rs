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
        let project = caller.project.as_ref();
        let viewer = if caller.is_admin { Viewer::Admin { project } } else { Viewer::Project(project) };
        let page = self.core.images.list(viewer, query).await?;
        let mut page = page.ok_or_else(|| {
            let marker = query.marker.as_ref().map_or("", |id| id.as_str());
            ImageError::Invalid(format!("No image found with ID {marker}"))
        })?;
        page.iter_mut().for_each(|image| self.core.weigh(image));
        Ok(page)
    }
}
