// SPDX-License-Identifier: Apache-2.0
//! Disks against one in memory: limits, faults, unaligned ranges.

mod faults;

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    DiskError,
    fake::{Fake, Misfortune, Shape},
};

const READ: u8 = 0x88;
const WRITE: u8 = 0x8a;
const WRITE_SAME: u8 = 0x93;
const UNMAP: u8 = 0x42;

#[tokio::test]
async fn a_read_of_many_commands_is_not_copied_together() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    let data: Vec<u8> = (0..512 * 1000).map(|at| (at / 700) as u8).collect();
    disk.write(0, Bytes::from(data.clone())).await.unwrap();
    let read = disk.read(0, data.len()).await.unwrap();
    assert_eq!(read, data);
    let buffers = std::mem::take(&mut fake.state().buffers);
    assert_eq!(buffers.len(), 1000_usize.div_ceil(64));
    let start = read.as_ptr().addr();
    assert!(buffers.iter().all(|at| (start..start + data.len()).contains(at)));
    // A try that was lost takes its buffer along; the data is the same.
    fake.script([Misfortune::Lost, Misfortune::Status(0x28)]);
    assert_eq!(disk.read(0, data.len()).await.unwrap(), data);
}

#[tokio::test]
async fn a_disk_is_known_when_it_is_open() {
    let disk = Fake::new(Shape::default()).open().await.unwrap();
    assert_eq!((disk.len(), disk.block_len()), (2 << 20, 512));
    assert!(disk.fresh_is_zero() && disk.deallocates() && !disk.is_write_protected());
    assert_eq!(disk.identity().unwrap().to_string(), "6001020304050607");
    assert_eq!(disk.inquiry().vendor, "FAKE");
    let plain =
        Shape { pages: vec![0, 0x80], lbpme: false, lbprz: false, transfer: 2048, ..Shape::default() };
    let disk = Fake::new(plain).open().await.unwrap();
    assert!(!disk.fresh_is_zero() && !disk.deallocates());
    assert_eq!(disk.identity().unwrap().to_string(), "serial");
}

#[tokio::test]
async fn zeroes_are_promised_only_by_thin_disks_that_say_so_twice() {
    for shape in [
        Shape { thin: false, ..Shape::default() },
        Shape { lbprz: false, ..Shape::default() },
        Shape { lbpme: false, ..Shape::default() },
        Shape { provisioning: 0xc0, ..Shape::default() },
    ] {
        assert!(!Fake::new(shape.clone()).open().await.unwrap().fresh_is_zero(), "{shape:?}");
    }
}

#[tokio::test]
async fn what_is_no_disk_is_refused() {
    for (kind, text) in [
        (0x7f, "there is no LUN 0 at the target"),
        (0x20, "there is no LUN 0 at the target"),
        (0x05, "LUN 0 is no disk but a device of type 0x05"),
    ] {
        let shape = Shape { qualifier_and_type: kind, ..Shape::default() };
        assert_eq!(Fake::new(shape).open().await.unwrap_err().to_string(), text);
    }
}

#[tokio::test]
async fn a_write_protected_disk_is_only_read() {
    let fake = Fake::new(Shape { write_protected: true, ..Shape::default() });
    let disk = fake.open().await.unwrap();
    assert!(disk.is_write_protected());
    disk.read(0, 100).await.unwrap();
    disk.flush().await.unwrap();
    let refused = disk.write(0, Bytes::from_static(b"x")).await;
    assert!(matches!(refused, Err(DiskError::WriteProtected(_))));
    assert!(matches!(disk.write_zeroes(0, 4096).await, Err(DiskError::WriteProtected(_))));
    assert_eq!(fake.count(WRITE) + fake.count(WRITE_SAME), 0);
    // Without mode pages nobody says so.
    let shape = Shape { write_protected: true, unknown: vec![0x1a], ..Shape::default() };
    assert!(!Fake::new(shape).open().await.unwrap().is_write_protected());
}

#[tokio::test]
async fn transfers_keep_to_the_limit() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    let data: Bytes = (0..200_000_u32).map(|n| (n / 7) as u8).collect::<Vec<_>>().into();
    disk.write(512 * 3, data.clone()).await.unwrap();
    assert_eq!(disk.read(512 * 3, data.len()).await.unwrap(), data);
    // The fake refuses longer ones; these are as few as can be, and one block read for the tail.
    assert_eq!(fake.count(WRITE), 7);
    assert_eq!(fake.count(READ), 8);
}

#[tokio::test]
async fn zeroing_deallocates_where_that_is_promised() {
    let fake = Fake::new(Shape::default());
    let disk = fake.open().await.unwrap();
    disk.write(0, vec![1; 2 << 20].into()).await.unwrap();
    disk.write_zeroes(100, (1 << 20) - 150).await.unwrap();
    assert_eq!(fake.data()[..100], [1; 100]);
    assert!(fake.data()[100..(1 << 20) - 50].iter().all(|byte| *byte == 0));
    assert!(fake.data()[(1 << 20) - 50..].iter().all(|byte| *byte == 1));
    assert!(fake.state().mapped[1..2047].iter().all(|mapped| !mapped));
    assert!(fake.count(WRITE_SAME) >= 5);
    let extents = disk.extents(0..2 << 20).await.unwrap();
    let told: Vec<_> = extents.iter().map(|e| (e.offset, e.len, e.data)).collect();
    assert_eq!(told, [(0, 512, true), (512, 2046 * 512, false), (2047 * 512, 2049 * 512, true)]);
    let part = disk.extents(600..700).await.unwrap();
    assert_eq!(part.iter().map(|e| (e.offset, e.len, e.data)).collect::<Vec<_>>(), [(600, 100, false)]);
}

