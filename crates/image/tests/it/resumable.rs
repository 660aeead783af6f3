// SPDX-License-Identifier: Apache-2.0
//! Uploads in several requests: however they are cut, what arrives is what was sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use proptest::prelude::*;
use scurry_image::{Append, Appended, Body, Chunk, ImageError, ImageService, Upload, UploadProblem};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::{ImageId, ImageStatus};
use tokio::sync::Notify;

use crate::crash::life;
use crate::world::*;

/// A body that never ends, and word of when all of it was taken in.
pub(crate) fn stalled_body(content: &[u8]) -> (Body, Arc<Notify>) {
    let taken = Arc::new(Notify::new());
    let notify = Arc::clone(&taken);
    let stall = stream::once(async move {
        notify.notify_one();
        std::future::pending().await
    });
    (Box::pin(body(content).chain(stall)), taken)
}

pub(crate) async fn begin(
    service: &ImageService,
    id: &ImageId,
    len: Option<u64>,
    complete: bool,
    body: Body,
) -> Result<Appended, ImageError> {
    let upload = Upload { store: None, declared_len: len };
    service.begin_upload(&caller("p"), id, upload, complete, body).await
}

pub(crate) async fn append(
    service: &ImageService,
    id: &ImageId,
    offset: u64,
    complete: bool,
    body: Body,
) -> Result<Appended, ImageError> {
    service.append_upload(&caller("p"), id, Append { offset, len: None, complete }, body).await
}

pub(crate) async fn offset(service: &ImageService, id: &ImageId) -> u64 {
    service.upload_state(&caller("p"), id).await.unwrap().unwrap().offset
}

