// SPDX-License-Identifier: Apache-2.0
//! Where Glance's own tables stand, by the heads its alembic wrote into the database.

use crate::connection::DatabaseError;

/// Glance's newest schema revision.
pub(super) const NEWEST: &str = "2024_1_contract01";
/// The revision that made its last tables.
pub(super) const EXPANDED: &str = "2024_1_expand01";
/// The schema of 2023.1 and 2023.2, which lacks the tables of the image cache.
pub(super) const EARLIER: &str = "2023_1_contract01";
/// Tables that [`EXPANDED`] added to [`EARLIER`], in the order they are made in.
pub(super) const ADDED: [&str; 2] = ["node_reference", "cached_images"];

/// Beginnings of the revisions before [`EARLIER`].
const OLD: [&str; 13] = [
    "liberty", "mitaka", "newton", "ocata", "pike", "queens", "rocky", "stein", "train", "ussuri", "wallaby",
    "xena", "yoga",
];

/// Where Glance's tables stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// As Glance 2023.1 and 2023.2 left them.
    Earlier,
    /// Expanded for 2024.1, not contracted.
    Expanded,
    /// As every Glance since 2024.1 leaves them.
    Newest,
}

impl Revision {
    /// What the heads mean. Older schemas are Glance's to bring up to date; of newer ones nothing is known.
    pub(super) fn of(heads: &[String]) -> Result<Self, DatabaseError> {
        let has = |wanted: &str| heads.iter().any(|head| head == wanted);
        let known = |head: &&String| [NEWEST, EXPANDED, EARLIER].contains(&head.as_str());
        let old =
            |head: &&String| OLD.iter().chain(&["zed", "2023_1_expand"]).any(|one| head.starts_with(one));
        let found = || heads.join(", ");
        if heads.iter().any(|head| !known(&head) && !old(&head)) {
            return Err(DatabaseError::TooNew { found: found(), known: NEWEST.to_owned() });
        }
        if heads.iter().all(|head| known(&head)) {
            if has(NEWEST) {
                return Ok(Self::Newest);
            }
            if has(EARLIER) {
                return Ok(if has(EXPANDED) { Self::Expanded } else { Self::Earlier });
            }
        }
        Err(DatabaseError::TooOld { found: if heads.is_empty() { "none".to_owned() } else { found() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(heads: &[&str]) -> Result<Revision, DatabaseError> {
        Revision::of(&heads.iter().map(|&head| head.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn heads_tell_the_revision() {
        assert_eq!(of(&["2024_1_contract01"]).unwrap(), Revision::Newest);
        assert_eq!(of(&["2023_1_contract01"]).unwrap(), Revision::Earlier);
        assert_eq!(of(&["2023_1_contract01", "2024_1_expand01"]).unwrap(), Revision::Expanded);
    }

    #[test]
    fn what_is_too_old_and_what_too_new_is_told_apart() {
        let old: [&[&str]; 6] = [
            &[],
            &["zed_contract01"],
            &["wallaby_expand01", "victoria"],
            &["zed_contract01", "2023_1_expand01"],
            &["zed_contract01", "2024_1_expand01"],
            &["pike01"],
        ];
        for (at, heads) in old.into_iter().enumerate() {
            let error = of(heads).unwrap_err();
            // There was no revision "victoria": what nobody knows is never called old.
            let new = at == 2;
            assert_eq!(matches!(error, DatabaseError::TooNew { .. }), new, "{heads:?}: {error}");
            assert_eq!(matches!(error, DatabaseError::TooOld { .. }), !new, "{heads:?}: {error}");
        }
        for heads in [&["2031_1_contract01"][..], &["2024_1_contract01", "2031_1_expand01"]] {
            assert!(matches!(of(heads), Err(DatabaseError::TooNew { .. })), "{heads:?}");
        }
    }
}
