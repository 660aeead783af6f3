// SPDX-License-Identifier: Apache-2.0
//! What was found out of late about how much is shared with whom. It decides how a page is looked for, never what is
//! on it, so it may be out of date.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const LIFETIME: Duration = Duration::from_secs(5);
const CAPACITY: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Hints(Mutex<HashMap<String, (bool, Instant)>>);

impl Hints {
    /// What is known of `asked`, else what `find` finds.
    pub(super) async fn few<E>(
        &self,
        asked: String,
        find: impl Future<Output = Result<bool, E>>,
    ) -> Result<bool, E> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).copied();
        if let Some((few, _)) = known.filter(|(_, since)| since.elapsed() < LIFETIME) {
            return Ok(few);
        }
        let few = find.await?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= CAPACITY {
            all.retain(|_, (_, since)| since.elapsed() < LIFETIME);
        }
        if all.len() < CAPACITY {
            all.insert(asked, (few, Instant::now()));
        }
        Ok(few)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_known_is_not_asked_again_and_memory_is_bounded() {
        let hints = Hints::default();
        let found = async |few| Ok::<_, ()>(few);
        assert_eq!(hints.few("p1".to_owned(), found(true)).await, Ok(true));
        assert_eq!(hints.few("p1".to_owned(), found(false)).await, Ok(true));
        assert_eq!(hints.few("p2".to_owned(), async { Err("broken") }).await, Err("broken"));
        for number in 0..2 * CAPACITY {
            let _ = hints.few(number.to_string(), found(true)).await;
        }
        // Where the machine is busy some have been forgotten for their age.
        let kept = hints.0.lock().unwrap().len();
        assert!((1..=CAPACITY).contains(&kept), "{kept}");
    }
}
