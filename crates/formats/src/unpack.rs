// SPDX-License-Identifier: Apache-2.0
//! Images that come compressed as a whole, unpacked on their way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use crate::bytes::array;

/// Bytes of the beginning that say how an image is compressed.
pub const MAGIC_LEN: usize = 5;

const MANY: &str = "Archive contains more than one file.";
const BUFFER: usize = 256 << 10;

/// How an image is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One gzip member or several, one after the other.
    Gzip,
    /// A ZIP archive.
    Zip,
    /// An LHA archive.
    Lha,
}

impl Packing {
    /// Known by the first [`MAGIC_LEN`] bytes.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(b"PK\x03\x04") {
            Some(Self::Zip)
        } else if array(beginning, 2) == Some(*b"-lh") {
            Some(Self::Lha)
        } else if beginning.starts_with(b"\x1f\x8b\x08") {
            Some(Self::Gzip)
        } else {
            None
        }
    }

    /// Whether it can only be unpacked with all of it at hand.
    #[must_use]
    pub const fn needs_file(self) -> bool {
        matches!(self, Self::Zip)
    }

    /// Unpacks a stream. How much comes out is not bounded here.
    ///
    /// # Errors
    /// What it is packed in is damaged, encrypted, not understood, or holds more than one file; some of that is
    /// only found while reading. A ZIP archive is not a stream.
    pub fn unpack(self, packed: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let packed = BufReader::with_capacity(BUFFER, packed);
        match self {
            Self::Gzip => Ok(Box::new(Gunzip { decoder: Some(GzDecoder::new(packed)) })),
            Self::Lha => {
                let archive = delharc::LhaDecodeReader::new(packed).map_err(broken)?;
                check_member(archive.is_decoder_supported() && !archive.header().is_directory())?;
                Ok(Box::new(Unlha { archive, ended: false }))
            }
            Self::Zip => Err(broken("a ZIP archive is not unpacked as a stream")),
        }
    }

    /// Unpacks a file from its beginning, piece by piece; `piece` says whether to go on.
    ///
    /// # Errors
    /// As [`Self::unpack`].
    pub fn unpack_file(self, file: File, piece: impl FnMut(Vec<u8>) -> bool) -> io::Result<()> {
        if self != Self::Zip {
            return pump(&mut self.unpack(file)?, piece);
        }
        let mut archive = zip::ZipArchive::new(BufReader::with_capacity(BUFFER, file)).map_err(broken)?;
        if archive.len() != 1 {
            return Err(broken(MANY));
        }
        let mut member = archive.by_index(0).map_err(broken)?;
        check_member(member.is_file())?;
        pump(&mut member, piece)
    }
}

fn broken(reason: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

fn check_member(usable: bool) -> io::Result<()> {
    if usable { Ok(()) } else { Err(broken("the archive's member is not a file that can be read")) }
}

/// Reads to the end in pieces of 256 KiB; `piece` says whether to go on.
///
/// # Errors
/// What the reader answers.
pub fn pump(reader: &mut dyn Read, mut piece: impl FnMut(Vec<u8>) -> bool) -> io::Result<()> {
    loop {
        let mut buf = Vec::with_capacity(BUFFER);
        reader.take(BUFFER as u64).read_to_end(&mut buf)?;
        if buf.is_empty() || !piece(buf) {
            return Ok(());
        }
    }
}

/// Members one after the other, with zeroes allowed behind each.
struct Gunzip<R> {
    decoder: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n = decoder.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            let Some(decoder) = self.decoder.take() else { break };
            let mut rest = decoder.into_inner();
            if skip_zeroes(&mut rest)? {
                self.decoder = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Whether anything else follows.
fn skip_zeroes(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffered = reader.fill_buf()?;
        if buffered.is_empty() {
            return Ok(false);
        }
        let zeroes = buffered.iter().take_while(|byte| **byte == 0).count();
        let more = zeroes < buffered.len();
        reader.consume(zeroes);
        if more {
            return Ok(true);
        }
    }
}

struct Unlha<R> {
    archive: delharc::LhaDecodeReader<R>,
    ended: bool,
}

impl<R: Read> Read for Unlha<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let n = self.archive.read(buf)?;
        if n == 0 && !buf.is_empty() {
            self.ended = true;
            self.archive.crc_check().map_err(broken)?;
            if self.archive.next_file().map_err(broken)? {
                return Err(broken(MANY));
            }
        }
        Ok(n)
    }
}
