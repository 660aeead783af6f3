// SPDX-License-Identifier: Apache-2.0
//! Recycled buffers for image bytes, and reads from files that do not wait for a disk.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rustix::io::{Errno, ReadWriteFlags};

/// Bytes of a recycled buffer.
const LEN: usize = 1 << 20;
/// Below this many bytes a buffer is not worth recycling.
const LEAST: usize = 16 << 10;
/// Unused buffers that are kept. The last one given back is the first to be taken: its bytes are still in the
/// processor's cache, which a fresh one has to be brought into page by page.
const KEPT: usize = 8;

static UNUSED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Memory to read into; as [`Bytes`] it finds its way back when the last of them is gone.
#[derive(Debug)]
pub struct Buffer {
    memory: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` bytes, which hold whatever they held before.
    #[must_use]
    pub fn new(len: usize) -> Self {
        if !(LEAST..=LEN).contains(&len) {
            return Self { memory: vec![0; len], len };
        }
        let memory = UNUSED.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { memory: memory.unwrap_or_else(|| vec![0; LEN]), len }
    }

    /// A buffer filled by `read`.
    ///
    /// # Errors
    /// What `read` answers.
    pub fn filled<E>(len: usize, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Bytes, E> {
        let mut buffer = Self::new(len);
        read(buffer.as_mut())?;
        Ok(buffer.into())
    }

    /// The first `len` bytes of a file from `offset` on as far as the page cache has them; `None` when it has none of
    /// them, when the file system cannot tell, and when the read fails.
    #[must_use]
    pub fn cached(file: &File, offset: u64, len: usize) -> Option<Bytes> {
        let mut buffer = Self::new(len);
        let read = loop {
            let into = &mut [IoSliceMut::new(buffer.as_mut())];
            match rustix::io::preadv2(file, into, offset, ReadWriteFlags::NOWAIT) {
                Err(Errno::INTR) => {}
                read => break read.ok()?,
            }
        };
        buffer.len = read;
        (read > 0).then(|| buffer.into())
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.len]
    }
}

impl From<Buffer> for Bytes {
    fn from(buffer: Buffer) -> Self {
        Self::from_owner(buffer)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.memory.len() != LEN {
            return;
        }
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        if unused.len() < KEPT {
            unused.push(std::mem::take(&mut self.memory));
        }
    }
}

/// Whether a file still reaches to byte `end`: what lies beyond its end must not pass for a hole.
///
/// # Errors
/// `UnexpectedEof` when it does not, and what the file system answers.
pub fn reaches(file: &File, end: u64) -> io::Result<()> {
    let len = file.metadata()?.len();
    if len < end {
        let message = format!("the file has {len} bytes, byte {end} was expected");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_buffer_holds_what_was_read_and_no_byte_more() {
        for len in [0, 1, LEAST - 1, LEAST, 100_000, LEN, LEN + 1] {
            let filled = Buffer::filled(len, |buffer| {
                buffer.fill(7);
                Ok::<_, io::Error>(())
            });
            assert_eq!(filled.unwrap(), vec![7; len]);
        }
        let failed: Result<Bytes, &str> = Buffer::filled(LEN, |_| Err("no"));
        assert_eq!(failed, Err("no"));
    }

    #[test]
    fn parts_keep_a_buffer_from_being_used_again() {
        let fill = |byte: u8| {
            Buffer::filled(LEN, |buffer| {
                buffer.fill(byte);
                Ok::<_, io::Error>(())
            })
            .unwrap()
        };
        let part = fill(1).slice(10..20);
        let others: Vec<_> = (2..30).map(fill).collect();
        assert_eq!(part, [1; 10].as_slice());
        assert!(others.iter().zip(2..).all(|(bytes, byte)| bytes.iter().all(|one| *one == byte)));
        drop(others);
        assert!(UNUSED.lock().unwrap().len() <= KEPT);
    }

    #[test]
    fn what_is_cached_is_read_and_nothing_beyond_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[9; 50_000]).unwrap();
        // Not every file system can tell; those that can give just what is there.
        if let Some(data) = Buffer::cached(&file, 10_000, 100_000) {
            assert!(!data.is_empty() && data.len() <= 40_000);
            assert!(data.iter().all(|byte| *byte == 9));
        }
        assert_eq!(Buffer::cached(&file, 50_000, 10), None);
        assert!(reaches(&file, 50_000).is_ok());
        assert_eq!(reaches(&file, 50_001).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
