// SPDX-License-Identifier: Apache-2.0
//! Targets that send nonsense, nothing, or far too much: an error comes, soon, and nothing else.

use std::time::Duration;

use proptest::prelude::*;
use scurry_iscsi::{Command, LoginOptions, Session, Transfer, discover};
use tokio::time::timeout;

use crate::{
    disk::{command, noise},
    fake::{self, NO_TAG, Reply, TERMS, serve},
};

fn hurried() -> LoginOptions {
    let short = Duration::from_millis(200);
    LoginOptions {
        login_timeout: short,
        command_timeout: short,
        ping_interval: short,
        ping_timeout: short,
        ..fake::options()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Bytes that look like PDUs often enough to get somewhere: known opcodes, small tags, short data.
fn pdus() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        Just(0x20_u8),
        Just(0x21),
        Just(0x22),
        Just(0x23),
        Just(0x24),
        Just(0x25),
        Just(0x26),
        Just(0x31),
        Just(0x32),
        Just(0x3f),
        any::<u8>(),
    ];
    let pdu = (
        opcode,
        any::<u8>(),
        0_u8..5,
        prop::array::uniform32(any::<u8>()),
        prop::collection::vec(any::<u8>(), 0..80),
        0_u8..8,
    )
        .prop_map(|(opcode, flags, tag, body, data, plain)| {
            let mut bytes = vec![0; 48];
            bytes[16..48].copy_from_slice(&body);
            (bytes[0], bytes[1], bytes[7]) = (opcode, flags, data.len() as u8);
            bytes[16..20].copy_from_slice(&[0, 0, 0, tag]);
            // Most of the time numbers are small, as in PDUs that make sense.
            if plain > 0 {
                for at in (20..48).step_by(4) {
                    bytes[at..at + 3].fill(0);
                }
            }
            bytes.extend(&data);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        });
    prop::collection::vec(pdu, 0..12).prop_map(|pdus| pdus.concat())
}

fn commands() -> [Command; 3] {
    [
        command(0x88, 0, 1024, Transfer::Read(1024)),
        command(0x8a, 0, 65_536, Transfer::Write(vec![noise(65_536)])),
        command(0, 0, 0, Transfer::None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nonsense_after_login(bytes in pdus()) {
        runtime().block_on(async {
            let session = fake::session(&hurried(), move |mut peer| async move {
                let _ = peer.try_read().await;
                peer.raw(&bytes).await;
                // Hangs up soon, so that the test does not wait for every time-out.
                let _ = timeout(Duration::from_millis(20), peer.gone()).await;
            })
            .await;
            let all = futures::future::join_all(commands().map(|command| session.execute(command)));
            timeout(Duration::from_secs(30), all).await.expect("a command hangs");
        });
    }

    #[test]
    fn nonsense_instead_of_a_login(bytes in pdus(), discovery: bool) {
        runtime().block_on(async {
            let (target, _) = serve(move |_, mut peer| {
                let bytes = bytes.clone();
                async move {
                    let _ = peer.try_read().await;
                    peer.raw(&bytes).await;
                    let _ = timeout(Duration::from_millis(20), peer.gone()).await;
                }
            })
            .await;
            let attempt = async {
                match discovery {
                    true => discover(&target.portal, &hurried()).await.map(drop),
                    false => Session::login(&target, &hurried()).await.map(drop),
                }
            };
            timeout(Duration::from_secs(30), attempt).await.expect("the login hangs").unwrap_err();
        });
    }
}

#[tokio::test]
async fn a_login_without_an_end_ends() {
    // Never transits, always promises more, says nothing: each in its own way.
    for flags in [0x00, 0x40, 0x44] {
        let (target, _) = serve(move |_, mut peer| async move {
            while let Ok(request) = peer.try_read().await {
                peer.send(Reply::new(0x23, flags, request.tag()).data(b"X-key=a\0")).await;
            }
        })
        .await;
        let options = fake::options();
        timeout(Duration::from_secs(20), Session::login(&target, &options))
            .await
            .expect("no end")
            .unwrap_err();
    }
    let (target, _) = serve(|_, mut peer| async move { peer.gone().await }).await;
    let error = Session::login(&target, &hurried()).await.unwrap_err();
    assert!(error.is_transport(), "{error:?}");
}

#[tokio::test]
async fn a_flood_of_pings_ends_the_connection() {
    let session = fake::session(&fake::options(), |mut peer| async move {
        // The initiator's answers are not read.
        loop {
            peer.send(Reply::new(0x20, 0x80, NO_TAG).with(20, 1).data(&[0; 4096]).uncounted()).await;
            tokio::task::yield_now().await;
        }
    })
    .await;
    let fault = timeout(Duration::from_secs(20), session.lost()).await.expect("still there");
    assert!(fault.to_string().contains("pings"), "{fault}");
}

#[tokio::test]
async fn a_discovery_without_an_end_ends() {
    let (target, _) = serve(|_, mut peer| async move {
        peer.log_in(TERMS).await;
        while let Ok(request) = peer.try_read().await {
            let name = format!("TargetName=iqn.{}\0", "x".repeat(4000));
            peer.send(Reply::new(0x24, 0x40, request.tag()).with(20, 9).data(name.as_bytes())).await;
        }
    })
    .await;
    let error = timeout(Duration::from_secs(20), discover(&target.portal, &fake::options())).await;
    error.expect("no end").unwrap_err();
}
