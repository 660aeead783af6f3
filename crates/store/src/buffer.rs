// SPDX-License-Identifier: Apache-2.0
//! Recycled buffers for image bytes, and reads from files that do not wait for a disk.

use std::fs::File;
use std::io::{self, IoSliceMut};

use bytes::Bytes;
use rustix::io::{Errno, ReadWriteFlags};

use self::memory::Memory;

mod memory;

/// Below this many bytes a buffer is not worth recycling.
const LEAST: usize = 16 << 10;

/// Memory to read into, which begins at a page; as [`Bytes`] it finds its way back when the last of them is gone.
#[derive(Debug)]
pub struct Buffer {
    memory: Held,
    len: usize,
}

#[derive(Debug)]
enum Held {
    Recycled(Memory),
    Once(Vec<u8>),
}

impl Buffer {
    /// A buffer of `len` bytes, which hold whatever they held before.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let recycled = if len < LEAST { None } else { Memory::take(len) };
        let memory = recycled.map_or_else(|| Held::Once(vec![0; len]), Held::Recycled);
        Self { memory, len }
    }

    /// Keeps only the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
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
        match &self.memory {
            Held::Recycled(memory) => &memory.bytes()[..self.len],
            Held::Once(memory) => &memory[..self.len],
        }
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Held::Recycled(memory) => &mut memory.bytes_mut()[..self.len],
            Held::Once(memory) => &mut memory[..self.len],
        }
    }
}

impl From<Buffer> for Bytes {
    fn from(buffer: Buffer) -> Self {
        Self::from_owner(buffer)
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
        let [small, large] = memory::SIZES;
        for len in [0, 1, LEAST - 1, LEAST, 100_000, small, small + 1, large, large + 1] {
            let filled = Buffer::filled(len, |buffer| {
                buffer.fill(7);
                Ok::<_, io::Error>(())
            });
            assert_eq!(filled.unwrap(), vec![7; len]);
        }
        let failed: Result<Bytes, &str> = Buffer::filled(1 << 20, |_| Err("no"));
        assert_eq!(failed, Err("no"));
    }

    #[test]
    fn parts_keep_a_buffer_from_being_used_again() {
        let fill = |byte: u8| {
            Buffer::filled(1 << 20, |buffer| {
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
