// SPDX-License-Identifier: Apache-2.0
//! One request and its answer of the login phase, over as many PDUs as they take.

use bytes::BytesMut;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{Connected, Terms};
use crate::{
    Fault, LoginFailure, LoginOptions, Portal,
    pdu::{
        self, Header,
        request::{self, Login, Stage},
        response::{LoginResponse, Response},
    },
    text::Text,
    wire::Incoming,
};

/// What one login PDU may carry before anything is negotiated.
const MAX_LOGIN_DATA: usize = 8192;
/// Text of one answer.
const MAX_ANSWER: usize = 64 << 10;
/// PDUs of a login, either way; a target that needs more is playing.
const MAX_PDUS: u32 = 64;

/// Why a login does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(Fault),
    Refused(LoginFailure),
    NotAuthentic(&'static str),
    Redirected(Portal),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// A login in progress.
#[derive(Debug)]
pub(super) struct Exchange {
    incoming: Incoming<OwnedReadHalf>,
    outgoing: OwnedWriteHalf,
    isid: [u8; 6],
    cmd_sn: u32,
    exp_stat_sn: u32,
    max_cmd_sn: u32,
    left: u32,
}

/// The target's last answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) keys: Text,
    /// The stage the target agreed to go to.
    pub(super) next: Option<Stage>,
}

impl Exchange {
    pub(super) fn new(stream: TcpStream, isid: [u8; 6]) -> Self {
        let (incoming, outgoing) = stream.into_split();
        Self {
            incoming: Incoming::new(incoming, MAX_LOGIN_DATA.max(MAX_ANSWER)),
            outgoing,
            isid,
            cmd_sn: 1,
            exp_stat_sn: 0,
            max_cmd_sn: 1,
            left: MAX_PDUS,
        }
    }

    /// Sends keys and takes the whole answer.
    pub(super) async fn ask(
        &mut self,
        keys: &Text,
        current: Stage,
        next: Option<Stage>,
    ) -> Result<Answer, Stop> {
        let data = keys.encode();
        if data.len() > MAX_LOGIN_DATA {
            return Err(Fault::Terms("our login keys are too long".to_owned()).into());
        }
        self.send(&data, current, next).await?;
        let mut text = BytesMut::new();
        loop {
            let response = self.receive(&mut text).await?;
            refusal(&response, &text)?;
            if response.more {
                self.send(&[], current, None).await?;
                continue;
            }
            let mut keys = Text::default();
            keys.extend(Text::decode(&text)?)?;
            return Ok(Answer { keys, next: agreed(&response, current, next)? });
        }
    }

    async fn send(&mut self, data: &[u8], current: Stage, next: Option<Stage>) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or(Fault::Protocol("a login without an end"))?;
        let login = Login { current, next, isid: self.isid, tag: 0, cmd_sn: self.cmd_sn };
        let mut header = login.header();
        pdu::set_data_length(&mut header, data.len());
        request::set_exp_stat_sn(&mut header, self.exp_stat_sn);
        let mut bytes = BytesMut::from(&header[..]);
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len() + pdu::padding(data.len()), 0);
        self.outgoing.write_all(&bytes).await?;
        Ok(())
    }

    async fn receive(&mut self, text: &mut BytesMut) -> Result<LoginResponse, Stop> {
        let header = self.incoming.header().await?;
        if text.len() + pdu::data_length(&header) > MAX_ANSWER {
            return Err(Fault::Protocol("a login answer without an end").into());
        }
        self.incoming.data(&header, text).await?;
        match Response::decode(&header)? {
            Response::Login(response) => {
                self.count(&header);
                Ok(response)
            }
            Response::Reject { reason } => {
                Err(Fault::Terms(format!("the target rejected the login: {reason}")).into())
            }
            _ => Err(Fault::Protocol("no login response during login").into()),
        }
    }

    fn count(&mut self, header: &Header) {
        self.exp_stat_sn = pdu::be32(header, 24).wrapping_add(1);
        let (expected, most) = (pdu::be32(header, 28), pdu::be32(header, 32));
        // A refused login may leave these empty; a window is taken only where it is one.
        if pdu::is_after(most.wrapping_add(2), expected) {
            self.max_cmd_sn = most;
        }
    }

    /// The connection as the session uses it.
    pub(super) fn finish(self, terms: Terms, options: &LoginOptions, peer: &str) -> Connected {
        let max_data = options.max_receive as usize;
        Connected {
            incoming: self.incoming.go_on_with(terms.header_digest, terms.data_digest, max_data),
            outgoing: self.outgoing,
            terms,
            peer: peer.to_owned(),
            cmd_sn: self.cmd_sn,
            max_cmd_sn: self.max_cmd_sn,
            exp_stat_sn: self.exp_stat_sn,
        }
    }
}

/// A status other than success ends the login, or begins it elsewhere.
fn refusal(response: &LoginResponse, text: &[u8]) -> Result<(), Stop> {
    let failure = LoginFailure { class: response.class, detail: response.detail };
    match response.class {
        0 => Ok(()),
        1 => {
            let keys = Text::decode(text)?;
            let portal = keys.get("TargetAddress").and_then(|address| address.parse().ok());
            Err(portal.map_or(Stop::Refused(failure), Stop::Redirected))
        }
        _ => Err(Stop::Refused(failure)),
    }
}

/// The stage both agreed to go to; a target can neither jump nor go where it was not asked to.
fn agreed(response: &LoginResponse, current: Stage, next: Option<Stage>) -> Result<Option<Stage>, Fault> {
    if response.current != current as u8 {
        return Err(Fault::Protocol("a login answer of another stage"));
    }
    match (response.transit, next) {
        (false, _) => Ok(None),
        (true, Some(next)) if response.next == next as u8 => {
            match next == Stage::FullFeature && response.tsih == 0 {
                true => Err(Fault::Protocol("a session without a handle")),
                false => Ok(Some(next)),
            }
        }
        (true, _) => Err(Fault::Protocol("a stage that was not asked for")),
    }
}
