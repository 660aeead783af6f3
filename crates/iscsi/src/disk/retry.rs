// SPDX-License-Identifier: Apache-2.0
//! One command to its end: again while that may help, and never for ever.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{Disk, DiskError};
use crate::{
    Attention, Command, Completion, Execute, IscsiError, Lun, Problem, Transfer,
    scsi::{capacity, capacity::Capacity, cdb},
};

/// How often and how long a command is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first try to the last answer.
    pub whole: Duration,
    /// Tries of a command that the target aborts or does not answer.
    pub attempts: u32,
    /// Unit attentions in a row: after a login a target has one or two.
    pub attentions: u32,
    /// The first pause when the target is busy; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            whole: Duration::from_secs(180),
            attempts: 4,
            attentions: 16,
            pause: Duration::from_millis(20),
            longest_pause: Duration::from_secs(2),
        }
    }
}

/// A command with its name for messages.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: &'static str,
    pub(super) cdb: cdb::Cdb,
    pub(super) transfer: Transfer,
}

impl Request {
    pub(super) fn new(name: &'static str, cdb: cdb::Cdb, transfer: Transfer) -> Self {
        Self { name, cdb, transfer }
    }

    /// The data of the next try.
    fn transfer(&mut self) -> Transfer {
        let again = self.transfer.again();
        std::mem::replace(&mut self.transfer, again)
    }
}

/// What is left of the patience with one command.
struct Tries {
    patience: Patience,
    end: Instant,
    failures: u32,
    attentions: u32,
    pause: Duration,
}

/// Sends a command until it is carried out. `changed` hears that the disk may have another size.
pub(super) async fn carry_out(
    unit: &Arc<dyn Execute>,
    lun: Lun,
    patience: Patience,
    mut request: Request,
    mut changed: impl FnMut(),
) -> Result<Completion, DiskError> {
    let mut tries = Tries {
        patience,
        end: Instant::now() + patience.whole,
        failures: 0,
        attentions: 0,
        pause: patience.pause,
    };
    loop {
        // All commands of a disk say which blocks: carried out twice they leave what they leave once.
        let command = Command { lun, cdb: request.cdb, transfer: request.transfer(), idempotent: true };
        let answer = timeout_at(tries.end, unit.execute(command)).await.unwrap_or_else(|_| {
            let peer = "the target".to_owned();
            Err(IscsiError::CommandTimeout { peer, timeout: patience.whole })
        });
        let problem = match answer {
            Ok(completion) => match Problem::of(&completion) {
                None => return Ok(completion),
                Some(problem) => problem,
            },
            Err(error) => {
                if error.is_transport() && tries.again() {
                    tracing::debug!(%lun, command = request.name, %error, "the command is sent again");
                    tries.wait().await;
                    continue;
                }
                let source = Arc::new(error);
                return Err(DiskError::Transport { lun, command: request.name, source });
            }
        };
        if problem == Problem::Attention(Attention::Capacity) {
            changed();
        }
        if !tries.help(problem).await {
            return Err(DiskError::Refused { lun, command: request.name, problem });
        }
        tracing::debug!(%lun, command = request.name, %problem, "the command is sent again");
    }
}

impl Tries {
    fn again(&mut self) -> bool {
        self.failures += 1;
        self.failures < self.patience.attempts && Instant::now() < self.end
    }

    async fn wait(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(self.patience.longest_pause);
    }

    /// Whether the same command may do better, after a pause where one is needed.
    async fn help(&mut self, problem: Problem) -> bool {
        match problem {
            Problem::Attention(attention) => {
                if attention == Attention::PoolFillsUp {
                    tracing::warn!("the pool behind a thin disk is filling up");
                }
                self.attentions += 1;
                self.attentions <= self.patience.attentions
            }
            Problem::Busy | Problem::BecomingReady => {
                let in_time = Instant::now() + self.pause < self.end;
                if in_time {
                    self.wait().await;
                }
                in_time
            }
            Problem::Aborted => {
                let again = self.again();
                if again {
                    self.wait().await;
                }
                again
            }
            _ => false,
        }
    }
}

impl Disk {
    /// Sends a command until it is carried out; after news of the disk's size that is asked for again.
    pub(super) async fn carry_out(&self, request: Request) -> Result<Completion, DiskError> {
        let mut changed = false;
        let done = carry_out(&self.unit, self.lun, self.patience, request, || changed = true).await;
        let shrunk = matches!(&done, Err(error) if error.problem() == Some(Problem::OutOfRange));
        if changed || shrunk {
            self.measure().await?;
        }
        done
    }

    /// Asks the disk how long it is now.
    pub async fn measure(&self) -> Result<u64, DiskError> {
        let capacity = read_capacity(&self.unit, self.lun, self.patience).await?;
        if capacity.block_len != self.block_len {
            return Err(DiskError::Nonsense { lun: self.lun, command: "READ CAPACITY" });
        }
        let known = self.blocks.swap(capacity.blocks, Ordering::Relaxed);
        if known != capacity.blocks {
            tracing::info!(lun = %self.lun, from = known, to = capacity.blocks, "the disk has another number of blocks");
        }
        Ok(capacity.len())
    }
}

pub(super) async fn read_capacity(
    unit: &Arc<dyn Execute>,
    lun: Lun,
    patience: Patience,
) -> Result<Capacity, DiskError> {
    const NAME: &str = "READ CAPACITY";
    let request = Request::new(NAME, cdb::read_capacity(capacity::LEN), Transfer::Read(capacity::LEN));
    let answer = carry_out(unit, lun, patience, request, || ()).await?;
    Capacity::parse(&answer.read).ok_or(DiskError::Nonsense { lun, command: NAME })
}
