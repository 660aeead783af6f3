// SPDX-License-Identifier: Apache-2.0
//! Which images are on their way into the cache: each of them once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scurry_types::ImageId;
use tokio_util::sync::CancellationToken;

/// Images on their way; clones share the list.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<ImageId, Arc<Flight>>>>);

#[derive(Debug, Default)]
struct Flight {
    /// All bytes have come; what is left is to make them durable.
    landing: AtomicBool,
    over: CancellationToken,
}

/// The right to bring one image into the cache. Dropped, others may.
#[derive(Debug)]
pub(super) struct Claim {
    flights: Flights,
    image: ImageId,
    flight: Arc<Flight>,
}

impl Flights {
    fn list(&self) -> MutexGuard<'_, HashMap<ImageId, Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` while somebody else has the claim.
    pub(super) fn claim(&self, image: &ImageId) -> Option<Claim> {
        let mut list = self.list();
        if list.contains_key(image) {
            return None;
        }
        let flight = Arc::<Flight>::default();
        list.insert(image.clone(), Arc::clone(&flight));
        Some(Claim { flights: self.clone(), image: image.clone(), flight })
    }

    /// Whether the image is on its way.
    pub(super) fn has(&self, image: &ImageId) -> bool {
        self.list().contains_key(image)
    }

    /// Notes that all bytes of an image have come.
    pub(super) fn landing(&self, image: &ImageId) {
        if let Some(flight) = self.list().get(image) {
            flight.landing.store(true, Ordering::Release);
        }
    }

    /// Waits for the image, if all its bytes have come.
    pub(super) async fn landed(&self, image: &ImageId) {
        let over = self.list().get(image).filter(|flight| flight.landing.load(Ordering::Acquire)).cloned();
        if let Some(flight) = over {
            flight.over.cancelled().await;
        }
    }

    /// Waits for every image whose bytes have come.
    pub(super) async fn all_landed(&self) {
        let images: Vec<_> = self.list().keys().cloned().collect();
        for image in images {
            self.landed(&image).await;
        }
    }

    /// Waits until the image is not on its way any more, however that ends.
    pub(super) async fn over(&self, image: &ImageId) {
        let flight = self.list().get(image).cloned();
        if let Some(flight) = flight {
            flight.over.cancelled().await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.flights.list().remove(&self.image);
        self.flight.over.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_image_is_brought_in_once_at_a_time() {
        let flights = Flights::default();
        let image = ImageId::random();
        let claim = flights.claim(&image).unwrap();
        assert!(flights.claim(&image).is_none());
        assert!(flights.claim(&ImageId::random()).is_some());
        flights.landed(&image).await; // bytes still come: nobody waits
        flights.landing(&image);
        let waiting = tokio::spawn({
            let (flights, image) = (flights.clone(), image.clone());
            async move { flights.landed(&image).await }
        });
        drop(claim);
        waiting.await.unwrap();
        assert!(!flights.has(&image));
    }
}
