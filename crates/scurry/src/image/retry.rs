// SPDX-License-Identifier: Apache-2.0
//! When to try again, and when to give up.

use std::time::Duration;

use scurry_openstack_client::{ClientError, ErrorKind};
use serde_json::json;

use super::progress::Meter;
use crate::failure::Failure;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Failures in a row without a byte getting through.
#[derive(Debug)]
pub(super) struct Budget {
    allowed: u32,
    failures: u32,
    reached: u64,
}

impl Budget {
    pub(super) fn new(allowed: u32) -> Self {
        Self { allowed, failures: 0, reached: 0 }
    }

    /// The transfer got here: what failed before counts no more if that is further than ever.
    pub(super) fn reached(&mut self, offset: u64) {
        if offset > self.reached {
            self.reached = offset;
            self.failures = 0;
        }
    }

    /// Waits before the next attempt, longer each time; gives the error back when it will not pass.
    pub(super) async fn pause(
        &mut self,
        error: ClientError,
        what: &str,
        meter: &Meter,
    ) -> Result<(), Failure> {
        if !passing(&error) {
            return Err(Failure::new(format!("cannot {what}"), error));
        }
        if self.failures >= self.allowed {
            return Err(Failure::new(format!("cannot {what}, tried {} times", self.failures + 1), error));
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        let pause = error.retry_after().map_or(pause, |asked| asked.min(4 * LONGEST_PAUSE));
        self.failures += 1;
        meter.event(
            "retry",
            json!({"attempt": self.failures, "of": self.allowed, "offset": self.reached, "reason": error.to_string(),
                "pause_seconds": pause.as_secs_f64()}),
            &format!("broken off ({error}); going on in {:.1} s", pause.as_secs_f64()),
        );
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Whether another attempt may fare better.
fn passing(error: &ClientError) -> bool {
    match error.kind() {
        // An upload of another connection may still hold the image; a token may have run out on the way.
        ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Unauthorized => true,
        ErrorKind::Protocol => error.status().is_none(),
        ErrorKind::OverLimit => error.status() == Some(429),
        _ => false,
    }
}
