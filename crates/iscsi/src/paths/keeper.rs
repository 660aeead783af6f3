// SPDX-License-Identifier: Apache-2.0
//! Keeps one path up: logs in, waits for the end, logs in anew.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::Inner;
use crate::{IscsiError, Session};

/// How the first login over a path went.
pub(super) type First = (usize, Result<(), IscsiError>);

/// Runs until it is aborted. `first` hears how the first login went.
pub(super) async fn keep(inner: Arc<Inner>, index: usize, first: mpsc::Sender<First>) {
    let mut first = Some(first);
    let path = &inner.paths[index];
    let mut pause = inner.options.retry_first;
    loop {
        match Session::login(&path.to.target, &path.login).await {
            Ok(session) => {
                pause = inner.options.retry_first;
                if let Some(first) = first.take() {
                    let _ = first.try_send((index, Ok(())));
                }
                up_until_lost(&inner, index, Arc::new(session)).await;
            }
            Err(error) => {
                tracing::debug!(target = %path.to.target, %error, "iSCSI login failed; tried again later");
                if let Some(error) = report(first.take(), index, error) {
                    path.state().last_error = Some(Arc::new(error));
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(inner.options.retry_at_most);
            }
        }
    }
}

/// Gives the error back when nobody waits for it any more.
fn report(first: Option<mpsc::Sender<First>>, index: usize, error: IscsiError) -> Option<IscsiError> {
    let Some(first) = first else { return Some(error) };
    match first.try_send((index, Err(error))) {
        Ok(()) => None,
        Err(unsent) => unsent.into_inner().1.err(),
    }
}

async fn up_until_lost(inner: &Inner, index: usize, session: Arc<Session>) {
    let path = &inner.paths[index];
    {
        let mut state = path.state();
        state.session = Some(Arc::clone(&session));
        state.logins += 1;
        if state.logins > 1 {
            tracing::info!(target = %path.to.target, "iSCSI path is back");
        }
    }
    inner.back.notify_waiters();
    let since = tokio::time::Instant::now();
    let fault = session.lost().await;
    let lost = IscsiError::ConnectionLost { peer: session.peer().to_owned(), sent: false, source: fault };
    let wait = session.time_to_wait();
    {
        let mut state = path.state();
        state.session = None;
        state.last_error = Some(Arc::new(lost));
    }
    // A target that accepts and drops sessions must not make us spin.
    let least = match since.elapsed() < Duration::from_secs(1) {
        true => inner.options.retry_first,
        false => Duration::ZERO,
    };
    // Nor may one that wishes to be left alone for a day.
    let most = inner.options.recovery_timeout / 2;
    tokio::time::sleep(wait.unwrap_or_default().min(most).max(least)).await;
}
