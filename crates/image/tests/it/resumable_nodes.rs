// SPDX-License-Identifier: Apache-2.0
//! Uploads in several requests between connections, nodes and lives of the service: one appends at a time, and what
//! nobody goes on with goes away.

use std::time::Duration;

use scurry_image::ports::UploadSessions;
use scurry_image::{ImageError, ImageService, UploadProblem};
use scurry_types::{ImageId, ImageStatus};
use tokio::task::JoinHandle;

use crate::crash::life;
use crate::resumable::*;
use crate::world::*;

/// A request whose client sends some bytes and is not heard of again; returns when those are taken in.
async fn stalled(
    service: &ImageService,
    id: &ImageId,
    part: &[u8],
) -> JoinHandle<Result<scurry_image::Appended, ImageError>> {
    let (sent, taken) = stalled_body(part);
    let (service, id) = (service.clone(), id.clone());
    let request = tokio::spawn(async move { begin(&service, &id, None, false, sent).await });
    taken.notified().await;
    request
}

#[tokio::test]
async fn a_newer_request_takes_over_from_a_stalled_one() {
    let world = World::new();
    let service = world.start().await;
    let id = queued(&service).await;
    let old = stalled(&service, &id, &content()[..1_234_567]).await;
    let early = problem(append(&service, &id, 7, true, body(b"x")).await);
    assert_eq!(early, UploadProblem::WrongOffset { expected: 1_234_567, provided: 7 });
    assert_eq!(problem(old.await.unwrap()), UploadProblem::TakenOver { offset: 1_234_567 });
    let answer = append(&service, &id, 1_234_567, true, body(&content()[1_234_567..])).await;
    assert_eq!(complete(answer), 3_000_000);
    is_whole(&world, &service, &id, &content()).await;
}

#[tokio::test]
async fn asking_ends_a_stalled_request_with_all_that_came() {
    let world = World::new();
    let service = world.start().await;
    let id = queued(&service).await;
    let old = stalled(&service, &id, &content()[..999]).await;
    assert_eq!(offset(&service, &id).await, 999);
    assert_eq!(problem(old.await.unwrap()), UploadProblem::TakenOver { offset: 999 });
    assert_eq!(offset(&service, &id).await, 999);
    complete(append(&service, &id, 999, true, body(&content()[999..])).await);
    is_whole(&world, &service, &id, &content()).await;
}

/// Two nodes with a database and stores in common.
async fn two_nodes(world: &mut World) -> (ImageService, ImageService) {
    let one = world.start().await;
    world.settings.node_id = "other".to_owned();
    let other = world.start().await;
    (one, other)
}

#[tokio::test]
async fn another_node_takes_over() {
    let mut world = World::new();
    let (one, other) = two_nodes(&mut world).await;
    let id = queued(&one).await;
    let old = stalled(&one, &id, &content()[..1_000_001]).await;
    assert_eq!(offset(&other, &id).await, 1_000_001);
    assert_eq!(problem(old.await.unwrap()), UploadProblem::TakenOver { offset: 1_000_001 });
    assert_eq!(more(append(&other, &id, 1_000_001, false, body(b"")).await), 1_000_001);
    complete(append(&one, &id, 1_000_001, true, body(&content()[1_000_001..])).await);
    is_whole(&world, &one, &id, &content()).await;
}

#[test]
fn a_dead_node_keeps_nobody_away_for_long() {
    let mut world = World::new();
    let id = life(async || {
        let service = world.start().await;
        let id = queued(&service).await;
        stalled(&service, &id, &content()[..2_000_000]).await;
        let db = world.database().await;
        while db.upload_session(&id).await.unwrap().unwrap().offset < 300_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        id
    });
    world.settings.node_id = "other".to_owned();
    life(async || {
        let service = world.start().await;
        let at = offset(&service, &id).await;
        assert!((300_000..=2_000_000).contains(&at), "{at}");
        let rest = body(&content()[usize::try_from(at).unwrap()..]);
        complete(append(&service, &id, at, true, rest).await);
        is_whole(&world, &service, &id, &content()).await;
    });
}

