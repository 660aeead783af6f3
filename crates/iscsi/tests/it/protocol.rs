// SPDX-License-Identifier: Apache-2.0
//! What tgtd never does: requests out of order, rejects, asynchronous messages, silence.

use std::time::Duration;

use bytes::Bytes;
use scurry_iscsi::{IscsiError, LoginOptions, PathTo, Paths, PathsOptions, Session, Transfer};

use crate::{
    disk::{command, noise},
    fake::{self, NO_TAG, Peer, Reply, TERMS, serve, session},
    tgt::LUN,
};

fn read(length: u32) -> scurry_iscsi::Command {
    command(0x88, 0, length.into(), Transfer::Read(length))
}

fn write(data: &Bytes) -> scurry_iscsi::Command {
    let half = data.len() / 2 + 1;
    let segments = vec![data.slice(..half), data.slice(half..)];
    command(0x8a, 0, data.len() as u64, Transfer::Write(segments))
}

/// The command ends because the connection did, for this reason.
async fn ends_for(session: &Session, command: scurry_iscsi::Command, reason: &str) {
    let error = session.execute(command).await.unwrap_err();
    let IscsiError::ConnectionLost { sent: true, source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains(reason), "{source}");
    assert!(!session.is_open());
    let error = session.execute(read(512)).await.unwrap_err();
    assert!(matches!(error, IscsiError::ConnectionLost { sent: false, .. }), "{error:?}");
}

/// Data-Out PDUs up to the final one.
async fn burst(peer: &mut Peer, transfer_tag: u32, offset: u32) -> Vec<u8> {
    let mut data = Vec::new();
    for number in 0.. {
        let pdu = peer.read().await;
        let expected = (5, transfer_tag, number, offset + data.len() as u32);
        assert_eq!((pdu.opcode(), pdu.word(20), pdu.word(36), pdu.word(40)), expected);
        assert!(pdu.data.len() <= 4096);
        data.extend(&pdu.data);
        if pdu.header[1] & 0x80 != 0 {
            break;
        }
    }
    data
}

#[tokio::test]
async fn bursts_that_are_asked_for_together_come_one_after_the_other() {
    let session = session(&fake::options(), |mut peer| async move {
        let command = peer.read().await;
        assert_eq!((command.opcode(), command.data.len(), command.word(20)), (1, 0, 20_001));
        peer.send(Reply::r2t(command.tag(), 0, 0, 9000)).await;
        peer.send(Reply::r2t(command.tag(), 1, 9000, 11_001)).await;
        let mut data = burst(&mut peer, 77, 0).await;
        data.extend(burst(&mut peer, 78, 9000).await);
        assert!(data == noise(20_001));
        peer.send(Reply::status(command.tag(), 0)).await;
        peer.gone().await;
    })
    .await;
    assert_eq!(session.execute(write(&noise(20_001))).await.unwrap().status, 0);
}

#[tokio::test]
async fn unasked_data_follows_its_command() {
    const EAGER: &[&str] = &[
        "MaxRecvDataSegmentLength=4096",
        "InitialR2T=No",
        "ImmediateData=Yes",
        "MaxBurstLength=65536",
        "FirstBurstLength=10000",
    ];
    let session = fake::with_terms(&fake::options(), EAGER, |mut peer| async move {
        let command = peer.read().await;
        assert_eq!((command.header[1] & 0x80, command.data.len()), (0, 4096));
        let mut data = command.data.clone();
        data.extend(burst(&mut peer, NO_TAG, 4096).await);
        assert_eq!(data.len(), 10_000);
        peer.send(Reply::r2t(command.tag(), 0, 10_000, 10_001)).await;
        data.extend(burst(&mut peer, 77, 10_000).await);
        assert!(data == noise(20_001));
        peer.send(Reply::status(command.tag(), 0)).await;
        peer.gone().await;
    })
    .await
    .unwrap();
    assert_eq!(session.execute(write(&noise(20_001))).await.unwrap().status, 0);
}

#[tokio::test]
async fn requests_for_data_that_make_no_sense_end_the_connection() {
    type Ask = fn(u32) -> Reply;
    let asks: [(Ask, &str); 6] = [
        (|tag| Reply::r2t(tag, 0, 512, 512), "out of order"),
        (|tag| Reply::r2t(tag, 1, 0, 512), "out of order"),
        (|tag| Reply::r2t(tag, 0, 0, 0), "not there"),
        (|tag| Reply::r2t(tag, 0, 0, 4097), "not there"),
        (|tag| Reply::r2t(tag, 0, 0, u32::MAX), "not there"),
        (|tag| Reply::r2t(tag, 0, 0, 512).with(20, NO_TAG), "without a tag"),
    ];
    for (ask, reason) in asks {
        let session = session(&fake::options(), move |mut peer| async move {
            let command = peer.read().await;
            peer.send(ask(command.tag())).await;
            peer.gone().await;
        })
        .await;
        ends_for(&session, write(&noise(4096)), reason).await;
    }
}

