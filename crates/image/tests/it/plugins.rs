// SPDX-License-Identifier: Apache-2.0
//! Import plugins: what stores get, what the image says of it, and what is refused.

use std::io::{Cursor, Write};
use std::path::Path;

use scurry_formats::{
    Conversion, DiskFormat, Inspector, OutputFormat, Piece, open_for_conversion, read_for_conversion,
};
use scurry_image::{Caller, Image, ImageService, ImportMethod, ImportPlugin, ImportRequest, NewImage, Task};
use scurry_types::{ImageStatus, TaskStatus};
use zip::write::SimpleFileOptions;

use crate::addresses::Answer;
use crate::world::*;

fn world(steps: &[ImportPlugin]) -> World {
    let mut world = World::new();
    world.settings.import_plugins.steps = steps.to_vec();
    world
}

fn of(disk: &str, container: &str) -> NewImage {
    NewImage { disk_format: Some(disk.to_owned()), container_format: Some(container.to_owned()), ..raw() }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[&[u8]]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (number, bytes) in members.iter().enumerate() {
        archive.start_file(number.to_string(), SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A disk of whole sectors.
fn disk() -> Vec<u8> {
    let mut disk = content();
    disk.resize(3_000_320, 7);
    disk
}

pub(crate) fn as_image(disk: &[u8], format: OutputFormat) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), disk).unwrap();
    let reader = open_for_conversion(file.path(), DiskFormat::Raw).unwrap();
    let pieces: Result<Vec<_>, _> = Conversion::new(reader, format).unwrap().collect();
    let in_memory = |piece| match piece {
        Piece::Data(data) => data,
        Piece::Zeroes(len) => vec![0; len as usize],
    };
    pieces.unwrap().into_iter().flat_map(in_memory).collect()
}

fn as_disk(image: &[u8], format: DiskFormat) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(image).unwrap();
    let reader = read_for_conversion(file, Path::new("image"), format).unwrap();
    let mut disk = vec![0; reader.len() as usize];
    reader.read_at(&mut disk, 0).unwrap();
    disk
}

async fn import_staged(service: &ImageService, who: &Caller, new: NewImage, bytes: &[u8]) -> (Image, Task) {
    let image = service.create(who, new).await.unwrap();
    service.stage(who, &image.id, None, body(bytes)).await.unwrap();
    let request = ImportRequest { all_stores: true, ..import(ImportMethod::GlanceDirect, &[]) };
    let task = service.import(who, &image.id, request).await.unwrap().unwrap();
    let task = ended(service, &task).await;
    (service.get(who, &image.id).await.unwrap(), task)
}

/// Imports into all stores; gives the image and what every one of them holds.
async fn imported(world: &World, new: NewImage, bytes: &[u8]) -> (Image, Vec<u8>) {
    let service = world.start().await;
    let (image, task) = import_staged(&service, &caller("p"), new, bytes).await;
    assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
    assert_eq!(image.status, ImageStatus::Active);
    let stores = world.stores.iter().zip(&image.locations);
    let mut held: Vec<_> = stores.map(|(store, location)| store.content(&location.url).unwrap()).collect();
    held.dedup();
    assert_eq!(held.len(), 1, "all stores hold the same");
    service.shutdown().await;
    world.check().await;
    nothing_left(world);
    let held = held.remove(0);
    assert_eq!(image.size, Some(held.len() as u64));
    (image, held)
}

fn nothing_left(world: &World) {
    assert_eq!(
        std::fs::read_dir(&world.settings.staging_dir).unwrap().count(),
        0,
        "the staging area is empty"
    );
}

/// The message of an import that must fail; nothing of it stays.
async fn refused(world: &World, new: NewImage, bytes: &[u8]) -> String {
    let service = world.start().await;
    let wanted = (new.disk_format.clone(), new.container_format.clone());
    let (image, task) = import_staged(&service, &caller("p"), new, bytes).await;
    assert_eq!(task.status, TaskStatus::Failure);
    assert_eq!(image.status, ImageStatus::Queued);
    assert_eq!((image.disk_format, image.container_format), wanted);
    service.shutdown().await;
    world.check().await;
    nothing_left(world);
    task.message
}

fn formats(image: &Image) -> (&str, &str) {
    (image.disk_format.as_deref().unwrap(), image.container_format.as_deref().unwrap())
}

