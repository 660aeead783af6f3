// SPDX-License-Identifier: Apache-2.0
//! Headers that a target sends, judged as far as a header alone can be.

use super::{Header, be16, be32};
use crate::{Fault, Lun, error::RejectReason};

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    NopIn { lun: Lun, tag: u32, transfer_tag: u32 },
    Scsi(ScsiResponse),
    Management { tag: u32, response: u8 },
    Login(LoginResponse),
    Text { tag: u32, transfer_tag: u32, last: bool, more: bool },
    DataIn(DataIn),
    Logout { tag: u32, response: u8 },
    R2t(R2t),
    Async { event: u8, parameters: [u16; 3] },
    Reject { reason: RejectReason },
}

/// The end of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScsiResponse {
    pub(crate) tag: u32,
    /// The iSCSI service response: 0 is "completed at target".
    pub(crate) response: u8,
    pub(crate) status: u8,
    pub(crate) residual: i64,
}

/// An answer during login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginResponse {
    pub(crate) transit: bool,
    /// The text goes on in the next PDU.
    pub(crate) more: bool,
    pub(crate) current: u8,
    pub(crate) next: u8,
    pub(crate) tsih: u16,
    pub(crate) class: u8,
    pub(crate) detail: u8,
}

/// Data of a read; with the command's end where `status` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataIn {
    pub(crate) tag: u32,
    pub(crate) data_sn: u32,
    pub(crate) offset: u32,
    pub(crate) status: Option<(u8, i64)>,
}

/// The target is ready for data of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct R2t {
    pub(crate) tag: u32,
    pub(crate) transfer_tag: u32,
    pub(crate) r2t_sn: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// The numbers by which a target acknowledges and opens its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The status number that this PDU used up.
    pub(crate) stat_sn: Option<u32>,
    pub(crate) exp_cmd_sn: u32,
    pub(crate) max_cmd_sn: u32,
}

impl Response {
    /// Decodes a header; never looks at the data.
    pub(crate) fn decode(header: &Header) -> Result<Self, Fault> {
        let tag = be32(header, 16);
        let transfer_tag = be32(header, 20);
        let flags = header[1];
        Ok(match header[0] & 0x3f {
            0x20 => Self::NopIn { lun: lun(header), tag, transfer_tag },
            0x21 => Self::Scsi(ScsiResponse {
                tag,
                response: header[2],
                status: header[3],
                residual: residual(header),
            }),
            0x22 => Self::Management { tag, response: header[2] },
            0x23 => Self::Login(login(header)),
            0x24 => Self::Text { tag, transfer_tag, last: flags & 0x80 != 0, more: flags & 0x40 != 0 },
            0x25 => Self::DataIn(data_in(header)?),
            0x26 => Self::Logout { tag, response: header[2] },
            0x31 => Self::R2t(R2t {
                tag,
                transfer_tag,
                r2t_sn: be32(header, 36),
                offset: be32(header, 40),
                length: be32(header, 44),
            }),
            0x32 => Self::Async {
                event: header[36],
                parameters: [be16(header, 38), be16(header, 40), be16(header, 42)],
            },
            0x3f => Self::Reject { reason: RejectReason(header[2]) },
            _ => return Err(Fault::Protocol("unknown opcode")),
        })
    }

    /// The numbers of the same header. R2T, data without status and pings use up no status number.
    pub(crate) fn numbers(&self, header: &Header) -> Numbers {
        let counted = match self {
            Self::R2t(_) => false,
            Self::DataIn(data) => data.status.is_some(),
            Self::NopIn { tag, .. } => *tag != super::NO_TAG,
            _ => true,
        };
        Numbers {
            stat_sn: counted.then(|| be32(header, 24)),
            exp_cmd_sn: be32(header, 28),
            max_cmd_sn: be32(header, 32),
        }
    }
}

fn lun(header: &Header) -> Lun {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[8..16]);
    Lun::from_bytes(bytes)
}

fn login(header: &Header) -> LoginResponse {
    let flags = header[1];
    LoginResponse {
        transit: flags & 0x80 != 0,
        more: flags & 0x40 != 0,
        current: flags >> 2 & 3,
        next: flags & 3,
        tsih: be16(header, 14),
        class: header[36],
        detail: header[37],
    }
}

fn data_in(header: &Header) -> Result<DataIn, Fault> {
    const STATUS: u8 = 0x01;
    const FINAL: u8 = 0x80;
    let with_status = header[1] & STATUS != 0;
    if with_status && header[1] & FINAL == 0 {
        return Err(Fault::Protocol("status before the last data"));
    }
    Ok(DataIn {
        tag: be32(header, 16),
        data_sn: be32(header, 36),
        offset: be32(header, 40),
        status: with_status.then(|| (header[3], residual(header))),
    })
}

/// Residual count: positive for too little data, negative for too much.
fn residual(header: &Header) -> i64 {
    const UNDERFLOW: u8 = 0x02;
    const OVERFLOW: u8 = 0x04;
    let count = i64::from(be32(header, 44));
    match header[1] & (UNDERFLOW | OVERFLOW) {
        UNDERFLOW => count,
        OVERFLOW => -count,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pdu::{BHS, put32};

    #[test]
    fn a_read_that_ends_with_its_data() {
        let mut header = [0; BHS];
        header[0] = 0x25;
        header[1] = 0x83;
        put32(&mut header, 16, 4);
        put32(&mut header, 24, 77);
        put32(&mut header, 44, 12);
        let response = Response::decode(&header).unwrap();
        let data = DataIn { tag: 4, data_sn: 0, offset: 0, status: Some((0, 12)) };
        assert_eq!(response, Response::DataIn(data));
        assert_eq!(response.numbers(&header).stat_sn, Some(77));
        header[1] = 0x01;
        assert!(Response::decode(&header).is_err());
    }

    #[test]
    fn a_ping_of_the_target_uses_up_no_number() {
        let mut header = [0; BHS];
        header[0] = 0x20;
        put32(&mut header, 16, crate::pdu::NO_TAG);
        assert_eq!(Response::decode(&header).unwrap().numbers(&header).stat_sn, None);
    }

    proptest! {
        #[test]
        fn any_header_is_decoded_or_refused(bytes in proptest::array::uniform32(any::<u8>()), tail in proptest::array::uniform16(any::<u8>())) {
            let mut header = [0; BHS];
            header[..32].copy_from_slice(&bytes);
            header[32..].copy_from_slice(&tail);
            if let Ok(response) = Response::decode(&header) {
                let _ = response.numbers(&header);
            }
        }
    }
}
