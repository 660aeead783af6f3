// SPDX-License-Identifier: Apache-2.0
//! A target that does what the test says, PDU by PDU.

use std::future::Future;

use scurry_iscsi::{IscsiError, LoginOptions, Portal, Session, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::tgt;

pub(crate) const NO_TAG: u32 = 0xffff_ffff;
pub(crate) const NAME: &str = "iqn.2026-01.test:fake";

/// Terms that let an initiator send everything at once.
pub(crate) const TERMS: &[&str] = &[
    "HeaderDigest=None",
    "DataDigest=None",
    "MaxRecvDataSegmentLength=4096",
    "InitialR2T=Yes",
    "ImmediateData=No",
    "MaxBurstLength=65536",
    "FirstBurstLength=65536",
    "MaxOutstandingR2T=2",
    "ErrorRecoveryLevel=0",
];

/// One PDU from the initiator.
#[derive(Debug, Clone)]
pub(crate) struct Pdu {
    pub(crate) header: [u8; 48],
    pub(crate) data: Vec<u8>,
}

impl Pdu {
    pub(crate) fn opcode(&self) -> u8 {
        self.header[0] & 0x3f
    }

    pub(crate) fn word(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.header[at..at + 4].try_into().unwrap())
    }

    pub(crate) fn tag(&self) -> u32 {
        self.word(16)
    }

    pub(crate) fn keys(&self) -> String {
        String::from_utf8(self.data.clone()).unwrap()
    }
}

/// A header from the target: opcode, flags, the task's tag; more by [`Reply::with`].
#[derive(Clone)]
pub(crate) struct Reply {
    header: [u8; 48],
    data: Vec<u8>,
    /// Takes the next status number.
    counted: bool,
}

impl Reply {
    pub(crate) fn new(opcode: u8, flags: u8, tag: u32) -> Self {
        let mut header = [0; 48];
        (header[0], header[1]) = (opcode, flags);
        header[16..20].copy_from_slice(&tag.to_be_bytes());
        Self { header, data: Vec::new(), counted: true }
    }

    /// The status of a command.
    pub(crate) fn status(tag: u32, status: u8) -> Self {
        Self::new(0x21, 0x80, tag).byte(3, status)
    }

    /// Data of a read.
    pub(crate) fn data_in(tag: u32, flags: u8, number: u32, offset: u32, data: &[u8]) -> Self {
        let mut reply = Self::new(0x25, flags, tag).with(36, number).with(40, offset).data(data);
        reply.counted = flags & 1 != 0;
        reply
    }

    /// Ready for so many bytes from there.
    pub(crate) fn r2t(tag: u32, number: u32, offset: u32, length: u32) -> Self {
        let mut reply = Self::new(0x31, 0x80, tag).with(20, 77 + number).with(36, number);
        reply.counted = false;
        reply.with(40, offset).with(44, length)
    }

    pub(crate) fn with(mut self, at: usize, word: u32) -> Self {
        self.header[at..at + 4].copy_from_slice(&word.to_be_bytes());
        self
    }

    pub(crate) fn byte(mut self, at: usize, byte: u8) -> Self {
        self.header[at] = byte;
        self
    }

    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }

    pub(crate) fn uncounted(mut self) -> Self {
        self.counted = false;
        self
    }
}

/// The target's end of a connection.
pub(crate) struct Peer {
    stream: TcpStream,
    stat_sn: u32,
    pub(crate) exp_cmd_sn: u32,
    /// The end of the window that the initiator knows.
    told: u32,
    /// Commands the window holds.
    pub(crate) window: u32,
}

impl Peer {
    pub(crate) async fn read(&mut self) -> Pdu {
        self.try_read().await.unwrap()
    }

    pub(crate) async fn try_read(&mut self) -> std::io::Result<Pdu> {
        let mut header = [0; 48];
        self.stream.read_exact(&mut header).await?;
        let length = u32::from_be_bytes([0, header[5], header[6], header[7]]) as usize;
        let mut data = vec![0; length.next_multiple_of(4)];
        self.stream.read_exact(&mut data).await?;
        data.truncate(length);
        if header[0] & 0x40 == 0 && header[0] == 0x01 {
            let cmd_sn = u32::from_be_bytes(header[24..28].try_into().unwrap());
            assert!(
                cmd_sn <= self.told,
                "command {cmd_sn} is beyond the window, which ends at {}",
                self.told
            );
            assert_eq!(cmd_sn, self.exp_cmd_sn);
            self.exp_cmd_sn = cmd_sn.wrapping_add(1);
        }
        Ok(Pdu { header, data })
    }

    pub(crate) async fn send(&mut self, reply: Reply) {
        let Reply { mut header, data, counted } = reply;
        header[5..8].copy_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
        let most = self.exp_cmd_sn.wrapping_add(self.window).wrapping_sub(1);
        self.told = self.told.max(most);
        for (at, word) in [(24, self.stat_sn), (28, self.exp_cmd_sn), (32, most)] {
            header[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
        if counted {
            self.stat_sn = self.stat_sn.wrapping_add(1);
        }
        let mut bytes = header.to_vec();
        bytes.extend(&data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        // The initiator may have left already; the test then looks at what it says.
        let _ = self.stream.write_all(&bytes).await;
    }

    /// Where the initiator came to, as a key of a redirection.
    pub(crate) fn address(&self) -> String {
        format!("TargetAddress={},1\0", self.stream.local_addr().unwrap())
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Takes the login as it comes, under these terms.
    pub(crate) async fn log_in(&mut self, terms: &[&str]) {
        loop {
            let request = self.read().await;
            assert_eq!(request.opcode(), 3);
            let stage = request.header[1] >> 2 & 3;
            let text = if stage == 0 { "AuthMethod=None\0".to_owned() } else { terms.join("\0") + "\0" };
            let reply = Reply::new(0x23, request.header[1], request.tag()).byte(15, 1).data(text.as_bytes());
            self.send(reply).await;
            if stage == 1 && request.header[1] & 0x80 != 0 {
                return;
            }
        }
    }

    /// Waits for the initiator to go.
    pub(crate) async fn gone(&mut self) {
        while self.try_read().await.is_ok() {}
    }
}

/// A target that runs this for every connection, one after the other; `number` counts them.
pub(crate) async fn serve<F, W>(mut script: W) -> (Target, JoinHandle<()>)
where
    W: FnMut(usize, Peer) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let portal: Portal = listener.local_addr().unwrap().to_string().parse().unwrap();
    let running = tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            script(number, Peer { stream, stat_sn: 1, exp_cmd_sn: 1, told: 0, window: 32 }).await;
        }
    });
    (Target { portal, name: NAME.to_owned() }, running)
}

/// A session with a target that takes the login and then runs this.
pub(crate) async fn session<F, W>(options: &LoginOptions, script: W) -> Session
where
    W: FnOnce(Peer) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    with_terms(options, TERMS, script).await.unwrap()
}

pub(crate) async fn with_terms<F, W>(
    options: &LoginOptions,
    terms: &'static [&'static str],
    script: W,
) -> Result<Session, IscsiError>
where
    W: FnOnce(Peer) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut script = Some(script);
    let (target, _) = serve(move |_, mut peer| {
        let script = script.take();
        async move {
            peer.log_in(terms).await;
            script.unwrap()(peer).await;
        }
    })
    .await;
    Session::login(&target, options).await
}

pub(crate) fn options() -> LoginOptions {
    tgt::options()
}
