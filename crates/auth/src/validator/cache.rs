// SPDX-License-Identifier: Apache-2.0
//! A bounded memory of Keystone's answers, keyed by digests so that it holds no tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use sha2::{Digest, Sha256};

use crate::context::Identity;

/// Most answers remembered at once.
const CAPACITY: usize = 10_000;

/// SHA-256 of a token, and which question was asked about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    digest: [u8; 32],
    allow_expired: bool,
}

impl Key {
    pub(super) fn new(token: &str, allow_expired: bool) -> Self {
        Self { digest: Sha256::digest(token.as_bytes()).into(), allow_expired }
    }
}

/// A positive answer is kept for this many lifetimes more, in case Keystone cannot be asked then.
const GRACE: u32 = 3;

/// What is remembered of a token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cached {
    /// Counts: `None` for a token Keystone does not know.
    Believed(Option<Arc<Identity>>),
    /// Counts, but not for much longer; said to one caller only, who asks again.
    Due(Arc<Identity>),
    /// Counts only where Keystone cannot be asked.
    Stale(Arc<Identity>),
}

struct Entry {
    /// `None` for a token Keystone does not know.
    answer: Option<Arc<Identity>>,
    asked: Instant,
    /// Whether somebody was told that it is due.
    due: bool,
}

impl Entry {
    /// Until when it is of any use.
    fn end(&self, lifetime: Duration) -> Instant {
        self.asked + if self.answer.is_some() { lifetime * (1 + GRACE) } else { lifetime }
    }
}

pub(super) struct Cache {
    lifetime: Duration,
    capacity: usize,
    entries: Mutex<HashMap<Key, Entry>>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Cache {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, capacity: CAPACITY, entries: Mutex::new(HashMap::new()) }
    }

    /// What is remembered, as far as it is of any use now.
    pub(super) fn get(&self, key: &Key) -> Option<Cached> {
        self.get_at(key, Instant::now())
    }

    fn get_at(&self, key: &Key, now: Instant) -> Option<Cached> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get_mut(key).filter(|entry| entry.end(self.lifetime) > now)?;
        let Some(identity) = &entry.answer else { return Some(Cached::Believed(None)) };
        if !key.allow_expired && identity.expires_at <= Utc::now() {
            return Some(Cached::Believed(None));
        }
        let age = now.saturating_duration_since(entry.asked);
        Some(if age >= self.lifetime {
            Cached::Stale(Arc::clone(identity))
        } else if age >= self.lifetime * 3 / 4 && !std::mem::replace(&mut entry.due, true) {
            Cached::Due(Arc::clone(identity))
        } else {
            Cached::Believed(Some(Arc::clone(identity)))
        })
    }

    pub(super) fn put(&self, key: Key, answer: Option<Arc<Identity>>) {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| entry.end(self.lifetime) > now);
        }
        if entries.len() >= self.capacity {
            // Full of answers still of use: drop those that end first, a tenth at a time, so that a flood of made-up
            // tokens costs one sort in a thousand calls.
            let mut ends: Vec<Instant> = entries.values().map(|entry| entry.end(self.lifetime)).collect();
            ends.sort_unstable();
            let cut = ends[ends.len() / 10];
            entries.retain(|_, entry| entry.end(self.lifetime) > cut);
        }
        entries.insert(key, Entry { answer, asked: now, due: false });
    }
}

#[cfg(test)]
impl Cache {
    /// Makes everything older.
    pub(super) fn age(&self, by: Duration) {
        for entry in self.entries.lock().unwrap().values_mut() {
            entry.asked = entry.asked.checked_sub(by).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded() {
        let mut cache = Cache::new(Duration::from_secs(300));
        cache.capacity = 100;
        for number in 0..1000 {
            cache.put(Key::new(&number.to_string(), false), None);
        }
        assert!(cache.entries.lock().unwrap().len() <= 100);
        assert_eq!(cache.get(&Key::new("999", false)), Some(Cached::Believed(None)));
        assert_eq!(cache.get(&Key::new("0", false)), None);
    }

    #[test]
    fn nothing_is_remembered_for_no_time() {
        let cache = Cache::new(Duration::ZERO);
        cache.put(Key::new("t", false), None);
        assert_eq!(cache.get(&Key::new("t", false)), None);
    }

    #[test]
    fn an_answer_is_renewed_early_and_outlives_an_outage() {
        let cache = Cache::new(Duration::from_secs(100));
        let key = Key::new("t", false);
        let identity = crate::validator::tests::identity();
        cache.put(key.clone(), Some(Arc::clone(&identity)));
        let believed = Some(Cached::Believed(Some(Arc::clone(&identity))));
        let start = Instant::now();
        let after = |seconds| cache.get_at(&key, start + Duration::from_secs(seconds));
        assert_eq!(after(70), believed);
        assert_eq!(after(76), Some(Cached::Due(Arc::clone(&identity))));
        assert_eq!(after(76), believed, "one asks again");
        assert_eq!(after(101), Some(Cached::Stale(Arc::clone(&identity))));
        assert_eq!(after(390), Some(Cached::Stale(identity)));
        assert_eq!(after(401), None);
        cache.put(key.clone(), None);
        assert_eq!(after(99), Some(Cached::Believed(None)));
        assert_eq!(after(102), None, "a refusal is not kept");
    }
}
