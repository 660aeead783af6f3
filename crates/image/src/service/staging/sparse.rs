// SPDX-License-Identifier: Apache-2.0
//! A file as a body: its data read, its holes only told.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, stream};
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;
use scurry_transfer::Chunk;

use crate::body::BodyError;

/// Bytes read at a time.
const PIECE: u64 = 1 << 20;

/// Bytes `from` to `len` of a file; it fails when the file ends before.
pub(super) fn body(
    file: File,
    from: u64,
    len: u64,
) -> impl Stream<Item = Result<Chunk, BodyError>> + Send + use<> {
    let begin = Some((Arc::new(file), from, 0));
    stream::unfold(begin, move |state| async move {
        let (file, at, known) = state?;
        if at >= len {
            return None;
        }
        let reading = Arc::clone(&file);
        let next = tokio::task::spawn_blocking(move || next(&reading, at, known, len)).await;
        match next.unwrap_or_else(|died| Err(io::Error::other(died))) {
            Ok((chunk, known)) => {
                let at = at + chunk.len();
                Some((Ok(chunk), Some((file, at, known))))
            }
            Err(error) => Some((Err(BodyError::Local(error)), None)),
        }
    })
}

/// What lies at `at`, and up to where data is known to lie.
fn next(file: &File, at: u64, known: u64, len: u64) -> io::Result<(Chunk, u64)> {
    let known = if at < known {
        known
    } else {
        let (start, end) = data(file, at, len)?;
        if start > at {
            return Ok((Chunk::Zeroes(start - at), end));
        }
        end
    };
    let mut piece = vec![0; PIECE.min(known - at) as usize];
    file.read_exact_at(&mut piece, at)?;
    Ok((Chunk::Data(Bytes::from(piece)), known))
}

/// The next stretch of data from `at` on, which begins at `len` when there is none; all is data where the file
/// system does not tell. What a file lost at its end is no hole: reading it fails.
fn data(file: &File, at: u64, len: u64) -> io::Result<(u64, u64)> {
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start.min(len),
        Err(Errno::NXIO) if file.metadata()?.len() >= len => return Ok((len, len)),
        Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => return Ok((at, len)),
        Err(error) => return Err(error.into()),
    };
    let end = if start < len { seek(file, SeekFrom::Hole(start))?.min(len) } else { len };
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    async fn read(file: &File, from: u64, len: u64) -> Result<Vec<u8>, BodyError> {
        let chunks: Vec<Chunk> = body(file.try_clone().unwrap(), from, len).try_collect().await?;
        Ok(chunks.into_iter().flat_map(Chunk::into_bytes).flatten().collect())
    }

    #[tokio::test]
    async fn data_and_holes_are_the_file() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(9_000_001).unwrap();
        file.write_all_at(&[7; 3000], 0).unwrap();
        file.write_all_at(&[8; 2_000_000], 4_000_123).unwrap();
        let mut whole = vec![0; 9_000_001];
        file.read_exact_at(&mut whole, 0).unwrap();
        for from in [0, 1, 2999, 3000, 100_000, 4_000_123, 5_000_000, 9_000_000, 9_000_001] {
            assert!(read(&file, from, 9_000_001).await.unwrap() == whole[from as usize..], "{from}");
        }
        assert!(read(&file, 0, 9_000_002).await.is_err(), "a file that shrank");
        assert!(read(&file, 0, 8_999_999).await.unwrap() == whole[..8_999_999], "a file that grew");
    }

    #[tokio::test]
    async fn holes_are_not_read() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 30).unwrap();
        let chunks: Vec<Chunk> = body(file, 0, 1 << 30).try_collect().await.unwrap();
        assert_eq!(chunks, [Chunk::Zeroes(1 << 30)]);
    }
}
