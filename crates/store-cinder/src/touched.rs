// SPDX-License-Identifier: Apache-2.0
//! Which parts of a fresh volume have been written, so that zeroing the others costs nothing.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use scurry_types::Ranges;

/// Bytes that may hold something else than the zeroes the volume came with.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<Ranges>);

impl Touched {
    /// Of a volume nobody knows what was written to.
    pub(crate) fn everything() -> Self {
        let mut all = Ranges::new();
        all.insert(0..u64::MAX);
        Self(Mutex::new(all))
    }

    /// Notes that bytes are about to be written.
    pub(crate) fn mark(&self, range: Range<u64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(range);
    }

    /// Whether any of these bytes may have been written.
    pub(crate) fn any(&self, range: Range<u64>) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).intersects(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_marked_is_touched() {
        let touched = Touched::default();
        touched.mark(50..60);
        touched.mark(200..200);
        assert!(touched.any(59..61) && touched.any(0..u64::MAX));
        assert!(!touched.any(0..50) && !touched.any(60..u64::MAX) && !touched.any(55..55));
        assert!(Touched::everything().any(7..8));
    }
}
