// SPDX-License-Identifier: Apache-2.0
//! A disk in memory that speaks SCSI, with limits to choose and faults to script.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;

use super::{Disk, DiskError, Patience};
use crate::{Command, Completion, Execute, Fault, IscsiError, Lun, Transfer};

/// What happens to the next command instead of what should.
#[derive(Clone, Debug)]
pub(super) enum Misfortune {
    Status(u8),
    Sense(u8, u8, u8),
    Lost,
    Silence,
}

/// How the disk is made.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) block_len: usize,
    pub(super) blocks: usize,
    pub(super) qualifier_and_type: u8,
    pub(super) write_protected: bool,
    pub(super) lbpme: bool,
    pub(super) lbprz: bool,
    /// Byte 5 of page 0xB2.
    pub(super) provisioning: u8,
    pub(super) thin: bool,
    pub(super) pages: Vec<u8>,
    pub(super) transfer: u32,
    pub(super) unmap: (u32, u32),
    pub(super) granularity: (u32, u32),
    pub(super) write_same: u64,
    /// Operation codes (and for 0x9e the service action above) that the disk does not know.
    pub(super) unknown: Vec<u16>,
    /// UNMAP succeeds and does nothing.
    pub(super) ignores_unmap: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            block_len: 512,
            blocks: 4096,
            qualifier_and_type: 0,
            write_protected: false,
            lbpme: true,
            lbprz: true,
            provisioning: 0xc4,
            thin: true,
            pages: vec![0, 0x80, 0x83, 0xb0, 0xb2],
            transfer: 64,
            unmap: (1000, 4),
            granularity: (8, 3),
            write_same: 500,
            unknown: Vec::new(),
            ignores_unmap: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) shape: Shape,
    pub(super) data: Vec<u8>,
    pub(super) mapped: Vec<bool>,
    pub(super) script: VecDeque<Misfortune>,
    pub(super) log: Vec<[u8; 16]>,
    /// Where the data of reads went.
    pub(super) buffers: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Fake(Mutex<State>);

impl Fake {
    pub(super) fn new(shape: Shape) -> Arc<Self> {
        let data = vec![0; shape.block_len * shape.blocks];
        let mapped = vec![false; shape.blocks];
        Arc::new(Self(Mutex::new(State {
            shape,
            data,
            mapped,
            script: VecDeque::new(),
            log: Vec::new(),
            buffers: Vec::new(),
        })))
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn script(&self, script: impl IntoIterator<Item = Misfortune>) {
        self.state().script.extend(script);
    }

    /// How often a command was sent.
    pub(super) fn count(&self, code: u8) -> usize {
        self.state().log.iter().filter(|cdb| cdb[0] == code).count()
    }

    pub(super) fn data(&self) -> Vec<u8> {
        self.state().data.clone()
    }

    pub(super) async fn open(self: &Arc<Self>) -> Result<Disk, DiskError> {
        self.open_for(Duration::from_secs(30)).await
    }

    /// Opens a disk each command of which may take so long.
    pub(super) async fn open_for(self: &Arc<Self>, whole: Duration) -> Result<Disk, DiskError> {
        let patience = Patience {
            whole,
            attempts: 3,
            attentions: 4,
            pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
        };
        Disk::open_with(Arc::clone(self) as Arc<dyn Execute>, Lun::default(), patience).await
    }
}

#[async_trait]
impl Execute for Fake {
    async fn execute(&self, command: Command) -> Result<Completion, IscsiError> {
        let misfortune = {
            let mut state = self.state();
            state.log.push(command.cdb);
            // INQUIRY is answered in any state.
            if command.cdb[0] == 0x12 { None } else { state.script.pop_front() }
        };
        match misfortune {
            None => {
                let mut state = self.state();
                let mut completion = state.answer(&command);
                if let Transfer::ReadInto(mut buffer, _) = command.transfer {
                    buffer.clear();
                    buffer.extend_from_slice(&completion.read);
                    state.buffers.push(buffer.as_ptr().addr());
                    completion.read = buffer;
                }
                Ok(completion)
            }
            Some(Misfortune::Status(status)) => Ok(Completion { status, ..Completion::default() }),
            Some(Misfortune::Sense(key, asc, ascq)) => Ok(check(key, asc, ascq)),
            Some(Misfortune::Lost) => Err(IscsiError::ConnectionLost {
                peer: "fake".into(),
                sent: true,
                source: Arc::new(Fault::Closed),
            }),
            Some(Misfortune::Silence) => std::future::pending().await,
        }
    }
}

fn check(key: u8, asc: u8, ascq: u8) -> Completion {
    let mut sense = vec![0_u8; 18];
    (sense[0], sense[2], sense[12], sense[13]) = (0x70, key, asc, ascq);
    Completion { status: 2, sense: sense.into(), ..Completion::default() }
}

fn good(read: Vec<u8>) -> Completion {
    Completion { read: read[..].into(), ..Completion::default() }
}

impl State {
    fn answer(&mut self, command: &Command) -> Completion {
        let cdb = command.cdb;
        let code = match cdb[0] {
            0x9e => u16::from(cdb[1]) << 8 | 0x9e,
            code => code.into(),
        };
        if self.shape.unknown.contains(&code) {
            return check(5, 0x20, 0);
        }
        let lba = u64::from_be_bytes(cdb[2..10].try_into().unwrap()) as usize;
        let blocks = u32::from_be_bytes(cdb[10..14].try_into().unwrap()) as usize;
        let written: Vec<u8> = match &command.transfer {
            Transfer::Write(segments) => segments.concat(),
            _ => Vec::new(),
        };
        let blocked = matches!(cdb[0], 0x88 | 0x8a | 0x93) && lba + blocks > self.mapped.len();
        match cdb[0] {
            _ if blocked => check(5, 0x21, 0),
            0x00 | 0x91 => good(Vec::new()),
            0x12 => self.inquiry(cdb),
            0x1a => good(vec![3, 0, if self.shape.write_protected { 0x80 } else { 0 }, 0]),
            0xa0 => good([&[0, 0, 0, 8, 0, 0, 0, 0][..], &[0; 8]].concat()),
            0x9e if cdb[1] == 0x10 => self.capacity(),
            0x9e => self.lba_status(lba),
            0x88 => {
                assert!(blocks as u32 <= self.shape.transfer);
                good(self.data[lba * self.shape.block_len..][..blocks * self.shape.block_len].to_vec())
            }
            0x8a => {
                assert!(blocks as u32 <= self.shape.transfer);
                assert_eq!(written.len(), blocks * self.shape.block_len);
                self.data[lba * self.shape.block_len..][..written.len()].copy_from_slice(&written);
                self.mapped[lba..lba + blocks].fill(true);
                good(Vec::new())
            }
            0x93 => {
                assert!(blocks as u64 <= self.shape.write_same);
                assert_eq!(written, vec![0; self.shape.block_len]);
                self.zero(lba, blocks, cdb[1] & 8 != 0);
                good(Vec::new())
            }
            0x42 => self.unmap(&written),
            other => panic!("unexpected command {other:#04x}"),
        }
    }

