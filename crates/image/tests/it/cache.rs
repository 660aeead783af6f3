// SPDX-License-Identifier: Apache-2.0
//! The image cache: filled once, only with what is right, and whole or not there after a crash.

use std::path::PathBuf;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use scurry_image::ports::CacheRecords;
use scurry_image::{CacheSettings, Caller, Download, Image, ImageService};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::ImageId;

use crate::world::{World, active, admin, caller, content, raw};

const NODE: &str = "http://node:9292";

fn caching() -> World {
    let mut world = World::new();
    world.settings.cache = Some(CacheSettings::new(world.dir.path().join("cache"), NODE));
    world
}

fn path(world: &World, part: &str, image: &ImageId) -> PathBuf {
    world.dir.path().join("cache").join(part).join(image.as_str())
}

async fn open(service: &ImageService, caller: &Caller, image: &Image) -> Download {
    service.download(caller, &image.id, None, &[]).await.unwrap().unwrap()
}

async fn read(download: Download) -> Vec<u8> {
    let pieces: Vec<_> = download.body.try_collect().await.unwrap();
    pieces.concat()
}

async fn cached(service: &ImageService) -> Vec<ImageId> {
    service.cache_contents().await.unwrap().0.into_iter().map(|entry| entry.image).collect()
}

async fn queue(service: &ImageService) -> Vec<ImageId> {
    service.cache_contents().await.unwrap().1
}

/// Waits until a fill that ended early has left nothing behind.
async fn gone(path: &std::path::Path) {
    while path.exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn two_downloads_at_once_fill_the_cache_once() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let downloads = (open(&service, &caller("p"), &image).await, open(&service, &caller("p"), &image).await);
    let bytes = futures::join!(read(downloads.0), read(downloads.1));
    assert!(bytes.0 == content() && bytes.1 == content());
    assert_eq!(cached(&service).await, std::slice::from_ref(&image.id));
    assert!(std::fs::read(path(&world, "", &image.id)).unwrap() == content());
    assert!(!path(&world, "incomplete", &image.id).exists());
    let before = world.stores[0].faults().count(Operation::Read);
    assert!(read(open(&service, &caller("p"), &image).await).await == content());
    assert_eq!(world.stores[0].faults().count(Operation::Read), before);
    world.check().await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut download = open(&service, &caller("p"), &image).await;
    download.body.next().await.unwrap().unwrap();
    drop(download);
    gone(&path(&world, "incomplete", &image.id)).await;
    assert_eq!(cached(&service).await, []);
    // The next one has its turn.
    loop {
        read(open(&service, &caller("p"), &image).await).await;
        if cached(&service).await == [image.id.clone()] {
            break;
        }
    }
}

#[tokio::test]
async fn bytes_that_are_wrong_are_never_cached() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut wrong = content();
    wrong[2_999_999] ^= 1;
    let store = &world.stores[0];
    store.tamper(&image.locations[0].url, 2_999_999, &wrong[2_999_999..]);
    assert!(
        read(open(&service, &caller("p"), &image).await).await == wrong,
        "a download is as good as its store"
    );
    assert_eq!(cached(&service).await, []);
    assert!(path(&world, "invalid", &image.id).exists(), "kept for whoever wants to know");
    assert!(!path(&world, "", &image.id).exists());
    service.clean_cache().await.unwrap();
    assert!(!path(&world, "invalid", &image.id).exists());
}

#[tokio::test]
async fn a_broken_cache_does_not_hurt_downloads() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    std::fs::remove_dir_all(world.dir.path().join("cache")).unwrap();
    for _ in 0..2 {
        assert!(read(open(&service, &caller("p"), &image).await).await == content());
    }
}

#[tokio::test]
async fn a_cached_file_that_was_cut_is_not_served() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    read(open(&service, &caller("p"), &image).await).await;
    assert_eq!(cached(&service).await, std::slice::from_ref(&image.id));
    let file = std::fs::File::options().write(true).open(path(&world, "", &image.id)).unwrap();
    file.set_len(100).unwrap();
    assert!(read(open(&service, &caller("p"), &image).await).await == content());
    assert_eq!(cached(&service).await, std::slice::from_ref(&image.id), "and it was fetched anew");
    assert!(std::fs::read(path(&world, "", &image.id)).unwrap() == content());
}

