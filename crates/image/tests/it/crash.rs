// SPDX-License-Identifier: Apache-2.0
//! The service dies at every point it passes; its next life leaves everything wholly old or wholly new.

use std::time::Duration;

use rstest::rstest;
use scurry_formats::OutputFormat;
use scurry_image::ports::ImageRepository;
use scurry_image::{ImageService, ImportMethod, ImportPlugin, ImportRequest, NewImage, Upload};
use scurry_store::{Operation, StoreErrorKind};
use scurry_types::{ImageId, ImageStatus};
use tokio::runtime::Runtime;

use crate::plugins::{as_image, gzip};
use crate::world::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Upload,
    RefusedUpload,
    Stage,
    Import,
    FailedImport,
    WebImport,
    ConvertedImport,
    Copy,
    UndoneCopy,
    CopyOnOneBackend,
    Delete,
    DeleteInUse,
    DeleteFromStore,
}

impl Story {
    /// What the image is like before.
    async fn prepare(self, service: &ImageService) -> ImageId {
        let who = caller("p");
        let disk_format = Some(if self == Self::ConvertedImport { "qcow2" } else { "raw" }.to_owned());
        let image = service.create(&who, NewImage { disk_format, ..raw() }).await.unwrap();
        let id = image.id;
        match self {
            Self::Upload | Self::RefusedUpload | Self::Stage | Self::WebImport => {}
            Self::Import | Self::FailedImport => {
                service.stage(&who, &id, None, body(&content())).await.unwrap();
            }
            Self::ConvertedImport => {
                service.stage(&who, &id, None, body(&packed_content())).await.unwrap();
            }
            Self::Copy | Self::UndoneCopy | Self::CopyOnOneBackend => {
                service.upload(&who, &id, Upload::default(), body(&content())).await.unwrap();
            }
            Self::Delete | Self::DeleteInUse | Self::DeleteFromStore => {
                service.upload(&who, &id, Upload::default(), body(&content())).await.unwrap();
                let task = service.import(&admin(), &id, everywhere()).await.unwrap().unwrap();
                ended(service, &task).await;
            }
        }
        id
    }

    /// What happens, with or without a crash.
    async fn play(self, world: &World, service: &ImageService, id: &ImageId) {
        let who = caller("p");
        match self {
            Self::Upload => {
                let _ = service.upload(&who, id, Upload::default(), body(&content())).await;
            }
            Self::RefusedUpload => {
                let qcow2 = [b"QFI\xfb\x00\x00\x00\x03".as_slice(), &[0; 65_536]].concat();
                let _ = service.upload(&who, id, Upload::default(), body(&qcow2)).await;
            }
            Self::Stage => {
                let _ = service.stage(&who, id, None, body(&content())).await;
            }
            Self::Import | Self::FailedImport | Self::ConvertedImport => {
                if self == Self::FailedImport {
                    world.stores[1].faults().fail_nth(Operation::Write, 1, StoreErrorKind::Full);
                }
                let request = import(ImportMethod::GlanceDirect, &["one", "two"]);
                if let Ok(Some(task)) = service.import(&who, id, request).await {
                    ended(service, &task).await;
                }
            }
            Self::WebImport => {
                world.outbound.always(Addresses::IMAGE, &content());
                let method = ImportMethod::WebDownload { uri: Addresses::IMAGE.to_owned() };
                if let Ok(Some(task)) = service.import(&who, id, import(method, &["one", "two"])).await {
                    ended(service, &task).await;
                }
            }
            Self::Copy | Self::UndoneCopy | Self::CopyOnOneBackend => {
                if self == Self::UndoneCopy {
                    world.stores[1].faults().fail_all(Operation::Commit, StoreErrorKind::Full);
                }
                if let Ok(Some(task)) = service.import(&admin(), id, everywhere()).await {
                    ended(service, &task).await;
                }
            }
            Self::Delete => {
                let _ = service.delete(&who, id).await;
            }
            Self::DeleteInUse => {
                world.stores[1].faults().fail_nth(Operation::Delete, 1, StoreErrorKind::InUse);
                let _ = service.delete(&who, id).await;
            }
            Self::DeleteFromStore => {
                let _ = service.delete_from_store(&admin(), &"one".into(), id).await;
            }
        }
    }

    /// What the image may be afterwards.
    fn allowed(self) -> &'static [ImageStatus] {
        use ImageStatus::{Active, Deleted, Queued, Uploading};
        match self {
            Self::Upload | Self::WebImport => &[Queued, Active],
            Self::RefusedUpload => &[Queued],
            Self::Stage => &[Queued, Uploading],
            // Accepted imports go on; one that was not accepted leaves the staged data waiting.
            Self::Import | Self::ConvertedImport => &[Uploading, Active],
            Self::FailedImport => &[Uploading, Queued, Active],
            Self::Copy | Self::UndoneCopy | Self::CopyOnOneBackend | Self::DeleteFromStore => &[Active],
            Self::Delete => &[Active, Deleted],
            Self::DeleteInUse => &[Active, Deleted],
        }
    }
}

fn everywhere() -> ImportRequest {
    ImportRequest { all_stores: true, ..import(ImportMethod::CopyImage, &[]) }
}

