// SPDX-License-Identifier: Apache-2.0
//! Projects an image is shared with.

use chrono::{DateTime, Utc};
use scurry_types::{ImageId, MemberStatus};

/// A project that may use an image of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The image.
    pub image_id: ImageId,
    /// The project.
    pub member: String,
    /// What the project made of it.
    pub status: MemberStatus,
    /// When it was shared.
    pub created_at: DateTime<Utc>,
    /// When the status changed last.
    pub updated_at: DateTime<Utc>,
}
