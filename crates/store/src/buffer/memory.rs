// SPDX-License-Identifier: Apache-2.0
//! Pages that are used again: fresh ones cost a fault for every 4 KiB, and an allocator scatters them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use memmap2::MmapMut;

/// Bytes a piece of memory has: one piece of a transfer, one block of a copy.
pub(super) const SIZES: [usize; 2] = [1 << 20, 4 << 20];
/// Unused bytes of each size that are kept though nobody holds as much.
const IDLE: usize = 8 << 20;

static SHELVES: [Shelf; 2] = [Shelf::new(SIZES[0]), Shelf::new(SIZES[1])];

/// All memory of one size.
#[derive(Debug)]
struct Shelf {
    size: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The last one given back is the first to be taken: its bytes are still in the processor's cache.
    unused: Vec<MmapMut>,
    held: usize,
}

/// Pages of its own, given back when dropped: to the next that needs some, or to the system where nobody will.
#[derive(Debug)]
pub(super) struct Memory {
    /// Absent only while it is dropped.
    pages: Option<MmapMut>,
    shelf: &'static Shelf,
}

impl Shelf {
    const fn new(size: usize) -> Self {
        Self { size, state: Mutex::new(State { unused: Vec::new(), held: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<MmapMut> {
        let mut state = self.state();
        let unused = state.unused.pop();
        let pages = match unused {
            Some(pages) => pages,
            None => MmapMut::map_anon(self.size).ok()?,
        };
        state.held += 1;
        Some(pages)
    }

    /// Takes pages back. At most as many lie idle as are in use, so that a busy process asks the system for nothing
    /// and one that comes to rest holds next to nothing; the answer is what is too much.
    fn put_back(&self, pages: MmapMut) -> Vec<MmapMut> {
        let mut state = self.state();
        state.held = state.held.saturating_sub(1);
        state.unused.push(pages);
        let kept = state.held.max(IDLE / self.size);
        let surplus = state.unused.len().saturating_sub(kept);
        state.unused.drain(..surplus).collect()
    }
}

impl Memory {
    /// At least `len` bytes; `None` when that is more than memory is recycled of, or there is none.
    pub(super) fn take(len: usize) -> Option<Self> {
        let shelf = SHELVES.iter().find(|shelf| shelf.size >= len)?;
        Some(Self { pages: Some(shelf.take()?), shelf })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.pages.as_deref().unwrap_or_default()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.pages.as_deref_mut().unwrap_or_default()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(pages) = self.pages.take() {
            // The system takes its pages back outside the lock.
            drop(self.shelf.put_back(pages));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_shelf_keeps_what_is_used_and_an_idle_one_little() {
        let shelf = Shelf::new(1 << 20);
        let mut held: Vec<_> = (0..40).map(|_| shelf.take().unwrap()).collect();
        let mut gone = 0;
        while held.len() > 20 {
            gone += shelf.put_back(held.pop().unwrap()).len();
        }
        assert_eq!((gone, shelf.state().unused.len()), (0, 20));
        // What was put back last is taken first.
        let last = shelf.state().unused.last().unwrap().as_ptr();
        held.push(shelf.take().unwrap());
        assert_eq!(held.last().unwrap().as_ptr(), last);
        while let Some(pages) = held.pop() {
            gone += shelf.put_back(pages).len();
        }
        let state = shelf.state();
        assert_eq!((gone, state.unused.len(), state.held), (32, 8, 0));
    }

    #[test]
    fn memory_begins_at_a_page() {
        for len in [1, SIZES[0], SIZES[0] + 1, SIZES[1]] {
            let memory = Memory::take(len).unwrap();
            assert!(memory.bytes().len() >= len && memory.bytes().as_ptr().addr().is_multiple_of(4096));
        }
        assert!(Memory::take(SIZES[1] + 1).is_none());
    }
}
