// SPDX-License-Identifier: Apache-2.0
//! Logins that are sent elsewhere, and refusals by their status.

use scurry_iscsi::{IscsiError, LoginOptions, Session};

use crate::{
    disk,
    fake::{self, Reply, TERMS, serve},
    tgt::Tgt,
};

fn refuse(tag: u32, class: u8, detail: u8) -> Reply {
    Reply::new(0x23, 0, tag).byte(36, class).byte(37, detail)
}

#[tokio::test]
async fn a_redirection_is_followed() {
    let tgt = Tgt::start(1 << 20).await;
    let address = format!("TargetAddress=127.0.0.1:{},1\0", tgt.port);
    let (mut target, _) = serve(move |_, mut peer| {
        let address = address.clone();
        async move {
            let request = peer.read().await;
            peer.send(refuse(request.tag(), 1, 1).data(address.as_bytes())).await;
        }
    })
    .await;
    target.name = crate::tgt::NAME.to_owned();
    let session = Session::login(&target, &fake::options()).await.unwrap();
    assert!(session.peer().ends_with(&format!(":{}", tgt.port)), "{}", session.peer());
    disk::read(&session, 0, 512).await.unwrap();
}

#[tokio::test]
async fn a_circle_of_redirections_ends() {
    let (sender, logins) = tokio::sync::watch::channel(0);
    let (target, _) = serve(move |number, mut peer| {
        sender.send_replace(number + 1);
        async move {
            let request = peer.read().await;
            // To itself: the address that the initiator came to.
            peer.send(refuse(request.tag(), 1, 2).data(peer.address().as_bytes())).await;
        }
    })
    .await;
    let error =
        Session::login(&target, &LoginOptions { max_redirects: 3, ..fake::options() }).await.unwrap_err();
    assert!(error.to_string().contains("redirected too often"), "{error}");
    assert_eq!(*logins.borrow(), 4);
}

#[tokio::test]
async fn a_redirection_to_nowhere_is_refused() {
    for address in ["", "TargetAddress=\0", "TargetAddress=a b:1\0"] {
        let (target, _) = serve(move |_, mut peer| async move {
            let request = peer.read().await;
            peer.send(refuse(request.tag(), 1, 1).data(address.as_bytes())).await;
        })
        .await;
        let error = Session::login(&target, &fake::options()).await.unwrap_err();
        assert!(matches!(error, IscsiError::LoginRefused { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_why() {
    for (class, detail, why) in [
        (2, 2, "not allowed"),
        (2, 6, "too many connections"),
        (3, 1, "not available"),
        (9, 9, "unknown status"),
    ] {
        let (target, _) = serve(move |_, mut peer| async move {
            let request = peer.read().await;
            peer.send(refuse(request.tag(), class, detail)).await;
        })
        .await;
        let error = Session::login(&target, &fake::options()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(error.to_string().contains(fake::NAME), "{error}");
    }
}

#[tokio::test]
async fn a_text_over_several_pdus_is_one() {
    const MORE: u8 = 0x40;
    let (target, _) = serve(|_, mut peer| async move {
        let first = peer.read().await;
        assert!(first.keys().contains("InitiatorName=iqn.2026-01.test:initiator\0"), "{}", first.keys());
        assert!(first.keys().contains(&format!("TargetName={}\0", fake::NAME)));
        peer.send(Reply::new(0x23, first.header[1], 0).data(b"AuthMethod=None\0")).await;
        let second = peer.read().await;
        assert!(second.keys().contains("InitialR2T=No\0"), "{}", second.keys());
        let keys = TERMS.join("\0") + "\0";
        let (half, rest) = keys.as_bytes().split_at(20);
        peer.send(Reply::new(0x23, MORE | 1 << 2, 0).data(half)).await;
        assert_eq!(peer.read().await.keys(), "");
        peer.send(Reply::new(0x23, 0x87, 0).byte(15, 1).data(rest)).await;
        let command = peer.read().await;
        peer.send(Reply::status(command.tag(), 0)).await;
        peer.gone().await;
    })
    .await;
    let session = Session::login(&target, &fake::options()).await.unwrap();
    let done = disk::good(&session, disk::command(0, 0, 0, scurry_iscsi::Transfer::None)).await.unwrap();
    assert_eq!(done.status, 0);
}
