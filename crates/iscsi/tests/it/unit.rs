// SPDX-License-Identifier: Apache-2.0
//! Logical units of fake targets: they say who they are, and do with other commands what the test wants.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use scurry_iscsi::{LoginOptions, PathTo, PathsOptions};
use tokio::time::timeout;

use crate::{
    fake::{self, Pdu, Peer, Reply, TERMS, serve},
    tgt::LUN,
};

/// Who a unit says it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Name {
    Naa([u8; 8]),
    Serial(&'static str),
    None,
    /// No logical unit at all.
    Absent,
}

/// A target with one logical unit, over one portal.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) to: PathTo,
    pub(crate) name: Arc<Mutex<Name>>,
    /// Additional sense code qualifier of 02/04 that reads end with; 0 for none.
    pub(crate) asleep: Arc<AtomicU8>,
    /// Reads that came.
    pub(crate) reads: Arc<AtomicUsize>,
    pub(crate) logins: Arc<AtomicUsize>,
    /// Ends the session that is open.
    pub(crate) hang_up: Arc<tokio::sync::Notify>,
}

impl Unit {
    pub(crate) async fn start(name: Name) -> Self {
        let name = Arc::new(Mutex::new(name));
        let [reads, logins] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let asleep = Arc::new(AtomicU8::new(0));
        let hang_up = Arc::new(tokio::sync::Notify::new());
        let shared = (Arc::clone(&name), Arc::clone(&asleep), Arc::clone(&reads));
        let (logged_in, end) = (Arc::clone(&logins), Arc::clone(&hang_up));
        let (target, _) = serve(move |_, mut peer| {
            let (name, asleep, reads) = shared.clone();
            let (logins, end) = (Arc::clone(&logged_in), Arc::clone(&end));
            async move {
                peer.log_in(TERMS).await;
                logins.fetch_add(1, Ordering::Relaxed);
                loop {
                    let next = tokio::select! {
                        next = peer.try_read() => next,
                        () = end.notified() => return,
                    };
                    let Ok(pdu) = next else { return };
                    let name = name.lock().unwrap().clone();
                    answer(&mut peer, &pdu, &name, &asleep, &reads).await;
                }
            }
        })
        .await;
        Self { to: PathTo { target, lun: LUN }, name, asleep, reads, logins, hang_up }
    }

    pub(crate) fn count(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: impl Fn() -> bool) {
    let come = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), come).await.expect("it did not come");
}

pub(crate) fn quick() -> PathsOptions {
    PathsOptions {
        retry_first: Duration::from_millis(10),
        retry_at_most: Duration::from_millis(50),
        recovery_timeout: Duration::from_millis(500),
        transition_timeout: Duration::from_millis(500),
        settle: Duration::from_secs(10),
        ..PathsOptions::new(LoginOptions { max_commands: 8, ..fake::options() })
    }
}

async fn answer(peer: &mut Peer, pdu: &Pdu, name: &Name, asleep: &AtomicU8, reads: &AtomicUsize) {
    match (pdu.opcode(), pdu.header[32]) {
        (1, 0x12) => {
            let page = pdu.header[34];
            let body = vital(name, page);
            let first = if *name == Name::Absent { 0x7f } else { 0 };
            match body {
                Some(body) => {
                    let data = [&[first, page, 0, body.len() as u8][..], &body].concat();
                    let missing = pdu.word(20) - data.len() as u32;
                    peer.send(Reply::data_in(pdu.tag(), 0x83, 0, 0, &data).with(44, missing)).await;
                }
                None => check(peer, pdu, [5, 0x24, 0]).await,
            }
        }
        (1, _) => {
            reads.fetch_add(1, Ordering::Relaxed);
            match asleep.load(Ordering::Relaxed) {
                0 => peer.send(Reply::data_in(pdu.tag(), 0x81, 0, 0, &[1; 512])).await,
                state => check(peer, pdu, [2, 0x04, state]).await,
            }
        }
        (6, _) => peer.send(Reply::new(0x26, 0x80, pdu.tag())).await,
        other => panic!("{other:x?}"),
    }
}

async fn check(peer: &mut Peer, pdu: &Pdu, [key, code, qualifier]: [u8; 3]) {
    let mut sense = vec![0, 18, 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier, 0, 0, 0, 0];
    sense.resize(20, 0);
    peer.send(Reply::status(pdu.tag(), 2).data(&sense)).await;
}

fn vital(name: &Name, page: u8) -> Option<Vec<u8>> {
    match (page, name) {
        (0, Name::Naa(_)) => Some(vec![0, 0x80, 0x83]),
        (0, Name::Serial(_)) => Some(vec![0, 0x80]),
        (0, _) => Some(vec![0]),
        (0x83, Name::Naa(bytes)) => Some([&[1, 3, 0, 8][..], bytes].concat()),
        (0x80, Name::Serial(text)) => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}
