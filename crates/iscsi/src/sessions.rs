// SPDX-License-Identifier: Apache-2.0
//! Sessions shared by several logical units of one target, as arrays give them out: one login a portal.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::{
    IscsiError, LoginOptions, PathTo, Paths, PathsOptions, Target,
    link::{Link, Pace},
};

/// The sessions of a process. Each ends with the last [`Paths`] that uses it.
///
/// Paths share a session when portal, target, credentials and all other options of the login are the same. What a
/// shared session is lost for, all of them see; each repeats its own commands.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    target: Target,
    login: LoginOptions,
    pace: Pace,
    link: Weak<Link>,
}

impl Sessions {
    /// No sessions yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// As [`Paths::open`], over sessions there are, and new ones where there are none.
    pub async fn open(&self, paths: Vec<PathTo>, options: PathsOptions) -> Result<Paths, IscsiError> {
        Paths::open_over(paths, options, |target, login, pace| self.link(target, login, pace)).await
    }

    fn link(&self, target: &Target, login: &LoginOptions, pace: Pace) -> Arc<Link> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.link.strong_count() > 0);
        let same = |known: &&Known| known.target == *target && known.login == *login && known.pace == pace;
        // Others are not even touched: whoever closes one has to find itself its last user.
        if let Some(link) = all.iter().filter(same).find_map(|known| known.link.upgrade()) {
            return link;
        }
        let (target, login) = (target.clone(), login.clone());
        let link = Arc::new(Link::start(target.clone(), login.clone(), pace));
        all.push(Known { target, login, pace, link: Arc::downgrade(&link) });
        link
    }
}