    fn zero(&mut self, lba: usize, blocks: usize, unmap: bool) {
        self.data[lba * self.shape.block_len..][..blocks * self.shape.block_len].fill(0);
        self.mapped[lba..lba + blocks].fill(!unmap);
    }

    fn unmap(&mut self, list: &[u8]) -> Completion {
        let ranges = list[8..].chunks(16);
        assert!(ranges.len() as u32 <= self.shape.unmap.1);
        let (mut sum, (granularity, alignment)) = (0, self.shape.granularity);
        for range in ranges {
            let lba = u64::from_be_bytes(range[..8].try_into().unwrap()) as usize;
            let blocks = u32::from_be_bytes(range[8..12].try_into().unwrap());
            sum += blocks;
            assert_eq!(blocks % granularity, 0);
            assert_eq!(lba as u32 % granularity, alignment);
            if !self.shape.ignores_unmap {
                self.zero(lba, blocks as usize, true);
            }
        }
        assert!(sum <= self.shape.unmap.0);
        good(Vec::new())
    }

    fn capacity(&self) -> Completion {
        let mut data = vec![0; 32];
        data[..8].copy_from_slice(&(self.mapped.len() as u64 - 1).to_be_bytes());
        data[8..12].copy_from_slice(&(self.shape.block_len as u32).to_be_bytes());
        data[14] = u8::from(self.shape.lbpme) << 7 | u8::from(self.shape.lbprz) << 6;
        good(data)
    }

    fn lba_status(&self, from: usize) -> Completion {
        let mut data = vec![0; 8];
        let mut at = from;
        // Few at a time, so that it has to be asked again.
        for _ in 0..3 {
            let Some(mapped) = self.mapped.get(at) else { break };
            let run = self.mapped[at..].iter().take_while(|each| *each == mapped).count();
            data.extend_from_slice(&(at as u64).to_be_bytes());
            data.extend_from_slice(&(run as u32).to_be_bytes());
            data.extend_from_slice(&[u8::from(!mapped), 0, 0, 0]);
            at += run;
        }
        let length = data.len() as u32 - 4;
        data[..4].copy_from_slice(&length.to_be_bytes());
        good(data)
    }

    fn inquiry(&self, cdb: [u8; 16]) -> Completion {
        let shape = &self.shape;
        if cdb[1] == 0 {
            let mut data = vec![0; 36];
            data[0] = shape.qualifier_and_type;
            data[8..16].copy_from_slice(b"FAKE    ");
            return good(data);
        }
        let body = match cdb[2] {
            0 => shape.pages.clone(),
            code if !shape.pages.contains(&code) => return check(5, 0x24, 0),
            0x80 => b"serial".to_vec(),
            0x83 => vec![1, 3, 0, 8, 0x60, 1, 2, 3, 4, 5, 6, 7],
            0xb0 => {
                let mut body = vec![0; 60];
                body[4..8].copy_from_slice(&shape.transfer.to_be_bytes());
                body[16..20].copy_from_slice(&shape.unmap.0.to_be_bytes());
                body[20..24].copy_from_slice(&shape.unmap.1.to_be_bytes());
                body[24..28].copy_from_slice(&shape.granularity.0.to_be_bytes());
                body[28..32].copy_from_slice(&(0x8000_0000 | shape.granularity.1).to_be_bytes());
                body[32..40].copy_from_slice(&shape.write_same.to_be_bytes());
                body
            }
            _ => vec![0, shape.provisioning, if shape.thin { 2 } else { 0 }, 0],
        };
        good([&[0, cdb[2], 0, body.len() as u8][..], &body].concat())
    }
}
