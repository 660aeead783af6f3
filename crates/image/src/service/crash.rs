// SPDX-License-Identifier: Apache-2.0
//! Named points at which a test lets the service die.

// Public only where tests may use it.
#![allow(unreachable_pub)]

#[cfg(any(test, feature = "crash-points"))]
mod armed {
    use std::sync::{Mutex, PoisonError};

    use tokio::sync::Notify;

    /// Where tests stop the service.
    #[derive(Debug, Default)]
    pub struct CrashPoints {
        at: Mutex<Option<String>>,
        seen: Mutex<Vec<&'static str>>,
        reached: Notify,
    }

    impl CrashPoints {
        /// The service stands still when it comes to that point.
        pub fn stop_at(&self, point: &str) {
            *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(point.to_owned());
        }

        /// Waits until the service came to the point.
        pub async fn reached(&self) {
            self.reached.notified().await;
        }

        /// Points the service has passed.
        #[must_use]
        pub fn seen(&self) -> Vec<&'static str> {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        pub(crate) async fn pass(&self, point: &'static str) {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(point);
            let here = self.at.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(point);
            if here {
                self.reached.notify_one();
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(not(any(test, feature = "crash-points")))]
mod armed {
    /// Nothing stops the service.
    #[derive(Debug, Default)]
    pub struct CrashPoints {}

    impl CrashPoints {
        #[expect(clippy::unused_async, reason = "the armed variant waits")]
        pub(crate) async fn pass(&self, _point: &'static str) {}
    }
}

pub use armed::CrashPoints;
