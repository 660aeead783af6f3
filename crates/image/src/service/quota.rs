// SPDX-License-Identifier: Apache-2.0
//! Project limits, and the static ones of the configuration.

mod reservation;
mod storage;

use scurry_types::ProjectId;
use scurry_types::size::MIB;

use super::core::Core;
use super::{Answer, ImageService};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::ports::Counted;

pub(super) use reservation::Reservations;
pub(super) use storage::Room;

/// A resource the identity service limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    SizeTotal,
    StageTotal,
    CountTotal,
    CountUploading,
}

impl Resource {
    const ALL: [Self; 4] = [Self::SizeTotal, Self::StageTotal, Self::CountTotal, Self::CountUploading];

    const fn name(self) -> &'static str {
        match self {
            Self::SizeTotal => "image_size_total",
            Self::StageTotal => "image_stage_total",
            Self::CountTotal => "image_count_total",
            Self::CountUploading => "image_count_uploading",
        }
    }
}

/// One line of `/v2/info/usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// `image_size_total`, …
    pub resource: &'static str,
    /// MiB or a count.
    pub usage: i64,
    /// The same unit; negative for no limit.
    pub limit: i64,
}

/// Whole MiB, the unit in which Glance adds up bytes.
pub(super) fn mebibytes(bytes: Option<u64>) -> i64 {
    i64::try_from(bytes.unwrap_or(0) / MIB).unwrap_or(i64::MAX)
}

/// What is said of an image over `image_size_cap`.
pub(super) fn too_large() -> ImageError {
    ImageError::TooLarge("The incoming image is too large: The provided image is too large.".to_owned())
}

impl Core {
    async fn used(&self, project: &ProjectId, resource: Resource) -> Answer<i64> {
        let (what, unit) = match resource {
            Resource::SizeTotal => (Counted::StoredBytes, MIB),
            Resource::StageTotal => (Counted::StagedBytes, MIB),
            Resource::CountTotal => (Counted::Images, 1),
            Resource::CountUploading => (Counted::Uploading, 1),
        };
        let counted = self.images.usage(project, what).await?;
        Ok(i64::try_from(counted / unit).unwrap_or(i64::MAX))
    }

    async fn limit(&self, project: &ProjectId, resource: Resource) -> Answer<Option<i64>> {
        let Some(limits) = &self.limits else { return Ok(None) };
        limits.limit(project, resource.name()).await.map(Some).map_err(|error| {
            tracing::error!(error = %error, cause = %error.source, "limits cannot be checked");
            ImageError::Unavailable { text: error.to_string(), retry_after: None }
        })
    }

    /// Refuses what would exceed a project's limit, with the text of Keystone's limit library.
    pub(super) async fn enforce(
        &self,
        project: Option<&ProjectId>,
        resource: Resource,
        delta: i64,
    ) -> Answer<()> {
        let Some(project) = project else { return Ok(()) };
        let Some(limit) = self.limit(project, resource).await? else { return Ok(()) };
        let usage = self.used(project, resource).await?;
        if limit < 0 || usage.saturating_add(delta) <= limit {
            return Ok(());
        }
        Err(ImageError::OverLimit(format!(
            "Project {project} is over a limit for [Resource {} is over limit of {limit} due to current \
             usage {usage} and delta {delta}]",
            resource.name()
        )))
    }

    /// Bytes a project may still store; none without a limit.
    pub(super) async fn limit_left(&self, project: Option<&ProjectId>) -> Answer<Option<u64>> {
        let Some(project) = project else { return Ok(None) };
        let Some(limit) = self.limit(project, Resource::SizeTotal).await? else { return Ok(None) };
        let Ok(limit) = u64::try_from(limit) else { return Ok(None) };
        let used = self.used(project, Resource::SizeTotal).await?;
        let left = limit.saturating_sub(u64::try_from(used).unwrap_or(0));
        // Usage is counted in whole MiB.
        Ok(Some(left.saturating_add(1).saturating_mul(MIB).saturating_sub(1)))
    }

    /// Refuses more of something than the configuration allows for one image.
    pub(super) fn at_most(what: &str, attempted: usize, maximum: i64) -> Answer<()> {
        let attempted = i64::try_from(attempted).unwrap_or(i64::MAX);
        if maximum < 0 || attempted <= maximum {
            return Ok(());
        }
        Err(ImageError::TooLarge(format!(
            "The limit has been exceeded on the number of allowed image {what}. Attempted: {attempted}, \
             Maximum: {maximum}"
        )))
    }
}

impl ImageService {
    /// What the caller's project holds, and its limits; empty when limits are off.
    pub async fn usage(&self, caller: &Caller) -> Answer<Vec<Usage>> {
        let mut lines = Vec::new();
        let Some(project) = &caller.project else { return Ok(lines) };
        for resource in Resource::ALL {
            if let Some(limit) = self.core.limit(project, resource).await? {
                let usage = self.core.used(project, resource).await?;
                lines.push(Usage { resource: resource.name(), usage, limit });
            }
        }
        Ok(lines)
    }
}
