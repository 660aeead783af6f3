// SPDX-License-Identifier: Apache-2.0
//! Locations written before there were several stores: they name none.

use async_trait::async_trait;
use scurry_types::{ImageId, StoreId};

use super::RepositoryError;
use crate::image::ImageLocation;

/// A location that names no store there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Unplaced {
    /// Its row.
    pub row: i32,
    /// The image.
    pub image: ImageId,
    /// What the row says.
    pub location: ImageLocation,
}

/// A location whose store was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// As it was read.
    pub was: Unplaced,
    /// As it is to be.
    pub location: ImageLocation,
}

/// What is needed to find their stores once and for all, as Glance does when it reads such an image.
#[async_trait]
pub trait PlacingRecords {
    /// A page of locations, in the order of their rows, whose metadata names none of these stores; those that wait for
    /// the scrubber too.
    async fn unplaced_locations(
        &self,
        stores: &[StoreId],
        after: i32,
    ) -> Result<Vec<Unplaced>, RepositoryError>;

    /// Writes the stores of locations, and their addresses as those stores write them. A row that was changed since
    /// stays as it is.
    async fn place_locations(&self, placed: &[Placed]) -> Result<(), RepositoryError>;
}
