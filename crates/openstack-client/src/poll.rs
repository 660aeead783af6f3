// SPDX-License-Identifier: Apache-2.0
//! Waiting for a resource to change state.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Why waiting ended without the state.
#[derive(Debug, thiserror::Error)]
pub enum WaitError<E> {
    /// The look at the resource failed.
    #[error("cannot see the state")]
    Failed(#[source] E),
    /// The deadline passed.
    #[error("the state was not reached in {} s", .0.as_secs_f64())]
    TimedOut(Duration),
}

/// Calls `look` until it gives a value, waiting 50 ms at first and twice as long each time, up to 5 s.
///
/// `look` answers `Ok(None)` for "not yet". It is called at least once, and once more when the deadline is there.
///
/// # Errors
/// The error of `look`, or [`WaitError::TimedOut`] after `limit`.
pub async fn wait_for<T, E, F, Fut>(limit: Duration, mut look: F) -> Result<T, WaitError<E>>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>, E>>,
{
    let deadline = Instant::now() + limit;
    let mut delay = FIRST_DELAY;
    loop {
        if let Some(value) = look().await.map_err(WaitError::Failed)? {
            return Ok(value);
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(WaitError::TimedOut(limit));
        }
        sleep_until((now + delay).min(deadline)).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn gives_the_value_when_it_comes() {
        let looks = Cell::new(0);
        let value = wait_for::<_, (), _, _>(Duration::from_secs(30), || {
            looks.set(looks.get() + 1);
            let ready = looks.get() == 3;
            async move { Ok(ready.then_some("available")) }
        })
        .await;
        assert_eq!(value.unwrap(), "available");
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test]
    async fn ends_at_the_deadline_after_a_last_look() {
        let looks = Cell::new(0);
        let end: Result<(), _> = wait_for::<_, (), _, _>(Duration::from_millis(10), || {
            looks.set(looks.get() + 1);
            async { Ok(None) }
        })
        .await;
        assert!(matches!(end, Err(WaitError::TimedOut(_))));
        assert_eq!(looks.get(), 2);
    }

    #[tokio::test]
    async fn passes_an_error_on() {
        let end: Result<(), _> = wait_for(Duration::from_secs(30), || async { Err("gone") }).await;
        assert!(matches!(end, Err(WaitError::Failed("gone"))));
    }
}
