// SPDX-License-Identifier: Apache-2.0
//! One question to Keystone for all who wait for its answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use scurry_openstack_client::ClientError;

use super::cache::Key;
use crate::context::Identity;

/// Whose token it is; `None` for a token Keystone does not know.
pub(super) type Answer = Result<Option<Arc<Identity>>, Arc<ClientError>>;
/// A question on its way; goes on as long as anybody waits.
pub(super) type Question = Shared<BoxFuture<'static, Answer>>;

/// Questions with nobody waiting any more are looked for when there are this many.
const MANY: usize = 1000;

#[derive(Default)]
pub(super) struct Questions(Mutex<HashMap<Key, WeakShared<BoxFuture<'static, Answer>>>>);

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions").finish_non_exhaustive()
    }
}

impl Questions {
    /// The question about a key that is on its way, or a new one.
    pub(super) fn join(&self, key: Key, ask: impl FnOnce() -> BoxFuture<'static, Answer>) -> Question {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(question) = open.get(&key).and_then(WeakShared::upgrade)
            && question.peek().is_none()
        {
            return question;
        }
        if open.len() >= MANY {
            open.retain(|_, question| question.upgrade().is_some_and(|question| question.peek().is_none()));
        }
        let question = ask().shared();
        if let Some(weak) = question.downgrade() {
            open.insert(key, weak);
        }
        question
    }
}
