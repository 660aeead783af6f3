// SPDX-License-Identifier: Apache-2.0
//! `scurry up` that must not start: it says why, and leaves nothing behind it.

use std::net::TcpListener;

use crate::{said, scurry, text};

#[test]
fn a_port_that_is_taken_is_named_with_the_option_that_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = folder.path().join("data");
    let words = [
        "up",
        "--data-dir",
        text(&data),
        "--identity-port",
        "0",
        "--block-storage-port",
        "0",
        "--image-port",
    ];
    let up = scurry(&[&words[..], &[&port]].concat());
    assert_eq!(up.status.code(), Some(1));
    assert!(said(&up).contains(&port) && said(&up).contains("--image-port"), "{}", said(&up));
    assert!(!data.join("clouds.yaml").exists());
}

#[test]
fn a_data_directory_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let up = scurry(&["up", "--data-dir", text(&file.join("data"))]);
    assert_eq!(up.status.code(), Some(1));
    assert!(said(&up).contains("--data-dir"), "{}", said(&up));
}