#[tokio::test]
async fn a_start_puts_files_and_books_in_order() {
    let world = caching();
    let service = world.start().await;
    let (whole, wrong, deleted) =
        (active(&service, &caller("p")).await, active(&service, &caller("p")).await, ImageId::random());
    let lost = active(&service, &caller("p")).await;
    service.shutdown().await;
    // As kill -9 may leave it: renamed but not entered, half written, entered but not there any more.
    std::fs::write(path(&world, "", &whole.id), content()).unwrap();
    std::fs::write(path(&world, "", &wrong.id), vec![1; content().len()]).unwrap();
    std::fs::write(path(&world, "", &deleted), "bytes").unwrap();
    std::fs::write(path(&world, "incomplete", &lost.id), "half").unwrap();
    world.database().await.add_cached(NODE, &lost.id, 3_000_000).await.unwrap();
    let service = world.start().await;
    assert!(!path(&world, "incomplete", &lost.id).exists());
    gone(&path(&world, "", &deleted)).await;
    gone(&path(&world, "", &wrong.id)).await;
    while cached(&service).await != [whole.id.clone()] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(path(&world, "invalid", &wrong.id).exists());
    assert!(read(open(&service, &caller("p"), &wrong).await).await == content());
}

#[tokio::test]
async fn what_was_queued_is_fetched_after_a_restart() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    service.shutdown().await;
    std::fs::write(path(&world, "queue", &image.id), "").unwrap();
    let service = world.start().await;
    while cached(&service).await != [image.id.clone()] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(queue(&service).await, []);
}

#[tokio::test]
async fn what_cannot_be_fetched_stays_queued_and_what_is_gone_does_not() {
    let world = caching();
    let service = world.start().await;
    let (image, empty) =
        (active(&service, &caller("p")).await, service.create(&caller("p"), raw()).await.unwrap());
    world.stores[0].faults().fail_all(Operation::Read, StoreErrorKind::Unavailable);
    let nobody = ImageId::random();
    for id in [&empty.id, &nobody] {
        service.queue(id).await.unwrap();
    }
    service.queue_active(&image).await.unwrap();
    while queue(&service).await.contains(&nobody) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut left = queue(&service).await;
    left.sort();
    let mut expected = [image.id.clone(), empty.id.clone()];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(cached(&service).await, []);
    world.stores[0].faults().clear();
    service.queue_active(&image).await.unwrap();
    while cached(&service).await != [image.id.clone()] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(queue(&service).await, [empty.id]);
}

#[tokio::test]
async fn an_image_deleted_while_it_comes_in_does_not_stay() {
    let world = caching();
    let service = world.start().await;
    let image = active(&service, &caller("p")).await;
    let mut download = open(&service, &caller("p"), &image).await;
    download.body.next().await.unwrap().unwrap();
    service.delete(&caller("p"), &image.id).await.unwrap();
    // The object is gone; what was read ahead may or may not be enough for the rest.
    while let Some(Ok(_)) = download.body.next().await {}
    drop(download);
    gone(&path(&world, "incomplete", &image.id)).await;
    assert_eq!(cached(&service).await, []);
    assert!(!path(&world, "", &image.id).exists());
}

#[tokio::test]
async fn empty_images_are_cached_like_others() {
    let world = caching();
    let service = world.start().await;
    let image = service.create(&admin(), raw()).await.unwrap();
    service.upload(&admin(), &image.id, Default::default(), crate::world::body(&[])).await.unwrap();
    let image = service.get(&admin(), &image.id).await.unwrap();
    assert_eq!(read(open(&service, &admin(), &image).await).await, b"");
    assert_eq!(cached(&service).await, std::slice::from_ref(&image.id));
    assert_eq!(read(open(&service, &admin(), &image).await).await, b"");
}
