// SPDX-License-Identifier: Apache-2.0
//! What the target answers instead, and how often a command is tried.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    Attention, Problem,
    disk::{
        DiskError,
        fake::{
            Fake,
            Misfortune::{Lost, Sense, Silence, Status},
            Shape,
        },
        tests::{READ, WRITE},
    },
};

#[tokio::test]
async fn attentions_of_a_new_session_are_drained() {
    let fake = Fake::new(Shape::default());
    fake.script([Sense(6, 0x29, 0), Sense(6, 0x3f, 0x0e), Sense(2, 0x04, 0x01), Status(0x08)]);
    fake.open().await.unwrap();
    assert_eq!(fake.count(0), 5);
    // Not for ever.
    fake.script(std::iter::repeat_n(Sense(6, 0x2a, 0x01), 5));
    let error = fake.open().await.unwrap_err();
    assert_eq!(error.problem(), Some(Problem::Attention(Attention::Other)));
}

#[tokio::test]
async fn busy_and_aborted_commands_are_sent_again() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    fake.script([Status(0x28), Status(0x08), Sense(0xb, 0, 0), Lost, Sense(6, 0x29, 0)]);
    disk.write(0, Bytes::from(vec![7; 512])).await.unwrap();
    assert_eq!((fake.count(WRITE), fake.data()[..512] == [7; 512]), (6, true));
    fake.script([Lost, Status(0x40), Lost]);
    let error = disk.read(0, 512).await.unwrap_err();
    assert_eq!(error.to_string(), "READ to LUN 0 got no answer");
    assert_eq!(fake.count(READ), 3);
}

#[tokio::test]
async fn lasting_faults_are_told_at_once_and_in_plain_words() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    for (misfortune, text) in [
        (Sense(3, 0x11, 0), "WRITE to LUN 0 failed: medium error"),
        (Sense(4, 0x44, 0), "WRITE to LUN 0 failed: hardware error"),
        (Sense(5, 0x25, 0), "WRITE to LUN 0 failed: there is no such logical unit"),
        (Sense(7, 0x27, 0), "WRITE to LUN 0 failed: the disk is write-protected"),
        (Sense(7, 0x27, 7), "WRITE to LUN 0 failed: the pool behind the thin disk is full"),
        (Status(0x18), "WRITE to LUN 0 failed: the disk is reserved by another initiator"),
        (Sense(9, 0x80, 1), "WRITE to LUN 0 failed: vendor's sense, asc 80/01"),
    ] {
        let before = fake.count(WRITE);
        fake.script([misfortune]);
        let error = disk.write(0, Bytes::from(vec![7; 512])).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(fake.count(WRITE), before + 1);
    }
    fake.script([Sense(5, 0x25, 0)]);
    assert!(matches!(fake.open().await, Err(DiskError::NoUnit(_))));
}

#[tokio::test]
async fn silence_and_being_busy_end() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open_for(Duration::from_millis(100)).await.unwrap();
    fake.script([Silence]);
    let error = disk.read(0, 512).await.unwrap_err();
    assert!(matches!(error, DiskError::Transport { .. }), "{error:?}");
    fake.script(std::iter::repeat_n(Status(0x08), 1 << 16));
    let error = disk.read(0, 512).await.unwrap_err();
    assert_eq!(error.problem(), Some(Problem::Busy));
}

#[tokio::test]
async fn a_disk_that_grows_is_used_to_its_new_end() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    let error = disk.read(2 << 20, 1).await.unwrap_err();
    assert_eq!(error.to_string(), "1 bytes at 2097152 reach beyond the end of LUN 0 at 2097152");
    assert!(matches!(disk.read(u64::MAX, 1).await, Err(DiskError::OutOfBounds { .. })));
    let grow = |blocks| {
        let mut state = fake.state();
        state.mapped.resize(blocks, false);
        state.data.resize(blocks * 512, 0);
    };
    // The target says so with the next command …
    grow(5000);
    fake.script([Sense(6, 0x2a, 0x09)]);
    disk.write(0, Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(disk.len(), 5000 * 512);
    // … or we look when a range does not fit.
    grow(6000);
    disk.write(5999 * 512, Bytes::from(vec![1; 512])).await.unwrap();
    assert_eq!(disk.len(), 6000 * 512);
    // One that shrank refuses, and is known to be shorter then.
    grow(4000);
    let error = disk.read(5999 * 512, 512).await.unwrap_err();
    assert_eq!(error.problem(), Some(Problem::OutOfRange));
    assert_eq!(disk.len(), 4000 * 512);
}

#[tokio::test]
async fn a_disk_without_a_cache_needs_no_flush() {
    let fake = Fake::new(Shape { unknown: vec![0x91], ..Shape::default() });
    fake.open().await.unwrap().flush().await.unwrap();
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    fake.script([Sense(3, 0x0c, 0)]);
    assert!(disk.flush().await.is_err());
}
