// SPDX-License-Identifier: Apache-2.0
//! Targets that die and come back, portals that are cut: nothing is lost, nothing is wrong.

use std::{fs, sync::Arc, time::Duration};

use scurry_iscsi::{ChapCredentials, Execute, IscsiError, LoginOptions, Paths, PathsOptions};
use tokio::time::sleep;

use crate::{
    disk::{self, noise, read_all, write_all},
    proxy::Proxy,
    tgt::{self, Tgt, path_to, paths_options},
};

const MIB: usize = 1 << 20;
const LENGTH: usize = 64 * MIB;

async fn wait_until(what: impl Fn() -> bool) {
    for _ in 0..3000 {
        if what() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

/// Runs the work again and again while the target is killed and restarted in its middle, so that at least one command
/// was in flight then.
async fn killed_in_the_middle(write: bool) {
    let mut tgt = Tgt::start(LENGTH as u64).await;
    let paths = Arc::new(Paths::open(vec![path_to(tgt.port)], paths_options()).await.unwrap());
    let disk: Arc<dyn Execute> = paths.clone();
    let data = noise(LENGTH);
    if !write {
        write_all(Arc::clone(&disk), &data, MIB, 8).await.unwrap();
    }
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let work = tokio::spawn({
        let (disk, data) = (Arc::clone(&disk), data.clone());
        async move {
            let mut rounds = 0;
            while !*stopped.borrow() || rounds == 0 {
                match write {
                    true => write_all(Arc::clone(&disk), &data, MIB, 16).await.unwrap(),
                    false => {
                        let read = read_all(Arc::clone(&disk), LENGTH, MIB, 16).await.unwrap();
                        assert!(read == data, "a read gave something else");
                    }
                }
                rounds += 1;
            }
        }
    });
    for restarts in 1..=2 {
        sleep(Duration::from_millis(50)).await;
        tgt.kill();
        sleep(Duration::from_millis(200)).await;
        assert!(!work.is_finished(), "the work had to wait for the target");
        tgt.restart().await;
        wait_until(|| paths.health()[0].logins > restarts).await;
    }
    stop.send_replace(true);
    work.await.unwrap();
    assert!(fs::read(tgt.file()).unwrap() == data);
    let health = &paths.health()[0];
    assert!(health.up && health.logins >= 3, "{health:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_is_killed_and_restarted_during_writes() {
    killed_in_the_middle(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_is_killed_and_restarted_during_reads() {
    killed_in_the_middle(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_portals_is_cut() {
    let tgt = Tgt::start(LENGTH as u64).await;
    let (one, two) = (Proxy::to(tgt.port).await, Proxy::to(tgt.port).await);
    let to = vec![path_to(one.port), path_to(two.port)];
    let paths = Arc::new(Paths::open(to, paths_options()).await.unwrap());
    wait_until(|| paths.health().iter().all(|path| path.up)).await;
    let disk: Arc<dyn Execute> = paths.clone();
    let data = noise(LENGTH);
    let writing = tokio::spawn({
        let (disk, data) = (Arc::clone(&disk), data.clone());
        async move {
            for _ in 0..4 {
                write_all(Arc::clone(&disk), &data, MIB / 2, 16).await.unwrap();
            }
        }
    });
    sleep(Duration::from_millis(20)).await;
    one.cut();
    wait_until(|| !paths.health()[0].up).await;
    writing.await.unwrap();
    assert!(fs::read(tgt.file()).unwrap() == data);
    let health = paths.health();
    assert!(!health[0].up && health[1].up && health[1].logins == 1, "{health:?}");
    assert!(health[0].last_error.is_some());

    one.mend();
    wait_until(|| paths.health()[0].up).await;
    two.cut();
    assert!(read_all(disk, LENGTH, MIB, 8).await.unwrap() == data);
    Arc::into_inner(paths).unwrap().close().await;
}

#[tokio::test]
async fn a_path_that_was_down_at_first_joins_later() {
    let tgt = Tgt::start(MIB as u64).await;
    let late = Proxy::to(tgt.port).await;
    late.cut();
    let to = vec![path_to(late.port), path_to(tgt.port)];
    let paths = Paths::open(to, paths_options()).await.unwrap();
    disk::read(&paths, 0, 512).await.unwrap();
    late.mend();
    wait_until(|| paths.health().iter().all(|path| path.up)).await;
}

#[tokio::test]
async fn an_end_of_all_paths_is_told_in_time() {
    let mut tgt = Tgt::start(MIB as u64).await;
    let options = PathsOptions { recovery_timeout: Duration::from_millis(300), ..paths_options() };
    let paths = Paths::open(vec![path_to(tgt.port)], options).await.unwrap();
    disk::read(&paths, 0, 512).await.unwrap();
    tgt.kill();
    let error = disk::read(&paths, 0, 512).await.unwrap_err();
    assert!(matches!(error, IscsiError::NoPath { last: Some(_), .. }), "{error:?}");
    assert!(error.to_string().contains(tgt::NAME));
}

#[tokio::test]
async fn the_first_login_fails_at_once() {
    let account = [
        "--mode account --op new --user ann --password correcthorse",
        "--mode account --op bind --tid 1 --user ann",
    ];
    let tgt = Tgt::start_with(MIB as u64, &account).await;
    let chap = Some(ChapCredentials { name: "ann".into(), secret: "wronghorse1".into() });
    let options = PathsOptions::new(LoginOptions { chap, ..tgt::options() });
    let error = Paths::open(vec![path_to(tgt.port)], options).await.unwrap_err();
    assert!(error.is_authentication(), "{error}");
}
