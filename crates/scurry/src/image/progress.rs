// SPDX-License-Identifier: Apache-2.0
//! What a transfer shows: a bar on a terminal, a line every few seconds elsewhere, JSON on request.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::cli::ShowOptions;
use crate::failure::Failure;

/// Between two lines.
const LINES: Duration = Duration::from_secs(3);
/// Between two events of progress, and two looks of the bar.
const TICKS: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Bar,
    Lines,
    /// On standard output, or on standard error when data goes there.
    Json {
        stdout: bool,
    },
    Nothing,
}

/// A transfer as it is shown. Counters may be moved from any thread.
#[derive(Debug, Clone)]
pub(super) struct Meter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    show: Show,
    bar: ProgressBar,
    begun: Instant,
    total: AtomicU64,
    /// How far the image is done, whatever that took.
    position: AtomicU64,
    /// Moved by this command.
    data: AtomicU64,
    zeroes: AtomicU64,
    /// The task that shows progress: the last one begun is the only one.
    ticking: Mutex<Option<AbortHandle>>,
}

/// Ends the showing of progress when dropped.
#[derive(Debug)]
pub(super) struct Ticking {
    task: tokio::task::JoinHandle<()>,
    bar: ProgressBar,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

impl Meter {
    /// `stdout` says whether standard output is free for events.
    pub(super) fn new(options: ShowOptions, stdout: bool) -> Self {
        let show = match options {
            ShowOptions { quiet: true, .. } => Show::Nothing,
            ShowOptions { json: true, .. } => Show::Json { stdout },
            _ if std::io::stderr().is_terminal() => Show::Bar,
            _ => Show::Lines,
        };
        let bar =
            if show == Show::Bar { ProgressBar::new(0).with_style(style()) } else { ProgressBar::hidden() };
        Self(Arc::new(Inner {
            show,
            bar,
            begun: Instant::now(),
            total: AtomicU64::new(0),
            position: AtomicU64::new(0),
            data: AtomicU64::new(0),
            zeroes: AtomicU64::new(0),
            ticking: Mutex::default(),
        }))
    }

    /// Shows progress towards `total` bytes until the answer is dropped.
    pub(super) fn begin(&self, what: &str, total: u64) -> Ticking {
        self.0.total.store(total, Ordering::Relaxed);
        self.0.bar.set_length(total);
        self.0.bar.set_prefix(what.to_owned());
        self.0.bar.reset_eta();
        let pause = if self.0.show == Show::Lines { LINES } else { TICKS };
        let (meter, what) = (self.clone(), what.to_owned());
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                meter.tick(&what);
            }
        });
        let mut ticking = self.0.ticking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = ticking.replace(task.abort_handle()) {
            before.abort();
        }
        Ticking { task, bar: self.0.bar.clone() }
    }

    /// So many bytes of data went by.
    pub(super) fn data(&self, len: u64) {
        self.0.data.fetch_add(len, Ordering::Relaxed);
        self.0.position.fetch_add(len, Ordering::Relaxed);
    }

    /// So many zeroes were passed over.
    pub(super) fn zeroes(&self, len: u64) {
        self.0.zeroes.fetch_add(len, Ordering::Relaxed);
        self.0.position.fetch_add(len, Ordering::Relaxed);
    }

    /// The transfer goes on from here.
    pub(super) fn at(&self, position: u64) {
        self.0.position.store(position, Ordering::Relaxed);
    }

    /// How far the image is done.
    pub(super) fn position(&self) -> u64 {
        self.0.position.load(Ordering::Relaxed)
    }

    /// Bytes of data that went by.
    pub(super) fn data_done(&self) -> u64 {
        self.0.data.load(Ordering::Relaxed)
    }

    pub(super) fn seconds(&self) -> f64 {
        (self.0.begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// Something happened: an event for programs, a sentence for people.
    pub(super) fn event(&self, name: &str, details: Value, sentence: &str) {
        match self.0.show {
            Show::Bar => self.0.bar.suspend(|| eprintln!("{sentence}")),
            Show::Lines => eprintln!("{sentence}"),
            Show::Json { stdout } => emit(stdout, name, details),
            Show::Nothing => {}
        }
    }

    /// The result; what people and programs read from standard output.
    pub(super) fn result(&self, name: &str, details: Value, id: &str, sentence: &str) {
        match self.0.show {
            Show::Nothing => println!("{id}"),
            _ => self.event(name, details, sentence),
        }
    }

    /// Tells programs how it failed; people read it from the failure itself.
    pub(super) fn failed(&self, failure: &Failure) {
        if let Show::Json { stdout } = self.0.show {
            emit(stdout, "error", json!({ "message": failure.to_string() }));
        }
    }

    fn tick(&self, what: &str) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (total, position) = (get(&self.0.total), get(&self.0.position));
        let (data, zeroes) = (get(&self.0.data), get(&self.0.zeroes));
        let speed = data as f64 / self.0.begun.elapsed().as_secs_f64().max(0.001);
        match self.0.show {
            Show::Bar => {
                self.0.bar.set_position(position);
                self.0.bar.set_message(moved(data, zeroes));
            }
            Show::Lines => {
                let percent = (position.min(total) * 100).checked_div(total).unwrap_or(100);
                eprintln!("{what} {percent} %: {}, {}/s", moved(data, zeroes), HumanBytes(speed as u64));
            }
            Show::Json { stdout } => emit(
                stdout,
                "progress",
                json!({"what": what, "position": position, "total": total, "data": data, "zeroes": zeroes,
                    "data_per_second": speed as u64}),
            ),
            Show::Nothing => {}
        }
    }
}

fn moved(data: u64, zeroes: u64) -> String {
    format!("{} of data, {} of zeroes", HumanBytes(data), HumanBytes(zeroes))
}

fn emit(stdout: bool, name: &str, details: Value) {
    let mut event = json!({ "event": name });
    if let (Some(event), Value::Object(details)) = (event.as_object_mut(), details) {
        event.extend(details);
    }
    if stdout { println!("{event}") } else { eprintln!("{event}") }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} ETA {eta} · {msg}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
}
