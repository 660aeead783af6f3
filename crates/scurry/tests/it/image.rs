// SPDX-License-Identifier: Apache-2.0
//! `scurry image` against services of all manners: plain ones, resumable ones, and such that break off.

mod service;

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use scurry_formats::{Conversion, DiskFormat, OutputFormat, Piece, read_for_conversion};
use serde_json::Value;
use service::{ID, Manners, Service};

use crate::{said, text};

const MIB: usize = 1 << 20;

/// A disk of 21 MiB and a bit: data at the beginning, in the middle, and at the end, holes between.
fn disk(folder: &Path) -> (PathBuf, Vec<u8>) {
    let path = folder.join("disk.img");
    let file = File::create(&path).unwrap();
    let pattern: Vec<u8> = (0..3 * MIB).map(|n| (n % 251) as u8 + 1).collect();
    file.write_all_at(&pattern, 0).unwrap();
    file.write_all_at(&pattern, (9 * MIB) as u64 + 77).unwrap();
    file.write_all_at(&pattern[..1000], (21 * MIB) as u64).unwrap();
    (path.clone(), std::fs::read(&path).unwrap())
}

fn command(service: &Service, folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scurry"));
    command
        .arg("image")
        .args(words)
        .args(["--image-endpoint", &service.address, "--token", "t"])
        .env("XDG_STATE_HOME", folder)
        .env_remove("OS_CLOUD");
    command
}

async fn run(service: &Service, folder: &Path, words: &[&str]) -> Output {
    let mut command = command(service, folder, words);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_data_travels_and_breaks_are_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes) = disk(folder.path());
    let service =
        Service::start(Manners { resumable: true, breaks: (3, 1 << 20), ..Manners::default() }).await;
    let output =
        run(&service, folder.path(), &["upload", text(&path), "--json", "--property", "os_distro=x"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let held = service.held.lock().unwrap();
    assert!(held.data == bytes);
    assert!(held.wire < 8 << 20, "{} bytes travelled", held.wire);
    assert_eq!((&held.record["name"], &held.record["os_distro"]), (&"disk.img".into(), &"x".into()));
    assert_eq!(held.lines.iter().filter(|line| *line == "PATCH").count(), 3);
    let events = events(&output);
    let done = events.last().unwrap();
    assert_eq!(
        (&done["event"], &done["verified"], &done["image"]),
        (&"done".into(), &"blake3-4m".into(), &ID.into())
    );
    assert_eq!(events.iter().filter(|event| event["event"] == "retry").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn glance_gets_a_plain_upload_again_after_a_break() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes) = disk(folder.path());
    let service = Service::start(Manners { breaks: (1, 1 << 20), ..Manners::default() }).await;
    let output =
        run(&service, folder.path(), &["upload", text(&path), "--json", "--stores", "first,second,third"])
            .await;
    assert!(output.status.success(), "{}", said(&output));
    let held = service.held.lock().unwrap();
    assert!(held.data == bytes);
    assert_eq!(held.record["stores"], "first,second,third");
    assert_eq!(events(&output).last().unwrap()["verified"], "sha512");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes) = disk(folder.path());
    let service = Service::start(Manners { resumable: true, pause: 20, ..Manners::default() }).await;
    let mut first = command(&service, folder.path(), &["upload", text(&path), "--quiet"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while service.held.lock().unwrap().wire < 2 << 20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    service.manners.lock().unwrap().pause = 0;
    let output = run(&service, folder.path(), &["upload", text(&path), "--resume", "--quiet"]).await;
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), ID);
    let held = service.held.lock().unwrap();
    assert!(held.data == bytes);
    assert_eq!(held.lines.iter().filter(|line| *line == "create").count(), 1);
    assert!(held.wire < 8 << 20, "{} bytes travelled", held.wire);
}

