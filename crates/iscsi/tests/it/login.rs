// SPDX-License-Identifier: Apache-2.0
//! Discovery and login, with and without proofs.

use scurry_iscsi::{ChapAlgorithm, ChapCredentials, LoginOptions, Session, discover};

use crate::{
    disk,
    tgt::{self, NAME, Tgt},
};

const SIZE: u64 = 1 << 20;
const ONE_WAY: [&str; 2] = [
    "--mode account --op new --user ann --password correcthorse",
    "--mode account --op bind --tid 1 --user ann",
];
const MUTUAL: [&str; 4] = [
    ONE_WAY[0],
    ONE_WAY[1],
    "--mode account --op new --user disk --password batterystaple",
    "--mode account --op bind --tid 1 --user disk --outgoing",
];

fn who(name: &str, secret: &str) -> Option<ChapCredentials> {
    Some(ChapCredentials { name: name.to_owned(), secret: secret.into() })
}

async fn read_a_block(tgt: &Tgt, options: &LoginOptions) {
    let session = Session::login(&tgt.target(), options).await.unwrap();
    assert_eq!(disk::read(&session, 0, 512).await.unwrap(), vec![0; 512]);
    session.ping().await.unwrap();
    session.logout().await.unwrap();
    assert!(!session.is_open());
    assert!(disk::read(&session, 0, 512).await.is_err());
}

#[tokio::test]
async fn targets_are_discovered() {
    let tgt = Tgt::start(SIZE).await;
    let portal = tgt.target().portal;
    let found = discover(&portal, &tgt::options()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, NAME);
    assert_eq!(found[0].portals[0].portal, portal);
    assert_eq!(found[0].portals[0].group, Some(1));
}

#[tokio::test]
async fn login_without_chap() {
    let tgt = Tgt::start(SIZE).await;
    read_a_block(&tgt, &tgt::options()).await;
    // Credentials that nobody asks for do no harm.
    read_a_block(&tgt, &LoginOptions { chap: who("ann", "correcthorse"), ..tgt::options() }).await;
}

#[tokio::test]
async fn login_with_chap() {
    let tgt = Tgt::start_with(SIZE, &ONE_WAY).await;
    let good = LoginOptions { chap: who("ann", "correcthorse"), ..tgt::options() };
    read_a_block(&tgt, &good).await;
    for bad in [None, who("ann", "wronghorse1"), who("bob", "correcthorse")] {
        let options = LoginOptions { chap: bad, ..tgt::options() };
        let error = Session::login(&tgt.target(), &options).await.unwrap_err();
        assert!(error.is_authentication(), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("authentication failed") && text.contains(NAME), "{text}");
        assert!(!text.contains("horse"), "{text}");
    }
}

#[tokio::test]
async fn login_with_mutual_chap() {
    let tgt = Tgt::start_with(SIZE, &MUTUAL).await;
    let with = |target_chap| LoginOptions { chap: who("ann", "correcthorse"), target_chap, ..tgt::options() };
    read_a_block(&tgt, &with(who("disk", "batterystaple"))).await;
    for (theirs, why) in [(who("disk", "wrongstaple"), "wrong"), (who("disc", "batterystaple"), "another")] {
        let error = Session::login(&tgt.target(), &with(theirs)).await.unwrap_err();
        assert!(error.is_authentication() && error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_target_that_proves_nothing_is_refused() {
    let tgt = Tgt::start_with(SIZE, &ONE_WAY).await;
    let options = LoginOptions {
        chap: who("ann", "correcthorse"),
        target_chap: who("disk", "batterystaple"),
        ..tgt::options()
    };
    let error = Session::login(&tgt.target(), &options).await.unwrap_err();
    assert!(error.is_authentication(), "{error}");
}

#[tokio::test]
async fn an_algorithm_that_the_target_lacks_ends_the_login() {
    let tgt = Tgt::start_with(SIZE, &ONE_WAY).await;
    let options = LoginOptions {
        chap: who("ann", "correcthorse"),
        chap_algorithms: vec![ChapAlgorithm::Sha1],
        ..tgt::options()
    };
    assert!(Session::login(&tgt.target(), &options).await.is_err());
}

#[tokio::test]
async fn a_target_that_does_not_exist_is_named() {
    let tgt = Tgt::start(SIZE).await;
    let mut target = tgt.target();
    target.name = "iqn.2026-01.test:nowhere".to_owned();
    let error = Session::login(&target, &tgt::options()).await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}