#[tokio::test]
async fn what_comes_packed_is_stored_unpacked() {
    let world = world(&[ImportPlugin::NoOp, ImportPlugin::Decompression]);
    for packed in [gzip(&content()), zip(&[&content()]), content()] {
        let (image, held) = imported(&world, raw(), &packed).await;
        assert!(held == content());
        assert_eq!(image.virtual_size, Some(3_000_000));
    }
    let packed = gzip(&content());
    let (image, held) = imported(&world, of("raw", "compressed"), &packed).await;
    assert!(held == packed, "said to be compressed, it stays so");
    assert_eq!(formats(&image), ("raw", "compressed"));
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_refused() {
    let world = world(&[ImportPlugin::Decompression]);
    let packed = gzip(&disk());
    let cut_off = refused(&world, raw(), &packed[..packed.len() / 2]).await;
    assert!(cut_off.starts_with("the image cannot be decompressed: "), "{cut_off}");
    let several = refused(&world, raw(), &zip(&[b"one", b"two"])).await;
    assert_eq!(several, "the image cannot be decompressed: Archive contains more than one file.");
    let hidden = refused(&world, raw(), &gzip(&as_image(&disk(), OutputFormat::Qcow2))).await;
    assert_eq!(hidden, "Image disk_format raw does not match stream data qcow2");
}

#[tokio::test]
async fn bombs_end_at_the_cap() {
    for steps in
        [&[ImportPlugin::Decompression][..], &[ImportPlugin::Decompression, ImportPlugin::Conversion]]
    {
        let mut world = world(steps);
        world.settings.image_size_cap = 1 << 20;
        let bomb = vec![0; 64 << 20];
        for packed in [gzip(&bomb), zip(&[&bomb])] {
            for format in ["raw", "qcow2"] {
                let message = refused(&world, of(format, "bare"), &packed).await;
                assert!(message.ends_with("image is too large."), "{message}");
            }
        }
    }
    let mut world = world(&[ImportPlugin::Conversion]);
    world.settings.image_size_cap = 1 << 20;
    let small_file = as_image(&vec![0; 64 << 20], OutputFormat::Qcow2);
    assert!(small_file.len() < 1 << 20);
    let message = refused(&world, of("qcow2", "bare"), &small_file).await;
    assert_eq!(message, "The converted image is too large.");
}

#[tokio::test]
async fn disks_of_other_formats_become_raw() {
    let world = world(&[ImportPlugin::Decompression, ImportPlugin::Conversion]);
    for (format, container) in [(OutputFormat::Qcow2, "bare"), (OutputFormat::Vmdk, "ovf")] {
        let source = as_image(&disk(), format);
        for bytes in [&source, &gzip(&source), &zip(&[&source])] {
            let (image, held) = imported(&world, of(&format.to_string(), container), bytes).await;
            assert!(held == disk());
            assert_eq!(formats(&image), ("raw", "bare"));
            assert_eq!((image.size, image.virtual_size), (Some(3_000_320), Some(3_000_320)));
        }
    }
    let (image, held) = imported(&world, raw(), &disk()).await;
    assert!(held == disk());
    assert_eq!(formats(&image), ("raw", "bare"));
}

#[tokio::test]
async fn raw_disks_become_what_the_operator_wants() {
    for (output, found) in [(OutputFormat::Qcow2, DiskFormat::Qcow2), (OutputFormat::Vmdk, DiskFormat::Vmdk)]
    {
        let mut world = world(&[ImportPlugin::Conversion]);
        world.settings.import_plugins.output_format = output;
        let (image, held) = imported(&world, raw(), &disk()).await;
        assert_eq!(formats(&image), (found.as_str(), "bare"));
        assert_eq!(image.virtual_size, Some(3_000_320));
        assert_eq!(Inspector::inspect(&held[..]).unwrap().format(), Some(found));
        assert!(as_disk(&held, found) == disk());
        let (_, again) = imported(&world, of(found.as_str(), "bare"), &held).await;
        assert!(again == held, "what is as it shall be is kept");
    }
}

#[tokio::test]
async fn discs_and_kernels_stay_as_they_are() {
    let world = world(&[ImportPlugin::Conversion]);
    let mut disc = vec![0; 100 << 10];
    disc[32_768..32_775].copy_from_slice(b"\x01CD001\x01");
    let (image, held) = imported(&world, of("iso", "bare"), &disc).await;
    assert!(held == disc);
    assert_eq!(formats(&image), ("iso", "bare"));
    let (image, held) = imported(&world, of("aki", "aki"), b"a kernel").await;
    assert_eq!((formats(&image), held.as_slice()), (("aki", "aki"), &b"a kernel"[..]));
}

#[tokio::test]
async fn nothing_is_converted_that_is_not_safe_or_not_what_it_says() {
    let mut world = world(&[ImportPlugin::Conversion]);
    world.settings.require_image_format_match = false;
    let mismatch = refused(&world, of("vmdk", "bare"), &as_image(&disk(), OutputFormat::Qcow2)).await;
    assert_eq!(mismatch, "Image disk_format vmdk does not match stream data qcow2");
    let mismatch = refused(&world, raw(), &as_image(&disk(), OutputFormat::Qcow2)).await;
    assert_eq!(mismatch, "Image disk_format raw does not match stream data qcow2");
    let mut backed = as_image(&disk(), OutputFormat::Qcow2);
    backed[8..20].copy_from_slice(&[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 11]);
    backed[256..267].copy_from_slice(b"/etc/passwd");
    let unsafe_one = refused(&world, of("qcow2", "bare"), &backed).await;
    assert_eq!(unsafe_one, "Image failed safety checks: backing_file (the image has a backing file)");
    let inside = as_image(&as_image(&disk(), OutputFormat::Qcow2), OutputFormat::Qcow2);
    let nested = refused(&world, of("qcow2", "bare"), &inside).await;
    assert_eq!(nested, "Image disk_format raw does not match stream data qcow2");
    let cut_off = as_image(&disk(), OutputFormat::Vmdk);
    let cut_off = refused(&world, of("vmdk", "bare"), &cut_off[..cut_off.len() - 70_000]).await;
    assert_eq!(cut_off, "the image cannot be converted: its header or tables are damaged or cut off");
    let unknown = refused(&world, of("ploop", "bare"), &disk()).await;
    assert_eq!(unknown, "images of format ploop cannot be converted");
}

#[tokio::test]
async fn properties_are_put_on_unless_a_role_is_spared() {
    let mut world = world(&[ImportPlugin::InjectMetadata]);
    let inject = [("os_require_quiesce", "yes"), ("hw_disk_bus", "scsi")];
    world.settings.import_plugins.inject =
        inject.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let service = world.start().await;
    let new = || NewImage { properties: [("hw_disk_bus".to_owned(), "ide".to_owned())].into(), ..raw() };
    let (image, _) = import_staged(&service, &caller("p"), new(), &content()).await;
    assert_eq!(
        (image.properties["hw_disk_bus"].as_str(), image.properties["os_require_quiesce"].as_str()),
        ("scsi", "yes")
    );
    let spared = Caller { roles: vec!["member".to_owned(), "admin".to_owned()], ..caller("p") };
    let (image, _) = import_staged(&service, &spared, new(), &content()).await;
    assert_eq!(image.properties["hw_disk_bus"], "ide");
    assert!(!image.properties.contains_key("os_require_quiesce"));
    let copied = service.create(&caller("p"), new()).await.unwrap();
    service.upload(&caller("p"), &copied.id, to("one"), body(&content())).await.unwrap();
    let request = import(ImportMethod::CopyImage, &["two"]);
    let task = service.import(&caller("p"), &copied.id, request).await.unwrap().unwrap();
    assert_eq!(ended(&service, &task).await.status, TaskStatus::Success);
    let copied = service.get(&caller("p"), &copied.id).await.unwrap();
    assert_eq!(copied.properties["hw_disk_bus"], "ide", "plugins are not for copies");
    service.shutdown().await;
    world.check().await;
}

#[tokio::test]
async fn what_comes_from_an_address_is_prepared_as_well() {
    let world = world(&[ImportPlugin::Decompression, ImportPlugin::Conversion]);
    let service = world.start().await;
    let source = as_image(&disk(), OutputFormat::Qcow2);
    for bytes in [source.clone(), gzip(&source), zip(&[&source])] {
        let image = service.create(&caller("p"), of("qcow2", "bare")).await.unwrap();
        let half = bytes[..bytes.len() / 2].to_vec();
        world.outbound.then(Addresses::IMAGE, Answer::Broken(half, bytes.len() as u64));
        world.outbound.then(Addresses::IMAGE, Answer::Unannounced(bytes));
        let method = ImportMethod::WebDownload { uri: Addresses::IMAGE.to_owned() };
        let task = service.import(&caller("p"), &image.id, import(method, &["one"])).await.unwrap().unwrap();
        let task = ended(&service, &task).await;
        assert_eq!(task.status, TaskStatus::Success, "{}", task.message);
        let image = service.get(&caller("p"), &image.id).await.unwrap();
        assert_eq!((formats(&image), image.size), (("raw", "bare"), Some(3_000_320)));
        assert!(world.stores[0].content(&image.locations[0].url).unwrap() == disk());
    }
    assert_eq!(world.outbound.asked().len(), 6, "what breaks off is asked for again");
    service.shutdown().await;
    world.check().await;
    nothing_left(&world);
}

#[tokio::test]
async fn an_address_without_end_stops_at_the_cap() {
    for steps in [[ImportPlugin::Conversion], [ImportPlugin::Decompression]] {
        let mut world = world(&steps);
        world.settings.image_size_cap = 1 << 20;
        let service = world.start().await;
        let image = service.create(&caller("p"), of("qcow2", "bare")).await.unwrap();
        world.outbound.then(Addresses::IMAGE, Answer::Endless);
        let method = ImportMethod::WebDownload { uri: Addresses::IMAGE.to_owned() };
        let task = service.import(&caller("p"), &image.id, import(method, &["one"])).await.unwrap().unwrap();
        let task = ended(&service, &task).await;
        assert!(task.message.ends_with("image is too large."), "{}", task.message);
        service.shutdown().await;
        world.check().await;
    }
}