/// The disk as a qcow2 file.
fn qcow2(raw: &Path) -> PathBuf {
    let disk = read_for_conversion(File::open(raw).unwrap(), raw, DiskFormat::Raw).unwrap();
    let path = raw.with_extension("qcow2");
    let mut file = File::create(&path).unwrap();
    for piece in Conversion::new(disk, OutputFormat::Qcow2).unwrap() {
        match piece.unwrap() {
            Piece::Data(data) => file.write_all(&data).unwrap(),
            Piece::Zeroes(len) => file.write_all(&vec![0; len as usize]).unwrap(),
        }
    }
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_is_found_and_a_disk_is_converted() {
    let folder = tempfile::tempdir().unwrap();
    let (raw, bytes) = disk(folder.path());
    let path = qcow2(&raw);
    let service = Service::start(Manners { resumable: true, ..Manners::default() }).await;
    let output = run(&service, folder.path(), &["upload", text(&path), "--convert", "raw"]).await;
    assert!(output.status.success(), "{}", said(&output));
    {
        let held = service.held.lock().unwrap();
        assert_eq!(held.record["disk_format"], "raw");
        // A disk is whole sectors.
        assert!(held.data[..bytes.len()] == bytes && held.data.len() - bytes.len() < 512);
        assert!(held.wire < 8 << 20, "{} bytes travelled", held.wire);
    }
    let service = Service::start(Manners::default()).await;
    let output = run(&service, folder.path(), &["upload", text(&path)]).await;
    assert!(output.status.success(), "{}", said(&output));
    let held = service.held.lock().unwrap();
    assert_eq!(held.record["disk_format"], "qcow2");
    assert!(held.data == std::fs::read(&path).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_is_not_taken_for_the_one_that_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = disk(folder.path());
    let service =
        Service::start(Manners { resumable: true, breaks: (9, 1 << 20), ..Manners::default() }).await;
    let stopped = run(&service, folder.path(), &["upload", text(&path), "--retries", "0"]).await;
    assert!(!stopped.status.success());
    assert!(said(&stopped).contains(&format!("--image {ID}")), "{}", said(&stopped));
    std::fs::write(&path, b"shorter").unwrap();
    let refused = run(&service, folder.path(), &["upload", text(&path), "--image", ID]).await;
    assert!(!refused.status.success());
    assert!(said(&refused).contains("another file"), "{}", said(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_upload_is_noticed_by_either_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = disk(folder.path());
    for resumable in [true, false] {
        let service = Service::start(Manners { resumable, corrupts: true, ..Manners::default() }).await;
        let output = run(&service, folder.path(), &["upload", text(&path)]).await;
        assert!(!output.status.success());
        assert!(said(&output).contains("openstack image delete"), "{}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_lengths_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd");
    for resumable in [true, false] {
        for len in [0, 1, 511, 4 * MIB, 4 * MIB + 1] {
            let bytes: Vec<u8> = (0..len).map(|n| (n % 13) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let service = Service::start(Manners { resumable, ..Manners::default() }).await;
            let output = run(&service, folder.path(), &["upload", text(&path)]).await;
            assert!(output.status.success(), "{len}: {}", said(&output));
            assert!(service.held.lock().unwrap().data == bytes, "{len}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_are_sparse_verified_and_survive_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = disk(folder.path());
    for ranges in [true, false] {
        let service = Service::start(Manners { ranges, breaks: (3, 1 << 20), ..Manners::default() }).await;
        service.hold(&bytes);
        let to = folder.path().join(format!("copy-{ranges}"));
        let output = run(&service, folder.path(), &["download", "held", "--file", text(&to), "--json"]).await;
        assert!(output.status.success(), "{}", said(&output));
        assert!(std::fs::read(&to).unwrap() == bytes);
        assert!(std::fs::metadata(&to).unwrap().blocks() * 512 < 8 << 20);
        assert_eq!(events(&output).last().unwrap()["verified"], "sha512");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_of_a_download_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = disk(folder.path());
    let service = Service::start(Manners { ranges: true, ..Manners::default() }).await;
    service.hold(&bytes);
    let to = folder.path().join("copy");
    let part = folder.path().join(format!("copy.{ID}.part"));
    std::fs::write(&part, &bytes[..20 * MIB]).unwrap();
    let output = run(&service, folder.path(), &["download", ID, "--file", text(&to), "--resume"]).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(std::fs::read(&to).unwrap() == bytes && !part.exists());
    assert_eq!(service.held.lock().unwrap().lines, ["GET"]);

    // What is there may be wrong: nothing of it is kept then.
    std::fs::remove_file(&to).unwrap();
    std::fs::write(&part, vec![9; MIB]).unwrap();
    let output = run(&service, folder.path(), &["download", ID, "--file", text(&to), "--resume"]).await;
    assert!(!output.status.success());
    assert!(!to.exists() && !part.exists(), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_output_gets_the_data_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = disk(folder.path());
    let service = Service::start(Manners { ranges: true, ..Manners::default() }).await;
    service.hold(&bytes);
    let output = run(&service, folder.path(), &["download", ID, "--file", "-", "--json"]).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stdout == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_sent_makes_no_image() {
    for (resumable, len) in [(true, 5 << 20), (true, 40 << 20), (false, 5 << 20), (false, 40 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = disk(folder.path());
        let resizes = Some((path.clone(), len));
        let service = Service::start(Manners { resumable, resizes, pause: 1, ..Manners::default() }).await;
        let output = run(&service, folder.path(), &["upload", text(&path), "--disk-format", "raw"]).await;
        assert!(!output.status.success(), "{}", said(&output));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("changed while it was sent") && told.contains("is deleted"), "{told}");
        let held = service.held.lock().unwrap();
        assert_eq!(held.lines.last().unwrap(), &format!("delete {ID}"));
    }
}
