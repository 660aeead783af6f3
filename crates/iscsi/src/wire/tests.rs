// SPDX-License-Identifier: Apache-2.0
//! Digests are checked, limits hold, and no bytes whatever do harm.

use proptest::prelude::*;

use super::*;
use crate::pdu::{response::Response, set_data_length};

/// A PDU with both digests, as a target would send it.
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut header = [0; BHS];
    header[0] = 0x21;
    header[4] = 1;
    set_data_length(&mut header, data.len());
    let mut bytes = header.to_vec();
    bytes.extend([1, 2, 3, 4]);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    let mut body = data.to_vec();
    body.resize(data.len() + pdu::padding(data.len()), 0);
    let crc = crc32c::crc32c(&body);
    bytes.extend(body);
    bytes.extend(crc.to_le_bytes());
    bytes
}

async fn read(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut incoming = Incoming::new(bytes, 0).go_on_with(true, true, 1024);
    let header = incoming.header().await?;
    let mut data = BytesMut::new();
    incoming.data(&header, &mut data).await?;
    Ok(data.to_vec())
}

#[tokio::test]
async fn digests_are_checked() {
    for length in [1, 2, 3, 4, 1000] {
        let data = vec![7; length];
        let mut bytes = sealed(&data);
        assert_eq!(read(&bytes).await.unwrap(), data);
        let last = bytes.len() - 6;
        bytes[last] ^= 1;
        assert!(matches!(read(&bytes).await, Err(Fault::Digest("data"))), "{length}");
        bytes[last] ^= 1;
        bytes[50] ^= 1;
        assert!(matches!(read(&bytes).await, Err(Fault::Digest("header"))));
    }
    assert!(matches!(read(&sealed(&[7; 1025])).await, Err(Fault::Protocol(_))));
    assert!(matches!(read(&sealed(&[7; 10])[..60]).await, Err(Fault::Closed)));
}

proptest! {
    #[test]
    fn any_bytes_end_in_an_error_and_little_memory(bytes in proptest::collection::vec(any::<u8>(), 0..4096), digests: bool, skip: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut incoming = Incoming::new(&bytes[..], 0).go_on_with(digests, digests, 1 << 16);
            let mut data = BytesMut::new();
            while let Ok(header) = incoming.header().await {
                let _ = Response::decode(&header);
                data.clear();
                let taken = match skip {
                    true => incoming.skip(&header).await,
                    false => incoming.data(&header, &mut data).await,
                };
                assert!(data.capacity() <= 1 << 17);
                if taken.is_err() {
                    break;
                }
            }
        });
    }
}
