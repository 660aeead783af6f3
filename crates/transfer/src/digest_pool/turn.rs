// SPDX-License-Identifier: Apache-2.0
//! One turn of a worker: a part of each task it took, side by side.

use scurry_digests::Hasher;

use super::stream::Task;
use crate::piece::{Part, ZEROES};

/// A task and the part it is at.
struct Seat {
    task: Task,
    part: Part,
    /// Bytes of the part that are hashed.
    done: u64,
}

impl Seat {
    fn left(&self) -> u64 {
        self.part.len() - self.done
    }

    /// How many bytes of it lie in memory one after another.
    fn stretch(&self) -> usize {
        match &self.part {
            Part::Data(piece) => piece.data.len() - self.done as usize,
            Part::Zero { .. } => self.left().min(ZEROES.len() as u64) as usize,
        }
    }
}

/// Hashes the next part of each task, and gives each back as soon as its part is done.
pub(super) fn run(tasks: Vec<Task>, mut give_back: impl FnMut(Task)) {
    let seat = |task: Task| task.next().map(|(task, part)| Seat { task, part, done: 0 });
    let mut seats: Vec<Seat> = tasks.into_iter().filter_map(seat).collect();
    while !seats.is_empty() {
        for Seat { task, part, .. } in seats.extract_if(.., |seat| seat.left() == 0) {
            // Its memory is free before the next may begin.
            drop(part);
            give_back(task);
        }
        step(&mut seats);
    }
}

/// Hashes as much of each as all have.
fn step(seats: &mut [Seat]) {
    let Some(common) = seats.iter().map(Seat::stretch).min() else { return };
    let mut streams = Vec::with_capacity(seats.len());
    for Seat { task, part, done } in seats {
        let bytes = match part {
            Part::Data(piece) => &piece.data[*done as usize..][..common],
            Part::Zero { .. } => &ZEROES[..common],
        };
        *done += common as u64;
        streams.push((&mut task.hasher, bytes));
    }
    Hasher::update_together(&mut streams);
}
