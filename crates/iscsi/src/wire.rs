// SPDX-License-Identifier: Apache-2.0
//! Reading PDUs: header, additional headers, data, padding, and the digests of both.

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

use crate::{
    Fault,
    pdu::{self, BHS, Header},
};

/// Read ahead of a header; what is bigger goes straight into its place.
const READ_AHEAD: usize = 8 << 10;

/// The receiving half of a connection.
#[derive(Debug)]
pub(crate) struct Incoming<R> {
    stream: BufReader<R>,
    header_digest: bool,
    data_digest: bool,
    /// The longest data segment we said that we take.
    max_data: usize,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(crate) fn new(stream: R, max_data: usize) -> Self {
        let stream = BufReader::with_capacity(READ_AHEAD, stream);
        Self { stream, header_digest: false, data_digest: false, max_data }
    }

    /// The next header. Its data has to be taken by [`Self::data`] or [`Self::skip`] before the one after.
    pub(crate) async fn header(&mut self) -> Result<Header, Fault> {
        let mut header = [0; BHS];
        self.exact(&mut header).await?;
        let mut additional = [0_u8; 255 * 4];
        let additional = &mut additional[..pdu::additional_length(&header)];
        self.exact(additional).await?;
        if self.header_digest {
            let crc = crc32c::crc32c_append(crc32c::crc32c(&header), additional);
            self.check(crc, "header").await?;
        }
        if pdu::data_length(&header) > self.max_data {
            return Err(Fault::Protocol("a data segment longer than announced"));
        }
        Ok(header)
    }

    /// Appends the data segment to `into`, which grows by no more than that.
    pub(crate) async fn data(&mut self, header: &Header, into: &mut BytesMut) -> Result<(), Fault> {
        let length = pdu::data_length(header);
        into.reserve(length);
        let mut left = length;
        let mut crc = 0;
        while left > 0 {
            let start = into.len();
            let read = self.stream.read_buf(&mut (&mut *into).limit(left)).await?;
            if read == 0 {
                return Err(Fault::Closed);
            }
            left -= read;
            if self.data_digest {
                crc = crc32c::crc32c_append(crc, &into[start..]);
            }
        }
        self.end_of_data(length, crc).await
    }

    /// Reads over the data segment.
    pub(crate) async fn skip(&mut self, header: &Header) -> Result<(), Fault> {
        let length = pdu::data_length(header);
        let mut left = length;
        let mut crc = 0;
        let mut piece = BytesMut::with_capacity(left.min(READ_AHEAD));
        while left > 0 {
            piece.clear();
            let read = self.stream.read_buf(&mut (&mut piece).limit(left.min(READ_AHEAD))).await?;
            if read == 0 {
                return Err(Fault::Closed);
            }
            left -= read;
            crc = crc32c::crc32c_append(crc, &piece);
        }
        self.end_of_data(length, crc).await
    }

    async fn end_of_data(&mut self, length: usize, crc: u32) -> Result<(), Fault> {
        if length == 0 {
            return Ok(());
        }
        let mut padding = [0; 3];
        let padding = &mut padding[..pdu::padding(length)];
        self.exact(padding).await?;
        match self.data_digest {
            true => self.check(crc32c::crc32c_append(crc, padding), "data").await,
            false => Ok(()),
        }
    }

    async fn check(&mut self, crc: u32, what: &'static str) -> Result<(), Fault> {
        let mut sent = [0; 4];
        self.exact(&mut sent).await?;
        match (&sent[..]).get_u32_le() == crc {
            true => Ok(()),
            false => Err(Fault::Digest(what)),
        }
    }

    async fn exact(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        match self.stream.read_exact(into).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Fault::Closed),
            Err(error) => Err(error.into()),
        }
    }

    /// From the next PDU on, as negotiated.
    pub(crate) fn go_on_with(mut self, header_digest: bool, data_digest: bool, max_data: usize) -> Self {
        self.header_digest = header_digest;
        self.data_digest = data_digest;
        self.max_data = max_data;
        self
    }
}

#[cfg(test)]
mod tests;
