// SPDX-License-Identifier: Apache-2.0
//! Who asks.

use scurry_types::{ProjectId, UserId};

use crate::image::Image;

/// The identity a use case acts for. What it may do by policy has been decided before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Project of the token.
    pub project: Option<ProjectId>,
    /// User of the token.
    pub user: Option<UserId>,
    /// Holds `context_is_admin`: sees and changes everything.
    pub is_admin: bool,
    /// Names of the token's roles.
    pub roles: Vec<String>,
    /// `req-…`, kept with tasks.
    pub request_id: String,
}

impl Caller {
    /// Whether the image belongs to the caller's project, or the caller is an administrator.
    #[must_use]
    pub fn owns(&self, image: &Image) -> bool {
        self.is_admin || (self.project.is_some() && self.project == image.owner)
    }
}
