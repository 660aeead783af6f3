// SPDX-License-Identifier: Apache-2.0
//! Commands without a status: aborted, reset away, or gone with their session; each step ends in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use scurry_iscsi::{
    Addressing, Command, IscsiError, LoginOptions, Lun, PathTo, Paths, PathsOptions, Session, Transfer,
};

use crate::{
    disk::command,
    fake::{self, NO_TAG, Pdu, Peer, Reply, TERMS, serve, session},
    tgt::LUN,
};

const ABORT: u8 = 0x81;
const LUN_RESET: u8 = 0x85;

/// What the target does about a management function.
#[derive(Clone, Copy, Debug)]
enum Says {
    Response(u8),
    Reject,
    Nothing,
}

fn read(length: u32) -> Command {
    command(0x88, 0, length.into(), Transfer::Read(length))
}

fn hurried() -> LoginOptions {
    let short = Duration::from_millis(150);
    LoginOptions { command_timeout: short, management_timeout: short, ..fake::options() }
}

/// Takes a management function of this kind and does that about it.
async fn takes(peer: &mut Peer, function: u8, about: &Pdu, says: Says) {
    let request = peer.read().await;
    assert_eq!((request.opcode(), request.header[1]), (2, function), "{request:x?}");
    assert_eq!(request.header[8..16], about.header[8..16]);
    match function {
        ABORT => assert_eq!((request.word(20), request.word(32)), (about.tag(), about.word(24))),
        _ => assert_eq!(request.word(20), NO_TAG),
    }
    match says {
        Says::Response(response) => {
            peer.send(Reply::new(0x22, 0x80, request.tag()).byte(2, response)).await;
        }
        Says::Reject => peer.send(Reply::new(0x3f, 0x80, NO_TAG).byte(2, 5).data(&request.header)).await,
        Says::Nothing => {}
    }
}

async fn gives(peer: &mut Peer, pdu: &Pdu, byte: u8) {
    peer.send(Reply::data_in(pdu.tag(), 0x81, 0, 0, &[byte; 512])).await;
}

async fn hangs(abort: Says, reset: Option<Says>) -> (Session, IscsiError) {
    let session = session(&hurried(), move |mut peer| async move {
        let hanging = peer.read().await;
        takes(&mut peer, ABORT, &hanging, abort).await;
        if let Some(reset) = reset {
            takes(&mut peer, LUN_RESET, &hanging, reset).await;
        }
        if let Ok(next) = peer.try_read().await {
            // Late data of the aborted command is nobody's.
            gives(&mut peer, &hanging, 9).await;
            gives(&mut peer, &next, 1).await;
        }
        peer.gone().await;
    })
    .await;
    let error = session.execute(read(512)).await.unwrap_err();
    (session, error)
}

#[tokio::test]
async fn a_late_command_is_aborted() {
    // Done, or gone already.
    for response in [0, 1] {
        let (session, error) = hangs(Says::Response(response), None).await;
        assert!(matches!(error, IscsiError::CommandTimeout { .. }), "{error:?}");
        assert!(session.execute(read(512)).await.unwrap().read == [1; 512][..]);
    }
}

#[tokio::test]
async fn what_cannot_be_aborted_is_reset_away() {
    for abort in [Says::Response(5), Says::Response(255), Says::Response(3), Says::Reject, Says::Nothing] {
        let (session, error) = hangs(abort, Some(Says::Response(0))).await;
        assert!(matches!(error, IscsiError::CommandTimeout { .. }), "{abort:?}: {error:?}");
        assert!(session.execute(read(512)).await.unwrap().read == [1; 512][..], "{abort:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_reset_ends_with_its_session() {
    for reset in [Says::Response(5), Says::Response(255), Says::Reject, Says::Nothing] {
        let (session, error) = hangs(Says::Response(255), Some(reset)).await;
        assert!(matches!(error, IscsiError::CommandTimeout { .. }), "{reset:?}: {error:?}");
        let fault = session.lost().await;
        assert!(fault.to_string().contains("its abort and a reset of the LUN"), "{fault}");
    }
}

#[tokio::test]
async fn a_reset_sweeps_its_own_lun_alone() {
    let options = LoginOptions { command_timeout: Duration::from_millis(600), ..hurried() };
    let session = session(&options, move |mut peer| async move {
        let (hanging, elsewhere, same) = (peer.read().await, peer.read().await, peer.read().await);
        assert_eq!(same.header[8..16], hanging.header[8..16]);
        assert_ne!(elsewhere.header[8..16], hanging.header[8..16]);
        takes(&mut peer, ABORT, &hanging, Says::Response(255)).await;
        takes(&mut peer, LUN_RESET, &hanging, Says::Response(0)).await;
        gives(&mut peer, &elsewhere, 3).await;
        let after = peer.read().await;
        gives(&mut peer, &after, 4).await;
        peer.gone().await;
    })
    .await;
    let other = Command { lun: Lun::from_number(2, Addressing::Transparent).unwrap(), ..read(512) };
    // Those that come later have time left when the first has none.
    let later = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::join!(session.execute(other), session.execute(read(512)))
    };
    let (hung, (elsewhere, same)) = tokio::join!(session.execute(read(512)), later);
    assert!(matches!(hung, Err(IscsiError::CommandTimeout { .. })), "{hung:?}");
    assert!(elsewhere.unwrap().read == [3; 512][..]);
    assert!(matches!(same, Err(IscsiError::Reset { lun: LUN, .. })), "{same:?}");
    assert!(session.execute(read(512)).await.unwrap().read == [4; 512][..]);
}

/// A target of several lives. In each it leaves `hanging` commands without an answer, whatever it is asked, and answers
/// those after them.
async fn lives(hanging: usize) -> (Paths, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let (target, _) = serve(move |_, mut peer| {
        let seen = Arc::clone(&counted);
        async move {
            peer.log_in(TERMS).await;
            while let Ok(pdu) = peer.try_read().await {
                if pdu.opcode() == 1 && seen.fetch_add(1, Ordering::Relaxed) >= hanging {
                    gives(&mut peer, &pdu, 7).await;
                }
            }
        }
    })
    .await;
    let options = PathsOptions {
        check_identity: false,
        retry_first: Duration::from_millis(10),
        ..PathsOptions::new(hurried())
    };
    (Paths::open(vec![PathTo { target, lun: LUN }], options).await.unwrap(), seen)
}

#[tokio::test]
async fn the_command_is_sent_again_over_a_new_session() {
    let (paths, seen) = lives(1).await;
    assert!(paths.execute(read(512)).await.unwrap().read == [7; 512][..]);
    assert_eq!((paths.health()[0].logins, seen.load(Ordering::Relaxed)), (2, 2));
    // Others that were in flight go over it as well, though the first was sent again once already.
    let (paths, _) = lives(8).await;
    let reads = futures::future::join_all((0..8).map(|_| paths.execute(read(512)))).await;
    assert!(reads.into_iter().all(|done| done.unwrap().read == [7; 512][..]));
    assert_eq!(paths.health()[0].logins, 2);
}

#[tokio::test]
async fn a_command_that_always_hangs_ends() {
    let (paths, seen) = lives(usize::MAX).await;
    let error = paths.execute(read(512)).await.unwrap_err();
    assert!(matches!(error, IscsiError::CommandTimeout { .. }), "{error:?}");
    assert_eq!(seen.load(Ordering::Relaxed), 2);
    let (paths, seen) = lives(1).await;
    let once = Command { idempotent: false, ..read(512) };
    paths.execute(once).await.unwrap_err();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}
