// SPDX-License-Identifier: Apache-2.0
//! Follows the session of one path: before it is used, the logical unit behind it has to say that it is the right one.

use std::sync::{Arc, PoisonError};

use tokio::{sync::mpsc, time::sleep};

use super::{Inner, Path};
use crate::{Execute, Identity, IscsiError, Session, disk, link::LinkState};

/// How the first attempt over a path went.
pub(super) type First = Result<(), Arc<IscsiError>>;

/// Runs until it is aborted. `first` hears how the first attempt went.
pub(super) async fn follow(inner: Arc<Inner>, index: usize, first: mpsc::Sender<First>) {
    let mut first = Some(first);
    let path = &inner.paths[index];
    let Some(mut changes) = path.state().link.as_ref().map(|link| link.follow()) else { return };
    // Of a session that others have tried before, only news count.
    let (failures, logins) = {
        let link = changes.borrow();
        (link.failures, link.logins)
    };
    let mut pause = inner.options.retry_first;
    loop {
        let link = changes.borrow_and_update().clone();
        let outcome = match link.session.clone() {
            Some(session) => Some(inner.take_up(path, &link, session).await),
            None => path.down(&link).filter(|_| link.failures > failures || link.logins > logins).map(Err),
        };
        let refused = link.session.is_some() && matches!(outcome, Some(Err(_)));
        if let Some(outcome) = outcome
            && let Some(first) = first.take()
        {
            let _ = first.try_send(outcome);
        }
        if refused {
            // Somebody may mend what is behind it.
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(inner.options.retry_at_most);
            continue;
        }
        pause = inner.options.retry_first;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

impl Path {
    /// Notes that there is no session, and why.
    fn down(&self, link: &LinkState) -> Option<Arc<IscsiError>> {
        let mut state = self.state();
        state.session = None;
        if link.last_error.is_some() {
            state.last_error.clone_from(&link.last_error);
        }
        link.last_error.clone()
    }
}

impl Inner {
    /// Uses a session, if it leads to the right logical unit.
    async fn take_up(
        &self,
        path: &Path,
        link: &LinkState,
        session: Arc<Session>,
    ) -> Result<(), Arc<IscsiError>> {
        let checked = match self.options.check_identity {
            true => self.check(path, &session).await,
            false => Ok(()),
        };
        let mut state = path.state();
        match checked {
            Ok(()) => {
                state.session = Some(session);
                state.rest = None;
                state.logins = link.logins;
                drop(state);
                self.back.notify_waiters();
                Ok(())
            }
            Err(error) => {
                let error = Arc::new(error);
                // Once: a refusal is repeated every few seconds.
                if matches!(*error, IscsiError::OtherUnit { .. })
                    && !matches!(state.last_error.as_deref(), Some(IscsiError::OtherUnit { .. }))
                {
                    tracing::error!(%error, "an iSCSI path is refused");
                }
                state.last_error = Some(Arc::clone(&error));
                Err(error)
            }
        }
    }

    async fn check(&self, path: &Path, session: &Arc<Session>) -> Result<(), IscsiError> {
        let unit = Arc::clone(session) as Arc<dyn Execute>;
        let place = format!("LUN {} of {}", path.to.lun, path.to.target);
        let found = match disk::identify(unit, path.to.lun).await {
            Ok(found) => found,
            Err(disk::DiskError::Transport { source, .. }) => return Err(IscsiError::Shared(source)),
            Err(source) => return Err(IscsiError::NoIdentity { path: place, source: Box::new(source) }),
        };
        let mut known = self.unit.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, unit) = known.get_or_insert_with(|| (place.clone(), found.clone()));
        if *unit == found {
            return Ok(());
        }
        let shown = |identity: &Option<Identity>| match identity {
            Some(identity) => format!("disk {identity}"),
            None => "a disk without a name".to_owned(),
        };
        Err(IscsiError::OtherUnit {
            path: place,
            found: shown(&found),
            first: first.clone(),
            unit: shown(unit),
        })
    }
}
