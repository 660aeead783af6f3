// SPDX-License-Identifier: Apache-2.0
//! Asymmetric access (SPC-4 5.11): a logical unit that does its work over other ports than this one.

use std::fmt;

use super::{Problem, Sense, SenseKey};
use crate::Completion;

/// Why a path takes no commands now, though its session is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asleep {
    /// On its way from one state to another.
    InTransition,
    /// Waits until the other ports fail.
    Standby,
    /// Of no use until somebody mends it.
    Unavailable,
}

impl Asleep {
    /// The access state that a completion complains of; the command was not carried out.
    pub(crate) fn of(completion: &Completion) -> Option<Self> {
        if completion.status != Problem::CHECK_CONDITION {
            return None;
        }
        let sense = Sense::parse(&completion.sense).filter(|sense| !sense.deferred)?;
        match (sense.key, sense.asc, sense.ascq) {
            (SenseKey::NotReady, 0x04, 0x0a) => Some(Self::InTransition),
            (SenseKey::NotReady, 0x04, 0x0b) => Some(Self::Standby),
            (SenseKey::NotReady, 0x04, 0x0c) => Some(Self::Unavailable),
            _ => None,
        }
    }

    /// Whether a completion says that access states have changed.
    pub(crate) fn has_changed(completion: &Completion) -> bool {
        completion.status == Problem::CHECK_CONDITION
            && Sense::parse(&completion.sense).is_some_and(|sense| {
                (sense.key, sense.asc) == (SenseKey::UnitAttention, 0x2a) && matches!(sense.ascq, 0x06 | 0x07)
            })
    }
}

impl fmt::Display for Asleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InTransition => "in transition between two access states",
            Self::Standby => "in standby",
            Self::Unavailable => "unavailable by the target's choice",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: u8, asc: u8, ascq: u8) -> Completion {
        let mut sense = vec![0_u8; 18];
        (sense[0], sense[2], sense[12], sense[13]) = (0x70, key, asc, ascq);
        Completion { status: 2, sense: sense.into(), ..Completion::default() }
    }

    #[test]
    fn access_states_are_told_from_other_senses() {
        assert_eq!(Asleep::of(&check(2, 4, 0x0a)), Some(Asleep::InTransition));
        assert_eq!(Asleep::of(&check(2, 4, 0x0b)), Some(Asleep::Standby));
        assert_eq!(Asleep::of(&check(2, 4, 0x0c)), Some(Asleep::Unavailable));
        for other in [check(2, 4, 1), check(5, 4, 0x0b), check(6, 0x2a, 6), Completion::default()] {
            assert_eq!(Asleep::of(&other), None);
        }
        assert!(Asleep::has_changed(&check(6, 0x2a, 6)));
        assert!(!Asleep::has_changed(&check(6, 0x2a, 9)));
    }
}
