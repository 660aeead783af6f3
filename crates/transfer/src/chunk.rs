// SPDX-License-Identifier: Apache-2.0
//! A stretch of a body as whoever produces it knows it: bytes, or zeroes nobody has to hold.

use bytes::Bytes;

use crate::piece::ZEROES;

/// The next stretch of an image's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes in memory.
    Data(Bytes),
    /// So many zero bytes: a hole of a sparse file, an unallocated cluster of a disk image.
    Zeroes(u64),
}

impl Chunk {
    /// Bytes of the image this stands for.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Zeroes(len) => *len,
        }
    }

    /// Whether it stands for no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same bytes in memory, zeroes in pieces of at most 64 KiB that share one allocation.
    pub fn into_bytes(self) -> impl Iterator<Item = Bytes> + Send {
        let (data, mut zeroes) = match self {
            Self::Data(data) => (Some(data), 0),
            Self::Zeroes(len) => (None, len),
        };
        let zeroes = std::iter::from_fn(move || {
            let step = zeroes.min(ZEROES.len() as u64);
            zeroes -= step;
            (step > 0).then(|| Bytes::from_static(&ZEROES[..step as usize]))
        });
        data.into_iter().chain(zeroes)
    }
}

impl From<Bytes> for Chunk {
    fn from(data: Bytes) -> Self {
        Self::Data(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroes_become_as_many_bytes() {
        let lens: Vec<_> = Chunk::Zeroes(150_000).into_bytes().map(|piece| piece.len()).collect();
        assert_eq!(lens, [65_536, 65_536, 18_928]);
        assert_eq!(Chunk::Zeroes(0).into_bytes().count(), 0);
        let data = Bytes::from_static(b"abc");
        assert_eq!(Chunk::from(data.clone()).into_bytes().collect::<Vec<_>>(), [data]);
    }
}