/// Runs a life of the service; whatever goes on at its end ends with it.
pub(crate) fn life<T>(live: impl AsyncFnOnce() -> T) -> T {
    let runtime = Runtime::new().unwrap();
    let outcome = runtime.block_on(live());
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

/// Plays the story up to a point and dies there. Gives the points that were passed.
fn play(story: Story, world: &World, id: &ImageId, stop_at: Option<&str>) -> Vec<&'static str> {
    life(async || {
        let service = world.start().await;
        if let Some(point) = stop_at {
            service.crash_points().stop_at(point);
        }
        tokio::select! {
            () = story.play(world, &service, id) => {}
            () = service.crash_points().reached() => {}
        }
        service.crash_points().seen()
    })
}

/// The next life: recovers, lets jobs come to an end, and dies at a point if one is given.
fn recover(world: &World, id: &ImageId, stop_at: Option<&str>) -> Vec<&'static str> {
    life(async || {
        let (service, db) = world.build().await;
        if let Some(point) = stop_at {
            service.crash_points().stop_at(point);
        }
        let live = async {
            service.start().await.unwrap();
            quiet(&db, id).await;
        };
        tokio::select! {
            () = live => {}
            () = service.crash_points().reached() => {}
        }
        service.crash_points().seen()
    })
}

fn check(story: Story, world: &World, id: &ImageId, how: &str) {
    life(async || {
        world.check().await;
        let db = world.database().await;
        let status = db.status(id).await.unwrap().unwrap();
        assert!(story.allowed().contains(&status), "{story:?}, {how}: {status}");
        if let Some(image) = db.get(id).await.unwrap().filter(|image| image.status == ImageStatus::Active) {
            for location in &image.locations {
                let store = world.stores.iter().find(|store| store.content(&location.url).is_some());
                assert_eq!(store.unwrap().content(&location.url).unwrap(), content(), "{how}");
            }
            let copies = image.locations.len();
            match story {
                Story::Copy => assert!(copies == 1 || copies == 3, "{how}: {copies} copies"),
                Story::CopyOnOneBackend => assert!(copies == 1 || copies == 4, "{how}: {copies} copies"),
                Story::Import | Story::WebImport => assert_eq!(copies, 2),
                Story::ConvertedImport => {
                    assert_eq!((copies, image.disk_format.as_deref()), (2, Some("raw")), "{how}");
                }
                _ => {}
            }
        }
    });
}

/// Whatever happened, the same can be done again and ends well.
fn converges(story: Story, world: &World, id: &ImageId) {
    life(async || {
        for store in &world.stores {
            store.faults().clear();
        }
        let service = world.start().await;
        let who = caller("p");
        let Ok(image) = service.get(&who, id).await else { return };
        if image.status == ImageStatus::Queued {
            service.upload(&who, id, Upload::default(), body(&content())).await.unwrap();
        }
        if image.status == ImageStatus::Uploading {
            let request = import(ImportMethod::GlanceDirect, &["one"]);
            let task = service.import(&who, id, request).await.unwrap().unwrap();
            ended(&service, &task).await;
        }
        if let Some(task) = service.import(&admin(), id, everywhere()).await.unwrap() {
            ended(&service, &task).await;
        }
        let image = service.get(&who, id).await.unwrap();
        assert_eq!(image.locations.len(), world.stores.len(), "{story:?}");
        service.delete(&who, id).await.unwrap();
        service.shutdown().await;
    });
    life(async || world.check().await);
}

/// A compressed image of a disk with the usual content.
fn packed_content() -> Vec<u8> {
    let mut image = as_image(&content(), OutputFormat::Qcow2);
    // The disk ends where the content does, not with a sector.
    image[24..32].copy_from_slice(&(content().len() as u64).to_be_bytes());
    gzip(&image)
}

fn fresh(story: Story) -> (World, ImageId) {
    let mut world = if story == Story::CopyOnOneBackend { World::on_one_backend() } else { World::new() };
    if story == Story::ConvertedImport {
        world.settings.import_plugins.steps = vec![ImportPlugin::Decompression, ImportPlugin::Conversion];
    }
    world.cloning = matches!(story, Story::Copy | Story::UndoneCopy);
    let id = life(async || {
        let service = world.start().await;
        let id = story.prepare(&service).await;
        service.shutdown().await;
        id
    });
    (world, id)
}

fn die_everywhere(story: Story) {
    let (world, id) = fresh(story);
    let points = play(story, &world, &id, None);
    recover(&world, &id, None);
    check(story, &world, &id, "without a crash");
    assert!(!points.is_empty(), "{story:?} passes no point");
    assert_eq!(story == Story::CopyOnOneBackend, points.contains(&"copy.cloned-from-copy"), "{points:?}");
    let mut tried = Vec::new();
    for point in points {
        if tried.contains(&point) {
            continue;
        }
        tried.push(point);
        let (world, id) = fresh(story);
        play(story, &world, &id, Some(point));
        let again = recover(&world, &id, None);
        check(story, &world, &id, point);
        converges(story, &world, &id);
        // And once more, dying while it recovers.
        if let Some(second) = again.first() {
            let (world, id) = fresh(story);
            play(story, &world, &id, Some(point));
            recover(&world, &id, Some(second));
            recover(&world, &id, None);
            check(story, &world, &id, &format!("{point}, then {second}"));
        }
    }
}

#[rstest]
fn survives_a_crash_anywhere(
    #[values(
        Story::Upload,
        Story::RefusedUpload,
        Story::Stage,
        Story::Import,
        Story::FailedImport,
        Story::WebImport,
        Story::ConvertedImport,
        Story::Copy,
        Story::UndoneCopy,
        Story::CopyOnOneBackend,
        Story::Delete,
        Story::DeleteInUse,
        Story::DeleteFromStore
    )]
    story: Story,
) {
    die_everywhere(story);
}
