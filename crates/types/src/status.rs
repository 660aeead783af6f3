// SPDX-License-Identifier: Apache-2.0
//! Glance's states and which may follow which (its `domain` module is the authority).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that names no state of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {kind}")]
pub struct UnknownState {
    /// What was being read: "image status", "visibility", …
    pub kind: &'static str,
    /// What was found instead.
    pub value: String,
}

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $kind:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the API's schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownState;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(UnknownState { kind: $kind, value: other.to_owned() }),
                }
            }
        }
    };
}

word_enum!(
    /// The life of an image.
    ImageStatus, "image status", {
        /// Known, without data.
        Queued = "queued",
        /// Data is on its way into the store.
        Saving = "saving",
        /// Data is on its way into the staging area.
        Uploading = "uploading",
        /// An import works on staged or remote data.
        Importing = "importing",
        /// Data is there.
        Active = "active",
        /// Data is there, but only administrators may read it.
        Deactivated = "deactivated",
        /// The upload failed for good (only rows of API v1 have it).
        Killed = "killed",
        /// Deleted by its owner, data waits for the scrubber.
        PendingDelete = "pending_delete",
        /// Gone.
        Deleted = "deleted",
    }
);

impl ImageStatus {
    /// Whether the state machine knows a step from `self` to `to`.
    ///
    /// ```
    /// use scurry_types::ImageStatus::{Active, Queued, Saving};
    /// assert!(Queued.can_go(Saving));
    /// assert!(!Active.can_go(Saving));
    /// ```
    #[must_use]
    pub const fn can_go(self, to: Self) -> bool {
        use ImageStatus::{
            Active, Deactivated, Deleted, Importing, Killed, PendingDelete, Queued, Saving, Uploading,
        };
        match self {
            Queued => matches!(to, Saving | Uploading | Importing | Active | Deleted),
            Saving => matches!(to, Active | Killed | Deleted | Queued),
            Uploading => matches!(to, Importing | Queued | Deleted),
            Importing => matches!(to, Active | Deleted | Queued),
            Active => matches!(to, PendingDelete | Deleted | Deactivated),
            Killed => matches!(to, Deleted),
            PendingDelete => matches!(to, Deleted | Active),
            Deactivated => matches!(to, Active | Deleted),
            Deleted => false,
        }
    }
}

word_enum!(
    /// Who may see an image.
    Visibility, "visibility", {
        /// Everybody, but listed only when asked for.
        Community = "community",
        /// Everybody.
        Public = "public",
        /// The owner.
        Private = "private",
        /// The owner and the members.
        Shared = "shared",
    }
);

word_enum!(
    /// What a member made of the image shared with it.
    MemberStatus, "member status", {
        /// Not answered yet.
        Pending = "pending",
        /// The image appears in the member's list.
        Accepted = "accepted",
        /// The image stays out of the member's list.
        Rejected = "rejected",
    }
);

word_enum!(
    /// The life of a task as `/v2/tasks` shows it.
    TaskStatus, "task status", {
        /// Not begun.
        Pending = "pending",
        /// Under way.
        Processing = "processing",
        /// Done.
        Success = "success",
        /// Ended without its result.
        Failure = "failure",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_deleted_and_words_round_trip() {
        for &status in ImageStatus::ALL {
            assert!(!ImageStatus::Deleted.can_go(status));
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("ACTIVE".parse::<ImageStatus>().is_err());
    }
}