#[tokio::test]
async fn unmap_is_looked_after() {
    for ignores_unmap in [false, true] {
        let fake = Fake::new(Shape { provisioning: 0x84, ignores_unmap, ..Shape::default() });
        let disk = fake.open().await.unwrap();
        disk.write(0, vec![1; 2 << 20].into()).await.unwrap();
        disk.write_zeroes(512, (2 << 20) - 512).await.unwrap();
        assert!(fake.data()[512..].iter().all(|byte| *byte == 0));
        assert!(fake.count(UNMAP) >= 4);
        // The granules begin at block 3 and end at 4091.
        let mapped: Vec<_> = fake.state().mapped.clone();
        assert!(mapped[..3].iter().chain(&mapped[4091..]).all(|mapped| *mapped));
        assert!(mapped[3..4091].iter().all(|mapped| *mapped == ignores_unmap));
    }
}

#[tokio::test]
async fn zeroing_takes_the_next_way_when_one_is_unknown() {
    let thick = Shape { lbpme: false, lbprz: false, provisioning: 0, thin: false, ..Shape::default() };
    for (shape, same, unmap) in [
        (Shape { unknown: vec![0x93], ..Shape::default() }, 1, true),
        (Shape { unknown: vec![0x93, 0x42], ..Shape::default() }, 2, true),
        (Shape { unknown: vec![0x93], provisioning: 0x44, ..Shape::default() }, 2, false),
        (Shape { unknown: vec![0x93], ..thick.clone() }, 1, false),
        (thick, 9, false),
    ] {
        let fake = Fake::new(shape.clone());
        let disk = fake.open().await.unwrap();
        disk.write(0, vec![1; 2 << 20].into()).await.unwrap();
        let writes = fake.count(WRITE);
        disk.write_zeroes(0, 2 << 20).await.unwrap();
        assert!(fake.data().iter().all(|byte| *byte == 0), "{shape:?}");
        assert_eq!(fake.count(UNMAP) > 0, unmap, "{shape:?}");
        assert_eq!(fake.count(WRITE) > writes, shape.unknown.contains(&0x93), "{shape:?}");
        let tried = fake.count(WRITE_SAME);
        assert!(tried >= same, "{tried} {shape:?}");
        disk.write_zeroes(0, 4096).await.unwrap();
        let once_more = usize::from(!shape.unknown.contains(&0x93));
        assert_eq!(fake.count(WRITE_SAME), tried + once_more, "{shape:?}");
    }
}

#[tokio::test]
async fn a_disk_that_cannot_tell_has_nothing_but_data() {
    let fake = Fake::new(Shape { unknown: vec![0x129e], ..Shape::default() });
    let disk = fake.open().await.unwrap();
    for _ in 0..2 {
        let extents = disk.extents(10..2 << 20).await.unwrap();
        assert_eq!(
            extents.iter().map(|e| (e.offset, e.len, e.data)).collect::<Vec<_>>(),
            [(10, (2 << 20) - 10, true)]
        );
    }
    assert_eq!(fake.state().log.iter().filter(|cdb| cdb[..2] == [0x9e, 0x12]).count(), 1);
    assert_eq!(disk.extents(5..5).await.unwrap(), []);
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, usize, u8),
    Zero(usize, usize),
    Read(usize, usize),
}

fn steps(len: usize) -> impl Strategy<Value = Vec<Step>> {
    let range = (0..len, 0..len).prop_map(move |(a, b)| (a.min(b), a.max(b) - a.min(b)));
    let step = prop_oneof![
        (range.clone(), 1_u8..).prop_map(|((at, len), byte)| Step::Write(at, len, byte)),
        range.clone().prop_map(|(at, len)| Step::Zero(at, len)),
        range.prop_map(|(at, len)| Step::Read(at, len)),
    ];
    proptest::collection::vec(step, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_bytes_are_what_they_should_be(
        steps in steps(40 * 4096), big in any::<bool>(), provisioning in prop_oneof![Just(0xc4_u8), Just(0x84), Just(0)],
    ) {
        let (block_len, blocks) = if big { (4096, 40) } else { (512, 320) };
        let fake = Fake::new(Shape { block_len, blocks, provisioning, transfer: 16, ..Shape::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let disk = fake.open().await.unwrap();
            let mut model = vec![0; 40 * 4096];
            for step in steps {
                match step {
                    Step::Write(at, len, byte) => {
                        model[at..at + len].fill(byte);
                        disk.write(at as u64, vec![byte; len].into()).await.unwrap();
                    }
                    Step::Zero(at, len) => {
                        model[at..at + len].fill(0);
                        disk.write_zeroes(at as u64, len as u64).await.unwrap();
                    }
                    Step::Read(at, len) => {
                        assert_eq!(disk.read(at as u64, len).await.unwrap(), &model[at..at + len]);
                        let extents = disk.extents(at as u64..(at + len) as u64).await.unwrap();
                        let mut next = at as u64;
                        for extent in extents {
                            assert_eq!(extent.offset, next);
                            next += extent.len;
                            let bytes = &model[extent.offset as usize..next as usize];
                            assert!(extent.data || bytes.iter().all(|byte| *byte == 0));
                        }
                        assert_eq!(next, (at + len) as u64);
                    }
                }
            }
            assert_eq!(fake.data(), model);
        });
    }
}
