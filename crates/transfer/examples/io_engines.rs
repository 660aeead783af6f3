// SPDX-License-Identifier: Apache-2.0
//! Ways to write and read a file, timed: threads with pwrite and pread, `io_uring`, and either with `O_DIRECT`.
//!
//! `cargo run --release -p scurry-transfer --example io_engines -- [FILE] [MIB] [ROUNDS]`; the decision these figures led
//! to is docs/adr/0007-file-io.md. Every write ends with fdatasync, every cold read begins with an empty page cache.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Advice, OFlags, fadvise};
use tokio_uring::buf::BoundedBuf as _;

const MIB: u64 = 1 << 20;
/// Bytes of one operation, the size of the engine's buffers.
const PIECE: usize = 1 << 20;
/// What direct I/O wants addresses and offsets to be multiples of.
const ALIGNMENT: usize = 4096;
/// Operations under way at once, of threads and of `io_uring` alike.
const DEPTHS: [usize; 2] = [1, 4];
/// Ticks of the CPU clock in a second (`getconf CLK_TCK`, the same on every Linux there is).
const TICKS: f64 = 100.0;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Clone, Copy, PartialEq)]
enum Deed {
    Write,
    ReadCold,
    ReadCached,
}

#[derive(Clone, Copy)]
struct Engine {
    uring: bool,
    direct: bool,
    depth: usize,
}

impl Engine {
    fn name(self) -> String {
        let calls = if self.uring { "io_uring" } else { "threads" };
        format!("{calls}, {} at once{}", self.depth, if self.direct { ", O_DIRECT" } else { "" })
    }
}

/// A buffer whose first aligned byte is at the offset that is given back.
fn aligned() -> (Vec<u8>, usize) {
    let mut buffer = vec![0_u8; PIECE + ALIGNMENT];
    let begin = buffer.as_ptr().align_offset(ALIGNMENT);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for byte in &mut buffer {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    (buffer, begin)
}

fn open(path: &Path, deed: Deed, direct: bool) -> Outcome<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    if deed == Deed::Write {
        options.write(true).create(true).truncate(true);
    }
    if direct {
        options.custom_flags(i32::try_from(OFlags::DIRECT.bits())?);
    }
    Ok(options.open(path)?)
}

/// Threads that take the next piece until there is none.
fn by_threads(file: &File, pieces: u64, depth: usize, deed: Deed) -> Outcome<()> {
    let next = AtomicU64::new(0);
    let work = || -> std::io::Result<()> {
        let (mut buffer, begin) = aligned();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                return Ok(());
            }
            let (at, window) = (piece * PIECE as u64, &mut buffer[begin..begin + PIECE]);
            match deed {
                Deed::Write => file.write_all_at(window, at)?,
                Deed::ReadCold | Deed::ReadCached => file.read_exact_at(window, at)?,
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..depth).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| "a worker panicked")?.map_err(Box::<dyn Error>::from)
        })
    })?;
    if deed == Deed::Write {
        file.sync_data()?;
    }
    Ok(())
}

/// One ring of the thread that calls, `depth` operations under way.
fn by_ring(file: File, pieces: u64, depth: usize, deed: Deed) -> Outcome<()> {
    tokio_uring::start(async move {
        let file = Rc::new(tokio_uring::fs::File::from_std(file));
        let next = Rc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..depth)
            .map(|_| tokio_uring::spawn(one_lane(Rc::clone(&file), Rc::clone(&next), pieces, deed)))
            .collect();
        for task in tasks {
            task.await??;
        }
        if deed == Deed::Write {
            file.sync_data().await?;
        }
        Ok(())
    })
}

async fn one_lane(
    file: Rc<tokio_uring::fs::File>,
    next: Rc<AtomicU64>,
    pieces: u64,
    deed: Deed,
) -> std::io::Result<()> {
    let (mut buffer, begin) = aligned();
    loop {
        let piece = next.fetch_add(1, Ordering::Relaxed);
        if piece >= pieces {
            return Ok(());
        }
        let (window, at) = (buffer.slice(begin..begin + PIECE), piece * PIECE as u64);
        let (moved, window) = match deed {
            Deed::Write => file.write_at(window, at).submit().await,
            Deed::ReadCold | Deed::ReadCached => file.read_at(window, at).await,
        };
        if moved? != PIECE {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer = window.into_inner();
    }
}

/// User and system time of this process, its `io_uring` workers included.
fn cpu() -> Outcome<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / TICKS)
}

fn once(path: &Path, pieces: u64, engine: Engine, deed: Deed) -> Outcome<(Duration, f64)> {
    let file = open(path, deed, engine.direct)?;
    if deed == Deed::ReadCold {
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    let (begun, before) = (Instant::now(), cpu()?);
    if engine.uring {
        by_ring(file, pieces, engine.depth, deed)?;
    } else {
        by_threads(&file, pieces, engine.depth, deed)?;
    }
    Ok((begun.elapsed(), cpu()? - before))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let path = Path::new(words.first().map_or("/var/tmp/io-engines", String::as_str));
    let pieces = words.get(1).map_or(Ok(1024), |word| word.parse::<u64>())? * MIB / PIECE as u64;
    let rounds = words.get(2).map_or(Ok(5), |word| word.parse::<usize>())?;
    let engines: Vec<Engine> = [(false, false), (true, false), (false, true), (true, true)]
        .into_iter()
        .flat_map(|(uring, direct)| DEPTHS.map(|depth| Engine { uring, direct, depth }))
        .collect();
    let mut output = std::io::stdout();
    writeln!(output, "| what | engine | s | MiB/s | CPU s |\n|---|---|---|---|---|")?;
    for (deed, name) in [
        (Deed::Write, "write, fdatasync"),
        (Deed::ReadCold, "read, cold"),
        (Deed::ReadCached, "read, cached"),
    ] {
        let mut taken = vec![(Vec::new(), Vec::new()); engines.len()];
        for round in 0..rounds {
            // Another order each round: what ran before leaves its pages behind, free or in use. Eight engines, odd strides.
            for step in 0..engines.len() {
                let at = (step * (2 * round + 1) + round) % engines.len();
                let (Some(engine), Some((walls, cpus))) = (engines.get(at), taken.get_mut(at)) else {
                    continue;
                };
                let (wall, cpu) = once(path, pieces, *engine, deed)?;
                walls.push(wall.as_secs_f64());
                cpus.push(cpu);
            }
        }
        for (engine, (walls, cpus)) in engines.iter().zip(&mut taken) {
            let (wall, cpu) = (median(walls), median(cpus));
            writeln!(
                output,
                "| {name} | {} | {wall:.2} | {:.0} | {cpu:.2} |",
                engine.name(),
                pieces as f64 / wall
            )?;
        }
    }
    fs::remove_file(path)?;
    Ok(())
}
