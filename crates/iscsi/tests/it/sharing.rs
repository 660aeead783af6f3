// SPDX-License-Identifier: Apache-2.0
//! Several users of one target: one session, as long as one of them is there.

use std::sync::{Arc, atomic::Ordering};

use scurry_iscsi::{Addressing, ChapCredentials, LoginOptions, Lun, PathTo, PathsOptions, Sessions};

use crate::{
    disk,
    proxy::Proxy,
    tgt::{self, LUN, Tgt, path_to, paths_options},
    unit::{Name, Unit, quick, until},
};

fn lun(number: u64) -> Lun {
    Lun::from_number(number, Addressing::Transparent).unwrap()
}

#[tokio::test]
async fn luns_of_one_target_share_a_login() {
    let unit = Unit::start(Name::None).await;
    let logins = || unit.logins.load(Ordering::Relaxed);
    let sessions = Sessions::new();
    let to = |number| vec![PathTo { lun: lun(number), ..unit.to.clone() }];
    let mut open = Vec::new();
    for number in 1..=8 {
        let paths = sessions.open(to(number), quick()).await.unwrap();
        disk::read(&paths, 0, 512).await.unwrap();
        open.push(paths);
    }
    assert_eq!((logins(), unit.count()), (1, 8));
    // All but one go: it stays.
    while open.len() > 1 {
        open.pop().unwrap().close().await;
    }
    disk::read(&open[0], 0, 512).await.unwrap();
    assert_eq!(logins(), 1);
    // The last goes: so does the session, and the next user begins anew.
    open.pop().unwrap().close().await;
    let paths = sessions.open(to(1), quick()).await.unwrap();
    disk::read(&paths, 0, 512).await.unwrap();
    assert_eq!(logins(), 2);
}

#[tokio::test]
async fn a_shared_session_that_is_lost_comes_back_for_all() {
    let unit = Unit::start(Name::None).await;
    let sessions = Sessions::new();
    let mut open = Vec::new();
    for number in 1..=3 {
        open.push(
            sessions.open(vec![PathTo { lun: lun(number), ..unit.to.clone() }], quick()).await.unwrap(),
        );
    }
    unit.hang_up.notify_one();
    until(|| open.iter().all(|paths| paths.health()[0].logins == 2)).await;
    for paths in &open {
        disk::read(paths, 0, 512).await.unwrap();
    }
    assert_eq!(unit.logins.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn other_terms_are_another_session() {
    let tgt = Tgt::start(1 << 20).await;
    let sessions = Sessions::new();
    let to = || vec![path_to(tgt.port)];
    let chap = Some(ChapCredentials { name: "ann".into(), secret: "correcthorse".into() });
    let other = PathsOptions { login: LoginOptions { chap, ..tgt::options() }, ..paths_options() };
    let one = sessions.open(to(), paths_options()).await.unwrap();
    let two = sessions.open(to(), other).await.unwrap();
    let three = sessions.open(to(), paths_options()).await.unwrap();
    let shown = || {
        let output = tgt.adm(&["--mode", "conn", "--op", "show", "--tid", "1"]).stdout;
        String::from_utf8_lossy(&output).matches("Session").count()
    };
    assert_eq!(shown(), 2);
    one.close().await;
    assert_eq!(shown(), 2);
    three.close().await;
    two.close().await;
    until(|| shown() == 0).await;
}

#[tokio::test]
async fn a_new_user_of_a_session_that_is_down_does_not_hear_old_news() {
    let tgt = Tgt::start(1 << 20).await;
    let portal = Proxy::to(tgt.port).await;
    let sessions = Sessions::new();
    let to = || vec![path_to(portal.port)];
    // Long pauses: only a new user makes it hurry.
    let slow = PathsOptions {
        retry_first: std::time::Duration::from_secs(600),
        retry_at_most: std::time::Duration::from_secs(600),
        ..paths_options()
    };
    let first = Arc::new(sessions.open(to(), slow.clone()).await.unwrap());
    portal.cut();
    until(|| !first.health()[0].up).await;
    // At least one attempt has failed then.
    sessions.open(to(), slow.clone()).await.unwrap_err();
    portal.mend();
    let second = sessions.open(to(), slow).await.unwrap();
    assert!(second.execute(disk::command(0, 0, 0, scurry_iscsi::Transfer::None)).await.is_ok());
    until(|| first.health()[0].up).await;
    assert_eq!(first.health()[0].to.lun, LUN);
}
