// SPDX-License-Identifier: Apache-2.0
//! The body of a sparse upload (`application/vnd.scurry.extents`): data and zeroes in frames.
//!
//! A frame is one byte of kind (`D` or `Z`), the number of bytes it stands for (8 bytes, big-endian), and for `D` those
//! bytes. Frames stand for adjacent stretches of the image; a body may be cut anywhere, whatever arrived counts.

use bytes::{Buf, Bytes};

use crate::ExtentKind;

/// The media type of such a body.
pub const MEDIA_TYPE: &str = "application/vnd.scurry.extents";

/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 9;

const DATA: u8 = b'D';
const ZEROES: u8 = b'Z';

/// The header of a frame that stands for `len` bytes; behind one of data those bytes have to follow.
#[must_use]
pub fn header(kind: ExtentKind, len: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[0] = match kind {
        ExtentKind::Data => DATA,
        ExtentKind::Zero => ZEROES,
    };
    header[1..].copy_from_slice(&len.to_be_bytes());
    header
}

/// The next stretch of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// Bytes as they came.
    Data(Bytes),
    /// So many zeroes.
    Zeroes(u64),
}

/// A body that is not made of frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// A frame begins with another byte than `D` or `Z`.
    #[error("a frame begins with byte {0:#04x}, which is neither 'D' nor 'Z'")]
    Kind(u8),
    /// No image is that long.
    #[error("the frames stand for more than 2^63 bytes")]
    TooLong,
    /// The body ended within a frame.
    #[error("the body ends within a frame")]
    Cut,
}

/// Takes frames apart, however their bytes come.
#[derive(Debug, Default)]
pub struct Decoder {
    head: [u8; HEADER_LEN],
    head_len: usize,
    /// Bytes the current frame of data still has to bring.
    data_left: u64,
    total: u64,
}

impl Decoder {
    /// At the beginning of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next stretch from the front of `input`; `None` when all of it is used up.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Stretch>, BadFrame> {
        loop {
            if input.is_empty() {
                return Ok(None);
            }
            if self.data_left > 0 {
                let len = usize::try_from(self.data_left).unwrap_or(usize::MAX).min(input.len());
                self.data_left -= len as u64;
                return Ok(Some(Stretch::Data(input.split_to(len))));
            }
            if let Some(zeroes) = self.take_header(input)? {
                return Ok(Some(Stretch::Zeroes(zeroes)));
            }
        }
    }

    /// Whether a body may end here: not within a frame.
    pub fn finish(&self) -> Result<(), BadFrame> {
        if self.head_len > 0 || self.data_left > 0 { Err(BadFrame::Cut) } else { Ok(()) }
    }

    /// Goes on with a header; the answer is how many zeroes a complete one stands for.
    fn take_header(&mut self, input: &mut Bytes) -> Result<Option<u64>, BadFrame> {
        let len = input.len().min(HEADER_LEN - self.head_len);
        input.copy_to_slice(&mut self.head[self.head_len..self.head_len + len]);
        self.head_len += len;
        let [kind, digits @ ..] = self.head;
        if !matches!(kind, DATA | ZEROES) {
            return Err(BadFrame::Kind(kind));
        }
        if self.head_len < HEADER_LEN {
            return Ok(None);
        }
        self.head_len = 0;
        let len = u64::from_be_bytes(digits);
        let total = self.total.checked_add(len).filter(|total| i64::try_from(*total).is_ok());
        self.total = total.ok_or(BadFrame::TooLong)?;
        if kind == DATA {
            self.data_left = len;
            return Ok(None);
        }
        Ok((len > 0).then_some(len))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `body` in pieces of these lengths and gathers what comes out.
    fn decode(body: &[u8], pieces: &[usize]) -> Result<(Vec<Stretch>, Decoder), BadFrame> {
        let (mut decoder, mut rest, mut found) = (Decoder::new(), Bytes::copy_from_slice(body), Vec::new());
        let mut pieces = pieces.iter().cycle();
        while !rest.is_empty() {
            let len = pieces.next().copied().unwrap_or(usize::MAX).clamp(1, rest.len());
            let mut piece = rest.split_to(len);
            while let Some(stretch) = decoder.next(&mut piece)? {
                found.push(stretch);
            }
        }
        Ok((found, decoder))
    }

    fn flatten(stretches: Vec<Stretch>) -> Vec<u8> {
        let bytes = |stretch| match stretch {
            Stretch::Data(data) => data.to_vec(),
            Stretch::Zeroes(len) => vec![0; usize::try_from(len).unwrap()],
        };
        stretches.into_iter().flat_map(bytes).collect()
    }

    fn frame() -> impl Strategy<Value = (bool, Vec<u8>)> {
        (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40))
    }

    proptest! {
        #[test]
        fn what_was_sent_arrives_however_it_is_cut(
            frames in proptest::collection::vec(frame(), 0..12),
            pieces in proptest::collection::vec(1_usize..30, 1..8),
            keep in 0.0_f64..=1.0,
        ) {
            let (mut body, mut image, mut boundaries) = (Vec::new(), Vec::new(), vec![0]);
            let mut received = Vec::new();
            for (is_data, bytes) in &frames {
                let kind = if *is_data { ExtentKind::Data } else { ExtentKind::Zero };
                let start = body.len();
                body.extend(header(kind, bytes.len() as u64));
                if *is_data {
                    body.extend(bytes);
                    image.extend(bytes);
                } else {
                    image.resize(image.len() + bytes.len(), 0);
                }
                received.push((start, *is_data, bytes.len()));
                boundaries.push(body.len());
            }
            let (whole, decoder) = decode(&body, &pieces).unwrap();
            prop_assert_eq!(flatten(whole), image.clone());
            prop_assert_eq!(decoder.finish(), Ok(()));

            let cut = (body.len() as f64 * keep) as usize;
            let counts: usize = received.iter().map(|(start, is_data, len)| {
                let behind = cut.saturating_sub(start + HEADER_LEN);
                match is_data {
                    true => behind.min(*len),
                    false if cut >= start + HEADER_LEN => *len,
                    false => 0,
                }
            }).sum();
            let (part, decoder) = decode(&body[..cut], &pieces).unwrap();
            prop_assert_eq!(flatten(part), &image[..counts]);
            prop_assert_eq!(decoder.finish().is_ok(), boundaries.contains(&cut));
        }

        #[test]
        fn garbage_is_refused_or_decoded_but_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body, &[7]);
        }
    }

    #[test]
    fn bad_frames_are_named() {
        assert_eq!(decode(b"X", &[1]).map(|_| ()), Err(BadFrame::Kind(b'X')));
        assert_eq!(decode(&header(ExtentKind::Zero, u64::MAX), &[9]).map(|_| ()), Err(BadFrame::TooLong));
        let twice = [header(ExtentKind::Zero, 1 << 62), header(ExtentKind::Zero, 1 << 62)].concat();
        assert_eq!(decode(&twice, &[5]).map(|_| ()), Err(BadFrame::TooLong));
    }
}
