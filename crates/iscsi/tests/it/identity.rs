// SPDX-License-Identifier: Apache-2.0
//! Paths that lead to another disk than the others are found before they are used.

use scurry_iscsi::{IscsiError, Paths, PathsOptions};

use crate::{
    disk,
    unit::{Name, Unit, quick, until},
};

const ONE: Name = Name::Naa([0x62, 4, 0xa9, 0x37, 0, 0, 0, 1]);
const TWO: Name = Name::Naa([0x62, 4, 0xa9, 0x37, 0, 0, 0, 2]);

async fn open(names: [Name; 2]) -> (Result<Paths, IscsiError>, [Unit; 2]) {
    let [first, second] = names;
    let units = [Unit::start(first).await, Unit::start(second).await];
    let to = units.iter().map(|unit| unit.to.clone()).collect();
    (Paths::open(to, quick()).await, units)
}

#[tokio::test]
async fn two_ways_to_one_disk_are_used_both() {
    for name in [ONE, Name::Serial("  SN-0815 "), Name::None] {
        let (paths, units) = open([name.clone(), name]).await;
        let paths = paths.unwrap();
        for _ in 0..4 {
            disk::read(&paths, 0, 512).await.unwrap();
        }
        assert_eq!(units.each_ref().map(Unit::count), [2, 2]);
        paths.close().await;
    }
}

#[tokio::test]
async fn two_disks_are_refused_and_both_are_named() {
    for (names, shown) in [
        ([ONE, TWO], ["disk 6204a93700000001", "disk 6204a93700000002"]),
        ([Name::Serial("A1"), Name::Serial("A2")], ["disk A1", "disk A2"]),
        ([ONE, Name::None], ["disk 6204a93700000001", "a disk without a name"]),
    ] {
        let (paths, units) = open(names).await;
        let text = paths.unwrap_err().to_string();
        for unit in &units {
            let place = format!("LUN 1 of {}", unit.to.target);
            assert!(text.contains(&place), "{text}");
            assert_eq!(unit.count(), 0);
        }
        assert!(shown.iter().all(|name| text.contains(name)), "{text}");
    }
}

#[tokio::test]
async fn a_path_without_the_disk_is_not_used() {
    let (paths, units) = open([ONE, Name::Absent]).await;
    let paths = paths.unwrap();
    disk::read(&paths, 0, 512).await.unwrap();
    disk::read(&paths, 0, 512).await.unwrap();
    assert_eq!(units.each_ref().map(Unit::count), [2, 0]);
    let health = paths.health();
    assert!(!health[1].up);
    let error = health[1].last_error.clone().unwrap();
    assert!(matches!(*error, IscsiError::NoIdentity { .. }), "{error:?}");
    // It joins when the disk appears there.
    *units[1].name.lock().unwrap() = ONE;
    until(|| paths.health()[1].up).await;
}

#[tokio::test]
async fn a_path_that_comes_back_to_another_disk_is_refused() {
    let (paths, units) = open([ONE, ONE]).await;
    let paths = paths.unwrap();
    *units[1].name.lock().unwrap() = TWO;
    units[1].hang_up.notify_one();
    let refused = || {
        let health = &paths.health()[1];
        !health.up && matches!(health.last_error.as_deref(), Some(IscsiError::OtherUnit { .. }))
    };
    until(refused).await;
    for _ in 0..4 {
        disk::read(&paths, 0, 512).await.unwrap();
    }
    assert_eq!(units[1].count(), 0);
    // The only path as well.
    let unit = Unit::start(ONE).await;
    let paths = Paths::open(vec![unit.to.clone()], quick()).await.unwrap();
    *unit.name.lock().unwrap() = TWO;
    unit.hang_up.notify_one();
    until(|| !paths.health()[0].up).await;
    let error = disk::read(&paths, 0, 512).await.unwrap_err();
    let IscsiError::NoPath { last: Some(last), .. } = error else { panic!("{error:?}") };
    assert!(last.to_string().contains("6204a93700000002"), "{last}");
    assert_eq!(unit.count(), 0);
    paths.close().await;
    // Whoever knows better may say so.
    let any = PathsOptions { check_identity: false, ..quick() };
    let paths = Paths::open(vec![unit.to.clone()], any).await.unwrap();
    disk::read(&paths, 0, 512).await.unwrap();
}