#[test]
fn dying_anywhere_loses_nothing_that_was_acknowledged() {
    let play = |world: &World, id: &ImageId, stop_at: Option<&str>| {
        life(async || {
            let service = world.start().await;
            if let Some(point) = stop_at {
                service.crash_points().stop_at(point);
            }
            let work = async {
                more(begin(&service, id, None, false, body(&content()[..1_500_000])).await);
                complete(append(&service, id, 1_500_000, true, body(&content()[1_500_000..])).await);
            };
            tokio::select! {
                () = work => {}
                () = service.crash_points().reached() => {}
            }
            service.crash_points().seen()
        })
    };
    let fresh = || {
        let world = World::new();
        let id = life(async || queued(&world.start().await).await);
        (world, id)
    };
    let (world, id) = fresh();
    let points = play(&world, &id, None);
    assert!(points.contains(&"session.written") && points.contains(&"upload.active"), "{points:?}");
    for point in points {
        let (world, id) = fresh();
        play(&world, &id, Some(point));
        life(async || {
            let service = world.start().await;
            let state = service.upload_state(&caller("p"), &id).await.unwrap();
            let state = state.unwrap_or_else(|| panic!("{point}: the upload is forgotten"));
            if state.complete.is_none() {
                let rest = &content()[usize::try_from(state.offset).unwrap()..];
                match append(&service, &id, state.offset, true, body(rest)).await {
                    // The object was final already, but did not count yet.
                    Err(ImageError::Gone(_)) | Err(ImageError::Upload(UploadProblem::NotBegun)) => {
                        complete(begin(&service, &id, None, true, body(&content())).await);
                    }
                    answer => assert_eq!(complete(answer), 3_000_000, "{point}"),
                }
            }
            is_whole(&world, &service, &id, &content()).await;
        });
    }
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing() {
    let world = World::new();
    let service = world.start().await;
    let id = queued(&service).await;
    assert!(!service.cancel_upload(&caller("p"), &id).await.unwrap());
    let old = stalled(&service, &id, &content()).await;
    assert!(service.cancel_upload(&caller("p"), &id).await.unwrap());
    assert!(old.await.unwrap().is_err());
    world.check().await;
    assert_eq!(service.get(&caller("p"), &id).await.unwrap().status, ImageStatus::Queued);
    more(begin(&service, &id, None, false, body(b"x")).await);
    assert!(service.cancel_upload(&caller("p"), &id).await.unwrap());
    world.check().await;
    complete(begin(&service, &id, None, true, body(&content())).await);
    is_whole(&world, &service, &id, &content()).await;
}

#[tokio::test]
async fn deleting_the_image_ends_its_upload() {
    let world = World::new();
    let service = world.start().await;
    let id = queued(&service).await;
    more(begin(&service, &id, None, false, body(&content())).await);
    service.delete(&caller("p"), &id).await.unwrap();
    world.check().await;
    let id = queued(&service).await;
    let old = stalled(&service, &id, &content()).await;
    service.delete(&caller("p"), &id).await.unwrap();
    assert!(matches!(old.await.unwrap(), Err(ImageError::Gone(_))));
    world.check().await;
    let answer = append(&service, &id, 3_000_000, true, body(b"")).await;
    assert!(matches!(answer, Err(ImageError::NotFound(_))), "{answer:?}");
}

#[tokio::test]
async fn an_upload_nobody_goes_on_with_expires() {
    let mut world = World::new();
    world.settings.upload_expiry = Duration::from_millis(500);
    let service = world.start().await;
    let (idle, busy) = (queued(&service).await, queued(&service).await);
    more(begin(&service, &idle, None, false, body(&content())).await);
    more(begin(&service, &busy, None, false, body(b"x")).await);
    let mut at = 1;
    while service.get(&caller("p"), &idle).await.unwrap().status != ImageStatus::Queued {
        at = more(append(&service, &busy, at, false, body(b"y")).await);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(offset(&service, &busy).await, at, "what goes on is kept");
    service.cancel_upload(&caller("p"), &busy).await.unwrap();
    world.check().await;
    complete(begin(&service, &idle, None, true, body(&content())).await);
    is_whole(&world, &service, &idle, &content()).await;
}
