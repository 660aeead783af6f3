// SPDX-License-Identifier: Apache-2.0
//! Giving an image's bytes out, from the best place that has them.

use std::cmp::Reverse;
use std::sync::Arc;

use scurry_store::{StoreError, StoreErrorKind, StoreReader};
use scurry_transfer::read_stream;
use scurry_types::{ImageId, ImageStatus, StoreId};

use super::core::Core;
use super::{Answer, ImageService};
use crate::body::{ByteRange, Download};
use crate::caller::Caller;
use crate::error::ImageError;
use crate::image::{Image, ImageLocation};

impl Core {
    /// An image's locations in the order they are tried: those in `prefer`, then by the weight of their
    /// stores, then as they came.
    pub(super) fn ranked<'a>(&self, image: &'a Image, prefer: &[StoreId]) -> Vec<&'a ImageLocation> {
        let mut ranked: Vec<_> = image.locations.iter().filter(|one| one.status == "active").collect();
        ranked.sort_by_key(|location| {
            let store = location.store().unwrap_or("");
            let preferred = prefer.iter().any(|one| one.as_str() == store);
            let weight = self.stores.get(store).map_or(i64::MIN, |store| store.facts().weight);
            (!preferred, Reverse(weight))
        });
        ranked
    }

    /// Opens a location.
    pub(super) async fn open(&self, location: &ImageLocation) -> Result<Arc<dyn StoreReader>, StoreError> {
        let name = location.store().unwrap_or("");
        let Some(store) = self.stores.get(name) else {
            return Err(StoreError::new(
                &StoreId::from(name),
                scurry_store::Operation::Open,
                StoreErrorKind::NotFound,
                "the store is not enabled",
            ));
        };
        store.open_read(&location.url).await
    }
}

impl ImageService {
    /// Opens an image's bytes; `None` when it has none (204). Stores in `prefer` are tried first.
    pub async fn download(
        &self,
        caller: &Caller,
        id: &ImageId,
        range: Option<ByteRange>,
        prefer: &[StoreId],
    ) -> Answer<Option<Download>> {
        let core = &self.core;
        let image = core.visible(caller, id).await?;
        if image.status == ImageStatus::Deactivated && !caller.is_admin {
            return Err(ImageError::Forbidden(
                "The requested image has been deactivated. Image data download is forbidden.".to_owned(),
            ));
        }
        let mut failure: Option<StoreError> = None;
        for location in core.ranked(&image, prefer) {
            let reader = match core.open(location).await {
                Ok(reader) => reader,
                Err(error) => {
                    tracing::warn!(image.id = %id, store.id = location.store(), error = %error, "a location cannot be read, the next one is tried");
                    failure = Some(error);
                    continue;
                }
            };
            let len = reader.len();
            if let Some(expected) = image.size.filter(|expected| *expected != len) {
                tracing::error!(image.id = %id, store.id = location.store(), expected, found = len, "a location has the wrong length");
                failure = Some(StoreError::new(
                    &StoreId::from(location.store().unwrap_or("")),
                    scurry_store::Operation::Open,
                    StoreErrorKind::Corrupt,
                    "the object does not have the image's length",
                ));
                continue;
            }
            let range = match range {
                None => 0..len,
                Some(range) => range.resolve(len).ok_or(ImageError::RangeNotSatisfiable { len })?,
            };
            let body = Box::pin(read_stream(reader, range.clone(), &core.budget));
            return Ok(Some(Download { image, range, len, body }));
        }
        match failure {
            None => Ok(None),
            // Glance answers a location without its object like an image without data.
            Some(error) if error.kind == StoreErrorKind::NotFound => Ok(None),
            Some(error) if error.kind == StoreErrorKind::Unavailable => {
                Err(ImageError::Unavailable { text: error.to_string(), retry_after: None })
            }
            Some(error) => Err(ImageError::Store(error)),
        }
    }
}
