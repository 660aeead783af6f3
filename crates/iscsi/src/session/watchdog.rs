// SPDX-License-Identifier: Apache-2.0
//! Looks after time: a silent target is pinged and given up, a late command aborted.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::shared::Shared;
use crate::Fault;

/// Looks at the clock until the session ends.
pub(super) async fn watch(shared: Arc<Shared>) {
    let bounds = shared.bounds;
    let shortest = bounds.ping_interval.min(bounds.ping_timeout).min(bounds.command);
    let tick = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let mut ticks = interval(tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = shared.lost.wait() => return,
            _ = ticks.tick() => look(&shared),
        }
    }
}

fn look(shared: &Arc<Shared>) {
    let now = Instant::now();
    let bounds = shared.bounds;
    let mut state = shared.state();
    match state.pinged {
        Some(since) if now - since >= bounds.ping_timeout => {
            drop(state);
            return shared.end(Fault::Timeout(now - since));
        }
        None if now - state.heard >= bounds.ping_interval => {
            state.pinged = Some(now);
            state.tasks.forget_pings();
            drop(state);
            // Only fails when the session has ended.
            let _ = shared.send_ping(None);
            state = shared.state();
        }
        _ => {}
    }
    let late: Vec<u32> = state
        .tasks
        .all_scsi()
        .filter(|(_, task)| !task.aborting && task.deadline <= now)
        .map(|(tag, task)| {
            task.aborting = true;
            tag
        })
        .collect();
    drop(state);
    for tag in late {
        let shared = Arc::clone(shared);
        tokio::spawn(async move { shared.give_up(tag).await });
    }
}
