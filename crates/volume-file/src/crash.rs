// SPDX-License-Identifier: Apache-2.0
//! Named points at which tests stop an operation as `kill -9` would.

use crate::Result;

/// Goes on, unless a test armed a crash at this point.
#[cfg(not(test))]
#[inline]
pub(crate) fn point(_name: &'static str) -> Result<()> {
    Ok(())
}

/// Whether an armed crash has happened: nothing is tidied up after that.
#[cfg(not(test))]
#[inline]
pub(crate) const fn happened() -> bool {
    false
}

#[cfg(test)]
pub(crate) use armed::{arm, happened, passed, point};

#[cfg(test)]
mod armed {
    use std::cell::{Cell, RefCell};
    use std::io;
    use std::path::PathBuf;

    use super::Result;
    use crate::VolumeError;

    thread_local! {
        static AT: Cell<Option<usize>> = const { Cell::new(None) };
        static HAPPENED: Cell<bool> = const { Cell::new(false) };
        static PASSED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    /// Crashes at the `n`th point this thread comes by from now on; `None` disarms.
    pub(crate) fn arm(n: Option<usize>) {
        AT.set(n);
        HAPPENED.set(false);
        PASSED.with_borrow_mut(Vec::clear);
    }

    /// The points come by since [`arm`].
    pub(crate) fn passed() -> Vec<&'static str> {
        PASSED.with_borrow(Clone::clone)
    }

    pub(crate) fn happened() -> bool {
        HAPPENED.get()
    }

    pub(crate) fn point(name: &'static str) -> Result<()> {
        let n = PASSED.with_borrow_mut(|passed| {
            passed.push(name);
            passed.len() - 1
        });
        if AT.get() != Some(n) {
            return Ok(());
        }
        HAPPENED.set(true);
        Err(VolumeError::Io { op: name, path: PathBuf::new(), source: io::Error::other("armed crash") })
    }
}