#[tokio::test]
async fn data_that_makes_no_sense_ends_the_connection() {
    type Give = fn(u32) -> Reply;
    let gives: [(Give, &str); 6] = [
        (|tag| Reply::data_in(tag, 0, 1, 0, &[1; 512]), "out of order"),
        (|tag| Reply::data_in(tag, 0, 0, 512, &[1; 512]), "another offset"),
        (|tag| Reply::data_in(tag, 0, 0, 0, &[1; 1025]), "more data"),
        (|tag| Reply::data_in(tag, 0x81, 0, 0, &[1; 512]), "less data"),
        (|tag| Reply::status(tag, 0), "less data"),
        (|tag| Reply::data_in(tag, 0x01, 0, 0, &[1; 1024]), "before the last"),
    ];
    for (give, reason) in gives {
        let session = session(&fake::options(), move |mut peer| async move {
            let command = peer.read().await;
            peer.send(give(command.tag())).await;
            peer.gone().await;
        })
        .await;
        ends_for(&session, read(1024), reason).await;
    }
}

#[tokio::test]
async fn status_with_the_last_data_and_without() {
    let session = session(&fake::options(), |mut peer| async move {
        let collapsed = peer.read().await;
        peer.send(Reply::data_in(collapsed.tag(), 0, 0, 0, &[1; 512])).await;
        peer.send(Reply::data_in(collapsed.tag(), 0x81, 1, 512, &[2; 512])).await;
        let apart = peer.read().await;
        peer.send(Reply::data_in(apart.tag(), 0x80, 0, 0, &[3; 100])).await;
        peer.send(Reply::status(apart.tag(), 0).byte(1, 0x82).with(44, 924)).await;
        let over = peer.read().await;
        peer.send(Reply::data_in(over.tag(), 0x85, 0, 0, &[4; 1024]).with(44, 9)).await;
        let failed = peer.read().await;
        let sense = [0, 4, 0x70, 0, 3, 9, 99, 99];
        peer.send(Reply::status(failed.tag(), 2).data(&sense)).await;
        peer.gone().await;
    })
    .await;
    let done = session.execute(read(1024)).await.unwrap();
    assert!(done.read == [[1; 512], [2; 512]].concat());
    let done = session.execute(read(1024)).await.unwrap();
    assert_eq!((done.read.len(), done.residual), (100, 924));
    let done = session.execute(read(1024)).await.unwrap();
    assert_eq!((done.read.len(), done.residual), (1024, -9));
    let done = session.execute(read(1024)).await.unwrap();
    assert_eq!((done.status, &done.sense[..], done.read.len()), (2, &[0x70, 0, 3, 9][..], 0));
}

#[tokio::test]
async fn a_reject_ends_its_command_alone() {
    let session = session(&fake::options(), |mut peer| async move {
        let refused = peer.read().await;
        peer.send(Reply::new(0x3f, 0x80, NO_TAG).byte(2, 9).data(&refused.header)).await;
        let taken = peer.read().await;
        peer.send(Reply::data_in(taken.tag(), 0x81, 0, 0, &[1; 512])).await;
        peer.gone().await;
    })
    .await;
    let error = session.execute(read(512)).await.unwrap_err();
    assert!(error.to_string().contains("invalid PDU field"), "{error}");
    assert_eq!(session.execute(read(512)).await.unwrap().read.len(), 512);
}

#[tokio::test]
async fn pings_are_answered_and_sent() {
    let options = LoginOptions { ping_interval: Duration::from_millis(50), ..fake::options() };
    let session = session(&options, |mut peer| async move {
        let command = peer.read().await;
        peer.send(Reply::new(0x20, 0x80, NO_TAG).with(20, 5).data(b"hello").uncounted()).await;
        let echo = peer.read().await;
        assert_eq!((echo.opcode(), echo.tag(), echo.word(20), &echo.data[..]), (0, NO_TAG, 5, &b"hello"[..]));
        let ping = peer.read().await;
        assert_eq!((ping.opcode(), ping.word(20)), (0, NO_TAG));
        assert_ne!(ping.tag(), NO_TAG);
        peer.send(Reply::new(0x20, 0x80, ping.tag()).with(20, NO_TAG)).await;
        peer.send(Reply::data_in(command.tag(), 0x81, 0, 0, &[1; 512])).await;
        peer.gone().await;
    })
    .await;
    assert_eq!(session.execute(read(512)).await.unwrap().read.len(), 512);
}

