// SPDX-License-Identifier: Apache-2.0
//! Stretches of a disk read, and unpacked, by several threads at a time, and handed out in order.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{ConversionError, ImageReader};

/// Threads at most: more would only take cores from digests and writes.
const THREADS_MAX: usize = 4;

/// Bytes of the disk to be brought into memory: what of them is data, the rest is zero.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) data: Vec<Range<u64>>,
}

type Read = Result<Vec<u8>, ConversionError>;
type Jobs = Mutex<Receiver<(Stretch, SyncSender<Read>)>>;

/// Stretches on their way, in order.
#[derive(Debug)]
pub(crate) struct ReadAhead<T> {
    jobs: Sender<(Stretch, SyncSender<Read>)>,
    queue: VecDeque<Queued<T>>,
    depth: usize,
}

/// What is handed out next: something to be passed on between stretches, or a stretch.
#[derive(Debug)]
enum Queued<T> {
    Between(T),
    Reading(Receiver<Read>),
}

impl<T: From<Vec<u8>>> ReadAhead<T> {
    pub(crate) fn start(reader: &Arc<dyn ImageReader>) -> Result<Self, ConversionError> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let (jobs, waiting) = channel();
        let waiting: Arc<Jobs> = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (reader, waiting) = (Arc::clone(reader), Arc::clone(&waiting));
            let work = move || work(&*reader, &waiting);
            thread::Builder::new()
                .name("convert".to_owned())
                .spawn(work)
                .map_err(ConversionError::Threads)?;
        }
        Ok(Self { jobs, queue: VecDeque::new(), depth: 2 * threads })
    }

    /// Whether more should be queued before the next is taken.
    pub(crate) fn wants_more(&self) -> bool {
        self.queue.len() < self.depth
    }

    pub(crate) fn read(&mut self, stretch: Stretch) {
        let (answer, read) = sync_channel(1);
        // That the threads are gone shows when the answer is waited for.
        let _gone = self.jobs.send((stretch, answer));
        self.queue.push_back(Queued::Reading(read));
    }

    pub(crate) fn pass(&mut self, between: T) {
        self.queue.push_back(Queued::Between(between));
    }

    /// The next in order; `None` when nothing is queued.
    pub(crate) fn take(&mut self) -> Result<Option<T>, ConversionError> {
        match self.queue.pop_front() {
            None => Ok(None),
            Some(Queued::Between(between)) => Ok(Some(between)),
            Some(Queued::Reading(read)) => match read.recv() {
                Ok(read) => Ok(Some(read?.into())),
                Err(_) => {
                    Err(ConversionError::Threads(io::Error::other("a thread that reads the image died")))
                }
            },
        }
    }
}

fn work(reader: &dyn ImageReader, jobs: &Jobs) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((stretch, answer)) = next else { return };
        // Nobody takes the stretches of a conversion that was given up.
        let _unwanted = answer.send(read(reader, &stretch));
    }
}

fn read(reader: &dyn ImageReader, stretch: &Stretch) -> Read {
    let mut bytes = vec![0; stretch.len as usize];
    for data in &stretch.data {
        let within = (data.start - stretch.offset) as usize..(data.end - stretch.offset) as usize;
        reader.read_at(&mut bytes[within], data.start)?;
    }
    Ok(bytes)
}
