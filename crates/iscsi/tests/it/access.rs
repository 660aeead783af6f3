// SPDX-License-Identifier: Apache-2.0
//! Ports that do no work (ALUA): their commands go by another path, or wait for a while.

use std::{sync::atomic::Ordering, time::Duration};

use scurry_iscsi::{Asleep, Command, IscsiError, Paths, PathsOptions, Transfer};

use crate::{
    disk,
    unit::{Name, Unit, quick, until},
};

const TRANSITION: u8 = 0x0a;
const STANDBY: u8 = 0x0b;
const UNAVAILABLE: u8 = 0x0c;

/// Two paths to one disk, in these states.
async fn two(states: [u8; 2], options: PathsOptions) -> (Paths, [Unit; 2]) {
    let name = Name::Serial("one");
    let units = [Unit::start(name.clone()).await, Unit::start(name).await];
    let paths = Paths::open(units.iter().map(|unit| unit.to.clone()).collect(), options).await.unwrap();
    until(|| paths.health().iter().all(|path| path.up)).await;
    for (unit, state) in units.iter().zip(states) {
        unit.asleep.store(state, Ordering::Relaxed);
    }
    (paths, units)
}

#[tokio::test]
async fn commands_go_by_the_path_that_works() {
    for (state, asleep) in
        [(TRANSITION, Asleep::InTransition), (STANDBY, Asleep::Standby), (UNAVAILABLE, Asleep::Unavailable)]
    {
        let rest = PathsOptions { retry_at_most: Duration::from_secs(600), ..quick() };
        let (paths, units) = two([state, 0], rest).await;
        for _ in 0..20 {
            // What was not carried out may be sent again, whatever it is.
            let once = disk::command(0x88, 0, 512, Transfer::Read(512));
            let done = paths.execute(Command { idempotent: false, ..once }).await.unwrap();
            assert_eq!((done.status, done.read.len()), (0, 512));
        }
        // It rests after the first complaint.
        assert_eq!(units.each_ref().map(Unit::count), [1, 20]);
        let health = paths.health();
        assert_eq!((health[0].asleep, health[1].asleep), (Some(asleep), None));
        assert!(health[0].up && health[0].logins == 1);
    }
}

#[tokio::test]
async fn a_path_that_wakes_up_is_used_again() {
    let (paths, units) = two([STANDBY, 0], quick()).await;
    for _ in 0..4 {
        disk::read(&paths, 0, 512).await.unwrap();
    }
    units[0].asleep.store(0, Ordering::Relaxed);
    let before = units[0].count();
    for _ in 0..1000 {
        disk::read(&paths, 0, 512).await.unwrap();
        if units[0].count() > before + 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it sleeps for ever");
}

#[tokio::test]
async fn a_failover_of_the_array_is_waited_for() {
    let patient = PathsOptions { transition_timeout: Duration::from_secs(60), ..quick() };
    let (paths, units) = two([TRANSITION, STANDBY], patient).await;
    let woken = async {
        until(|| units.iter().all(|unit| unit.count() >= 2)).await;
        units[0].asleep.store(UNAVAILABLE, Ordering::Relaxed);
        units[1].asleep.store(0, Ordering::Relaxed);
    };
    let (read, ()) = tokio::join!(disk::read(&paths, 0, 512), woken);
    assert_eq!(read.unwrap().len(), 512);
}

#[tokio::test]
async fn a_failover_that_does_not_end_is_told() {
    let (paths, units) = two([TRANSITION, TRANSITION], quick()).await;
    let error = disk::read(&paths, 0, 512).await.unwrap_err();
    let IscsiError::NoPath { last: Some(last), .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**last, IscsiError::Asleep { state: Asleep::InTransition, .. }), "{last:?}");
    assert!(last.to_string().contains("in transition"), "{last}");
    // With pauses between.
    let tries: usize = units.iter().map(Unit::count).sum();
    assert!((4..200).contains(&tries), "{tries}");
    // One portal, the same.
    let unit = Unit::start(Name::None).await;
    unit.asleep.store(STANDBY, Ordering::Relaxed);
    let paths = Paths::open(vec![unit.to.clone()], quick()).await.unwrap();
    let error = disk::read(&paths, 0, 512).await.unwrap_err();
    assert!(matches!(error, IscsiError::NoPath { .. }), "{error:?}");
}
