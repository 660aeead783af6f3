// SPDX-License-Identifier: Apache-2.0
//! Buffers that are used again: fresh ones cost a page fault for every 4 KiB.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Free buffers that are kept for the next piece at most.
const KEPT: usize = 8;

/// Buffers that wait to be filled again; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A filled buffer, back in the pool once nobody looks at it any more.
struct Lent {
    data: Vec<u8>,
    pool: Pool,
}

impl Pool {
    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty buffer with room for `room` bytes.
    pub(crate) fn empty(&self, room: usize) -> Vec<u8> {
        let mut buffer = self.free().pop().unwrap_or_default();
        buffer.reserve_exact(room);
        buffer
    }

    /// What is in the buffer, which comes back when the last clone is gone.
    pub(crate) fn lend(&self, data: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { data, pool: self.clone() })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        let mut free = self.pool.free();
        if free.len() < KEPT {
            free.push(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_last_clone_is_gone() {
        let pool = Pool::default();
        let mut buffer = pool.empty(8192);
        buffer.extend_from_slice(b"bytes");
        let at = buffer.as_ptr();
        let bytes = pool.lend(buffer);
        let half = bytes.slice(2..);
        drop(bytes);
        let other = pool.empty(8192);
        assert_ne!(other.as_ptr(), at);
        assert_eq!(half, b"tes".as_slice());
        drop(half);
        let again = pool.empty(4096);
        assert!(again.is_empty() && again.capacity() >= 8192);
        assert_eq!(again.as_ptr(), at);
    }
}
