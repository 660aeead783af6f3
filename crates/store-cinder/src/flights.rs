// SPDX-License-Identifier: Apache-2.0
//! Work that makes or finishes volumes runs to its end, even when nobody waits for it any more.
//!
//! A request whose client has gone is dropped at any await. Dropped between a call to Cinder and its answer, it
//! would leave a volume nobody knows of; so the work runs in a task of its own, what nobody takes is discarded
//! there, and whoever looks for an image's objects waits for such work first.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use scurry_store::StoreErrorKind;
use scurry_types::ImageId;
use tokio::sync::{oneshot, watch};
use tracing::Instrument;

use crate::failure::Failure;

/// The work under way in one store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<Vec<Flight>>>);

#[derive(Debug)]
struct Flight {
    image: ImageId,
    abandoned: Arc<AtomicBool>,
    done: watch::Receiver<()>,
}

/// Notes that the caller has gone, or has got its answer, which is the same here.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Flights {
    /// Runs `work` to its end and gives its result; `discard` gets a result nobody waits for.
    pub(crate) async fn run<T, W, D, F>(&self, image: &ImageId, work: W, discard: D) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Failure>> + Send + 'static,
        D: FnOnce(T) -> F + Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let (landed, done) = watch::channel(());
        let (answer, answered) = oneshot::channel();
        let caller = Caller(Arc::new(AtomicBool::new(false)));
        let flight = Flight { image: image.clone(), abandoned: Arc::clone(&caller.0), done };
        self.lock().push(flight);
        let task = async move {
            match answer.send(work.await) {
                Err(Ok(result)) => discard(result).await,
                Err(Err(failure)) => tracing::warn!(error = failure.message, "abandoned work has failed"),
                Ok(()) => {}
            }
            drop(landed);
        };
        tokio::spawn(task.in_current_span());
        let result = answered.await;
        self.lock().retain(|flight| flight.done.has_changed().is_ok());
        drop(caller);
        result.unwrap_or_else(|error| {
            Err(Failure::new(StoreErrorKind::Other, "the work broke off without a result").because(error))
        })
    }

    /// Waits until the abandoned work for an image has ended.
    pub(crate) async fn settle(&self, image: &ImageId) {
        let abandoned: Vec<_> = {
            let mut flights = self.lock();
            flights.retain(|flight| flight.done.has_changed().is_ok());
            let of_image = flights.iter().filter(|flight| flight.image == *image);
            of_image
                .filter(|flight| flight.abandoned.load(Ordering::SeqCst))
                .map(|flight| flight.done.clone())
                .collect()
        };
        for mut done in abandoned {
            while done.changed().await.is_ok() {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn abandoned_work_ends_and_its_result_is_discarded() {
        let flights = Flights::default();
        let image = ImageId::random();
        let (go, discarded) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let caller = {
            let (flights, image, go, discarded) =
                (flights.clone(), image.clone(), Arc::clone(&go), Arc::clone(&discarded));
            tokio::spawn(async move {
                let work = async move {
                    go.notified().await;
                    Ok(7)
                };
                let discard = |_| async move { discarded.store(true, Ordering::SeqCst) };
                flights.run(&image, work, discard).await
            })
        };
        while flights.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        flights.settle(&ImageId::random()).await;
        assert!(!discarded.load(Ordering::SeqCst));
        go.notify_one();
        flights.settle(&image).await;
        assert!(discarded.load(Ordering::SeqCst));
        assert!(flights.lock().iter().all(|flight| flight.done.has_changed().is_err()));
    }

    #[tokio::test]
    async fn a_result_reaches_who_waits() {
        let flights = Flights::default();
        let discard = |_| async { unreachable!() };
        let result = flights.run(&ImageId::random(), async { Ok(7) }, discard).await;
        assert_eq!(result.unwrap(), 7);
    }
}
