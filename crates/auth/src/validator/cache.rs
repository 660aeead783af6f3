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

struct Entry {
    /// `None` for a token Keystone does not know.
    answer: Option<Arc<Identity>>,
    until: Instant,
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

    /// The answer, while it is believed: `Some(None)` means "not a valid token".
    pub(super) fn get(&self, key: &Key) -> Option<Option<Arc<Identity>>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key).filter(|entry| entry.until > Instant::now())?;
        if let Some(identity) = &entry.answer
            && !key.allow_expired
            && identity.expires_at <= Utc::now()
        {
            return Some(None);
        }
        Some(entry.answer.clone())
    }

    pub(super) fn put(&self, key: Key, answer: Option<Arc<Identity>>) {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| entry.until > now);
        }
        if entries.len() >= self.capacity {
            // Full of answers still believed: drop those that end first, a tenth at a time, so that a flood of made-up
            // tokens costs one sort in a thousand calls.
            let mut ends: Vec<Instant> = entries.values().map(|entry| entry.until).collect();
            ends.sort_unstable();
            let cut = ends[ends.len() / 10];
            entries.retain(|_, entry| entry.until > cut);
        }
        entries.insert(key, Entry { answer, until: now + self.lifetime });
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
        assert_eq!(cache.get(&Key::new("999", false)), Some(None));
        assert_eq!(cache.get(&Key::new("0", false)), None);
    }

    #[test]
    fn nothing_is_remembered_for_no_time() {
        let cache = Cache::new(Duration::ZERO);
        cache.put(Key::new("t", false), None);
        assert_eq!(cache.get(&Key::new("t", false)), None);
    }
}