#[tokio::test]
async fn a_silent_target_is_given_up() {
    let options = LoginOptions {
        ping_interval: Duration::from_millis(50),
        ping_timeout: Duration::from_millis(100),
        ..fake::options()
    };
    let session = session(&options, |mut peer| async move { peer.gone().await }).await;
    ends_for(&session, read(512), "no answer").await;
}

#[tokio::test]
async fn the_window_is_kept() {
    let (target, _) = serve(move |_, mut peer| async move {
        peer.window = 2;
        peer.log_in(TERMS).await;
        // Commands beyond the window, or out of order, fail in `read`.
        for _ in 0..20 {
            let next = peer.read().await;
            peer.send(Reply::data_in(next.tag(), 0x81, 0, 0, &[1; 512])).await;
        }
        peer.gone().await;
    })
    .await;
    let session = Session::login(&target, &fake::options()).await.unwrap();
    let reads = (0..20).map(|_| session.execute(read(512)));
    let done = futures::future::join_all(reads).await;
    assert!(done.into_iter().all(|done| done.unwrap().read.len() == 512));
}

#[tokio::test]
async fn a_shut_window_ends_in_time() {
    let options = LoginOptions { command_timeout: Duration::from_millis(100), ..fake::options() };
    let terms: &'static [&'static str] = TERMS;
    let (target, _) = serve(move |_, mut peer| async move {
        peer.window = 0;
        peer.log_in(terms).await;
        peer.gone().await;
    })
    .await;
    let session = Session::login(&target, &options).await.unwrap();
    let error = session.execute(read(512)).await.unwrap_err();
    assert!(matches!(error, IscsiError::CommandTimeout { .. }), "{error:?}");
}

/// Two lives of a target: in the first it says this instead of answering, in the second it answers.
async fn in_two_lives(message: Reply) -> Paths {
    let (target, _) = serve(move |number, mut peer| {
        let message = message.clone();
        async move {
            peer.log_in(TERMS).await;
            let first = peer.read().await;
            if number == 0 {
                peer.send(message).await;
                // It may log out; then it is answered, and gone.
                while let Ok(pdu) = peer.try_read().await {
                    if pdu.opcode() == 6 {
                        peer.send(Reply::new(0x26, 0x80, pdu.tag())).await;
                    }
                }
                return;
            }
            peer.send(Reply::data_in(first.tag(), 0x81, 0, 0, &[1; 512])).await;
            peer.gone().await;
        }
    })
    .await;
    let options = PathsOptions { check_identity: false, ..PathsOptions::new(fake::options()) };
    Paths::open(vec![PathTo { target, lun: LUN }], options).await.unwrap()
}

#[tokio::test]
async fn asynchronous_messages_lead_to_a_new_session() {
    let event = |event, third: u32| Reply::new(0x32, 0x80, NO_TAG).byte(36, event).with(40, third);
    // Logout requested within one second, all connections dropped, renegotiation requested.
    // Or a refusal because it waits for that logout.
    let waiting = Reply::new(0x3f, 0x80, NO_TAG).byte(2, 0x0c).data(&[0; 48]);
    for message in [event(1, 1), event(3, 0), event(4, 1), waiting] {
        let paths = in_two_lives(message).await;
        assert!(paths.execute(read(512)).await.unwrap().read == [1; 512][..]);
        assert_eq!(paths.health()[0].logins, 2);
    }
}

#[tokio::test]
async fn a_command_that_may_not_be_repeated_is_not() {
    let paths = in_two_lives(Reply::new(0x32, 0x80, NO_TAG).byte(36, 3)).await;
    let once = scurry_iscsi::Command { idempotent: false, ..read(512) };
    let error = paths.execute(once).await.unwrap_err();
    assert!(matches!(error, IscsiError::ConnectionLost { sent: true, .. }), "{error:?}");
}

#[tokio::test]
async fn a_scsi_event_is_no_end() {
    let session = session(&fake::options(), |mut peer| async move {
        let command = peer.read().await;
        peer.send(Reply::new(0x32, 0x80, NO_TAG).byte(36, 0).data(&[0, 2, 0x70, 0])).await;
        peer.send(Reply::data_in(command.tag(), 0x81, 0, 0, &[1; 512])).await;
        peer.gone().await;
    })
    .await;
    assert_eq!(session.execute(read(512)).await.unwrap().read.len(), 512);
}

#[tokio::test]
async fn a_failure_of_the_target_is_no_status() {
    let session = session(&fake::options(), |mut peer| async move {
        let command = peer.read().await;
        peer.send(Reply::status(command.tag(), 0).byte(2, 1)).await;
        peer.gone().await;
    })
    .await;
    let error = session.execute(read(512)).await.unwrap_err();
    assert!(matches!(error, IscsiError::TargetFailure { response: 1, .. }), "{error:?}");
}
