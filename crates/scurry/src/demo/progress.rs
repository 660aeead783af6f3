// SPDX-License-Identifier: Apache-2.0
//! What the demo shows while it works: bars on a terminal, plain lines elsewhere, JSON on request.
#![allow(clippy::print_stdout)]

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle as BarStyle};
use serde_json::json;

use crate::cli::ProgressStyle;

/// How steps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Bars,
    Plain,
    Json,
}

/// Shows one step after the other.
#[derive(Debug)]
pub(crate) struct Stage {
    show: Show,
    number: usize,
}

/// A step under way.
#[derive(Debug)]
pub(crate) struct Step {
    show: Show,
    number: usize,
    title: String,
    bar: ProgressBar,
    begun: Instant,
    facts: Vec<String>,
}

impl Stage {
    pub(crate) fn new(style: ProgressStyle) -> Self {
        let show = match style {
            ProgressStyle::Json => Show::Json,
            ProgressStyle::Plain => Show::Plain,
            ProgressStyle::Auto if std::io::stderr().is_terminal() => Show::Bars,
            ProgressStyle::Auto => Show::Plain,
        };
        Self { show, number: 0 }
    }

    /// Begins the next step.
    pub(crate) fn step(&mut self, title: &str) -> Step {
        self.number += 1;
        let bar = match self.show {
            Show::Bars => {
                let bar = ProgressBar::new_spinner().with_style(spinner());
                bar.set_message(title.to_owned());
                bar.enable_steady_tick(Duration::from_millis(100));
                bar
            }
            Show::Plain | Show::Json => ProgressBar::hidden(),
        };
        if self.show == Show::Plain {
            println!("{:>2}. {title} …", self.number);
        }
        Step {
            show: self.show,
            number: self.number,
            title: title.to_owned(),
            bar,
            begun: Instant::now(),
            facts: Vec::new(),
        }
    }

    /// Text between steps; nothing in JSON.
    pub(crate) fn say(&self, text: &str) {
        if self.show != Show::Json {
            println!("{text}");
        }
    }
}

impl Step {
    /// A step that is not shown, for work inside another one.
    pub(crate) fn unseen() -> Self {
        Self {
            show: Show::Plain,
            number: 0,
            title: String::new(),
            bar: ProgressBar::hidden(),
            begun: Instant::now(),
            facts: Vec::new(),
        }
    }

    /// Bytes done of a known total.
    pub(crate) fn bytes(&self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
            self.bar.set_style(bytes());
        }
        self.bar.set_position(done);
    }

    /// What is going on inside the step.
    pub(crate) fn note(&self, text: &str) {
        self.bar.set_message(format!("{} · {text}", self.title));
    }

    /// Something that was seen, shown when the step ends.
    pub(crate) fn see(&mut self, fact: impl Into<String>) {
        self.facts.push(fact.into());
    }

    /// Ends the step well; gives how long it took.
    pub(crate) fn done(self) -> Duration {
        let took = self.begun.elapsed();
        self.bar.finish_and_clear();
        let seconds = took.as_secs_f64();
        match self.show {
            Show::Json => println!(
                "{}",
                json!({"step": self.number, "title": self.title, "seconds": (seconds * 1000.0).round() / 1000.0, "seen": self.facts})
            ),
            Show::Bars | Show::Plain => {
                println!("{:>2}. {}  [{seconds:.2} s]", self.number, self.title);
                for fact in &self.facts {
                    println!("      {fact}");
                }
            }
        }
        took
    }
}

fn spinner() -> BarStyle {
    BarStyle::with_template("{spinner} {msg} [{elapsed}]").unwrap_or_else(|_| BarStyle::default_spinner())
}

fn bytes() -> BarStyle {
    BarStyle::with_template("{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}")
        .unwrap_or_else(|_| BarStyle::default_bar())
}