pub(crate) fn more(answer: Result<Appended, ImageError>) -> u64 {
    match answer {
        Ok(Appended::More { offset }) => offset,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn complete(answer: Result<Appended, ImageError>) -> u64 {
    match answer {
        Ok(Appended::Complete { len, .. }) => len,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn problem(answer: Result<Appended, ImageError>) -> UploadProblem {
    match answer {
        Err(ImageError::Upload(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn queued(service: &ImageService) -> ImageId {
    service.create(&caller("p"), raw()).await.unwrap().id
}

/// The image is what a plain upload of the same bytes makes of it.
pub(crate) async fn is_whole(world: &World, service: &ImageService, id: &ImageId, content: &[u8]) {
    let image = service.get(&caller("p"), id).await.unwrap();
    assert_eq!((image.status, image.size), (ImageStatus::Active, Some(content.len() as u64)));
    assert!(world.stores[0].content(&image.locations[0].url).unwrap() == content, "other bytes");
    let plain = queued(service).await;
    service.upload(&caller("p"), &plain, Upload::default(), body(content)).await.unwrap();
    let plain = service.get(&caller("p"), &plain).await.unwrap();
    assert_eq!((image.checksum, image.os_hash_value), (plain.checksum, plain.os_hash_value));
    assert_eq!((image.virtual_size, image.os_hash_algo), (plain.virtual_size, plain.os_hash_algo));
    let db = world.database().await;
    assert_eq!(hashes(&db, id).await, hashes(&db, &plain.id).await);
    world.check().await;
}

async fn hashes(db: &scurry_image_db::Database, id: &ImageId) -> Option<scurry_types::BlockHashes> {
    scurry_image::ports::ImageRepository::block_hashes(db, id).await.unwrap()
}

/// How one request ends.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// The client said that more would come.
    Announced,
    /// The connection broke.
    Broken,
    /// The service died.
    Killed,
    /// It was stopped.
    Stopped,
}

fn cuts() -> impl Strategy<Value = Vec<(u64, Cut)>> {
    let cut = prop_oneof![Just(Cut::Announced), Just(Cut::Broken), Just(Cut::Killed), Just(Cut::Stopped)];
    let len = prop_oneof![Just(0_u64), Just(1), 1_u64..5000, 100_000_u64..1_500_000];
    proptest::collection::vec((len, cut), 0..6)
}

/// Sends one part and cuts it; how many bytes are durable afterwards, at least.
fn send_part(world: &World, id: &ImageId, at: u64, part: &[u8], first: bool, cut: Cut) {
    life(async || {
        let service = world.start().await;
        let (stalled, taken) = stalled_body(part);
        let sent = match cut {
            Cut::Announced => body(part),
            Cut::Broken => broken_body(part),
            Cut::Killed | Cut::Stopped => stalled,
        };
        let work = async {
            if first {
                begin(&service, id, None, false, sent).await
            } else {
                append(&service, id, at, false, sent).await
            }
        };
        match cut {
            Cut::Announced => assert_eq!(more(work.await), at + part.len() as u64),
            Cut::Broken => assert!(matches!(work.await, Err(ImageError::ClientGone))),
            Cut::Killed => tokio::select! {
                _ = work => {}
                () = taken.notified() => return, // whatever goes on ends here
            },
            Cut::Stopped => {
                let stop = async {
                    taken.notified().await;
                    service.shutdown().await;
                };
                let (answer, ()) = tokio::join!(work, stop);
                assert!(matches!(answer, Err(ImageError::Unavailable { .. })), "{answer:?}");
            }
        }
        service.shutdown().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn what_arrives_is_what_was_sent(cuts in cuts(), seed in 0_u64..1000) {
        let world = World::new();
        let mut content = scurry_testkit::pattern(seed, 2_000_000);
        content[700_000..1_300_000].fill(0);
        let id = life(async || queued(&world.start().await).await);
        let (mut at, mut first) = (0, true);
        for (len, cut) in cuts {
            let end = (at + len).min(content.len() as u64);
            let part = &content[usize::try_from(at).unwrap()..usize::try_from(end).unwrap()];
            send_part(&world, &id, at, part, first, cut);
            first = false;
            let now = life(async || offset(&world.start().await, &id).await);
            prop_assert!(at <= now && now <= end, "{at}..{end}: {now}");
            if !matches!(cut, Cut::Killed) {
                prop_assert_eq!(now, end, "{:?}", cut);
            }
            at = now;
        }
        life(async || {
            let service = world.start().await;
            let rest = body(&content[usize::try_from(at).unwrap()..]);
            let answer = if first {
                begin(&service, &id, Some(content.len() as u64), true, rest).await
            } else {
                append(&service, &id, at, true, rest).await
            };
            assert_eq!(complete(answer), content.len() as u64);
            is_whole(&world, &service, &id, &content).await;
        });
    }
}

#[tokio::test]
async fn empty_images_and_single_bytes() {
    let world = World::new();
    let service = world.start().await;
    let id = queued(&service).await;
    assert_eq!(offset(&service, &id).await, 0);
    assert_eq!(more(begin(&service, &id, None, false, body(b"")).await), 0);
    assert_eq!(complete(append(&service, &id, 0, true, body(b"")).await), 0);
    world.check().await;
    let id = queued(&service).await;
    assert_eq!(complete(begin(&service, &id, Some(0), true, body(b"")).await), 0);
    let id = queued(&service).await;
    begin(&service, &id, Some(3), false, body(b"a")).await.unwrap();
    assert_eq!(more(append(&service, &id, 1, false, body(b"b")).await), 2);
    assert_eq!(more(append(&service, &id, 2, false, body(b"c")).await), 3);
    assert_eq!(complete(append(&service, &id, 3, true, body(b"")).await), 3);
    is_whole(&world, &service, &id, b"abc").await;
}

#[tokio::test]
async fn a_complete_upload_is_told_of_until_it_expires() {
    let mut world = World::new();
    world.settings.upload_expiry = Duration::from_millis(400);
    let service = world.start().await;
    let id = queued(&service).await;
    complete(begin(&service, &id, None, true, body(&content())).await);
    let state = service.upload_state(&caller("p"), &id).await.unwrap().unwrap();
    assert_eq!((state.offset, state.len), (3_000_000, Some(3_000_000)));
    assert!(state.complete.is_some());
    assert_eq!(problem(append(&service, &id, 3_000_000, true, body(b"")).await), UploadProblem::Completed);
    let before = service.get(&caller("p"), &id).await.unwrap();
    while service.upload_state(&caller("p"), &id).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = service.get(&caller("p"), &id).await.unwrap();
    assert_eq!(after, before, "the image itself does not change");
    is_whole(&world, &service, &id, &content()).await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_harms_nothing() {
    let world = World::new();
    let service = world.start().await;
    let who = caller("p");
    let id = queued(&service).await;
    let unbegun = append(&service, &id, 0, true, body(b"x")).await;
    assert_eq!(problem(unbegun), UploadProblem::NotBegun);
    more(begin(&service, &id, Some(3_000_000), false, body(&content()[..1000])).await);
    let wrong = problem(append(&service, &id, 999, false, body(b"x")).await);
    assert_eq!(wrong, UploadProblem::WrongOffset { expected: 1000, provided: 999 });
    for len in [999, 2_999_999] {
        let announced = Append { offset: 1000, len: Some(len), complete: false };
        let other = service.append_upload(&who, &id, announced, body(b"x")).await;
        assert_eq!(problem(other), UploadProblem::InconsistentLength);
    }
    let early = append(&service, &id, 1000, true, body(&content()[1000..2000])).await;
    assert_eq!(problem(early), UploadProblem::InconsistentLength);
    assert_eq!(offset(&service, &id).await, 2000);
    let again = begin(&service, &id, Some(3_000_000), true, body(&content())).await;
    assert_eq!(problem(again), UploadProblem::WrongOffset { expected: 2000, provided: 0 });
    let plain = service.upload(&who, &id, Upload::default(), body(&content())).await;
    assert_eq!(text(plain), "Image status transition from saving to saving is not allowed");
    let theirs = Append { offset: 2000, len: None, complete: true };
    let stranger = service.append_upload(&caller("q"), &id, theirs, body(b"x")).await;
    assert!(matches!(stranger, Err(ImageError::NotFound(_))));
    assert_eq!(complete(append(&service, &id, 2000, true, body(&content()[2000..])).await), 3_000_000);
    is_whole(&world, &service, &id, &content()).await;
}

#[tokio::test]
async fn what_may_not_count_ends_the_upload() {
    let mut world = World::new();
    world.settings.image_size_cap = 4_000_000;
    let service = world.start().await;
    let id = queued(&service).await;
    let qcow2 = [b"QFI\xfb\x00\x00\x00\x03".as_slice(), &[0; 65_536]].concat();
    more(begin(&service, &id, None, false, body(&qcow2[..5])).await);
    let refused = append(&service, &id, 5, true, body(&qcow2[5..])).await;
    let Ok(Appended::Refused(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("does not match stream data qcow2"), "{error}");
    world.check().await;
    more(begin(&service, &id, Some(10), false, body(b"12345")).await);
    let long = append(&service, &id, 5, false, body(b"6789ab")).await;
    assert!(text(long).contains("Size mismatch"));
    world.check().await;
    more(begin(&service, &id, None, false, body(&content())).await);
    let large = append(&service, &id, 3_000_000, false, body(&content())).await;
    assert!(matches!(large, Err(ImageError::TooLarge(_))), "{large:?}");
    world.check().await;
    more(begin(&service, &id, None, false, body(&content())).await);
    world.stores[0].faults().fail_nth(Operation::Write, 1, StoreErrorKind::Full);
    let full = append(&service, &id, 3_000_000, false, body(&content()[..9])).await;
    assert!(matches!(full, Err(ImageError::StorageFull(_))), "{full:?}");
    world.check().await;
    assert_eq!(service.get(&caller("p"), &id).await.unwrap().status, ImageStatus::Queued);
    assert_eq!(complete(begin(&service, &id, None, true, body(&content())).await), 3_000_000);
    is_whole(&world, &service, &id, &content()).await;
}

#[tokio::test]
async fn holes_are_sent_as_holes() {
    let world = World::new();
    let service = world.start().await;
    let id = queued(&service).await;
    let part = |chunks: Vec<Chunk>| -> Body { Box::pin(stream::iter(chunks.into_iter().map(Ok))) };
    let data = |byte: u8| Chunk::Data(Bytes::from(vec![byte; 4096]));
    let first = part(vec![data(1), Chunk::Zeroes(20_000_000)]);
    assert_eq!(more(begin(&service, &id, None, false, first).await), 20_004_096);
    let last = part(vec![Chunk::Zeroes(10_000_000), data(2), Chunk::Zeroes(3)]);
    assert_eq!(complete(append(&service, &id, 20_004_096, true, last).await), 30_008_195);
    let image = service.get(&caller("p"), &id).await.unwrap();
    assert!(world.stores[0].allocated(&image.locations[0].url).unwrap() <= 16_384);
    let mut content = vec![0; 30_008_195];
    content[..4096].fill(1);
    content[30_004_096..30_008_192].fill(2);
    is_whole(&world, &service, &id, &content).await;
}

#[tokio::test]
async fn a_store_that_cannot_go_on_takes_an_image_in_one_request_only() {
    let mut world = World::new();
    world.stores[0] = world.stores[0].clone().with_capability(|can| can.resume = false);
    let service = world.start().await;
    let id = queued(&service).await;
    let parts = begin(&service, &id, None, false, body(b"x")).await;
    assert_eq!(problem(parts), UploadProblem::NotResumable("one".into()));
    world.check().await;
    assert_eq!(complete(begin(&service, &id, None, true, body(&content())).await), 3_000_000);
    is_whole(&world, &service, &id, &content()).await;
}

#[tokio::test]
async fn limits_hold_for_every_request() {
    let mut world = World::new();
    world.settings.user_storage_quota = Some(4_000_000);
    let service = world.start().await;
    let id = queued(&service).await;
    let long = begin(&service, &id, Some(5_000_000), false, body(b"x")).await;
    assert!(matches!(long, Err(ImageError::TooLarge(_))), "{long:?}");
    world.check().await;
    more(begin(&service, &id, None, false, body(&content())).await);
    let other = active(&service, &caller("p")).await;
    let full = append(&service, &id, 3_000_000, true, body(b"y")).await;
    assert!(matches!(full, Err(ImageError::TooLarge(_))), "{full:?}");
    service.delete(&caller("p"), &other.id).await.unwrap();
    if service.get(&caller("p"), &id).await.unwrap().status == ImageStatus::Saving {
        service.cancel_upload(&caller("p"), &id).await.unwrap();
    }
    world.check().await;
}
