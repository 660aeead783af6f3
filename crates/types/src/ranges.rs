// SPDX-License-Identifier: Apache-2.0
//! Sets of numbers as ranges: blocks that are done, bytes that were written.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Numbers as disjoint ranges in ascending order; neighbours are one range. Numbers added in about ascending order
/// cost next to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// No number at all.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the numbers of a range.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // All that touch the new one, which is often none at the end.
        let first = self.0.partition_point(|&(_, end)| end < range.start);
        let after = first + self.0[first..].partition_point(|&(start, _)| start <= range.end);
        if first == after {
            self.0.insert(first, (range.start, range.end));
            return;
        }
        self.0[first] = (self.0[first].0.min(range.start), self.0[after - 1].1.max(range.end));
        self.0.drain(first + 1..after);
    }

    /// Whether all numbers of a range are there.
    #[must_use]
    pub fn contains(&self, range: Range<u64>) -> bool {
        let at = self.0.partition_point(|&(_, end)| end <= range.start);
        range.is_empty()
            || self.0.get(at).is_some_and(|&(start, end)| start <= range.start && range.end <= end)
    }

    /// Whether any number of a range is there.
    #[must_use]
    pub fn intersects(&self, range: Range<u64>) -> bool {
        let at = self.0.partition_point(|&(_, end)| end <= range.start);
        !range.is_empty() && self.0.get(at).is_some_and(|&(start, _)| start < range.end)
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.0.iter().map(|&(start, end)| start..end)
    }
}

impl From<Vec<(u64, u64)>> for Ranges {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        let mut ranges = Self::new();
        pairs.into_iter().for_each(|(start, end)| ranges.insert(start..end));
        ranges
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(ranges: Ranges) -> Self {
        ranges.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_the_set_of_their_numbers(
            inserts in proptest::collection::vec((0_u64..60, 0_u64..12), 0..30),
            asked in (0_u64..70, 0_u64..12),
        ) {
            let (mut ranges, mut model) = (Ranges::new(), BTreeSet::new());
            for (start, len) in inserts {
                ranges.insert(start..start + len);
                model.extend(start..start + len);
            }
            let all: Vec<_> = ranges.iter().collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].end < pair[1].start), "{all:?}");
            prop_assert_eq!(all.into_iter().flatten().collect::<BTreeSet<_>>(), model.clone());
            prop_assert_eq!(ranges.len(), model.len() as u64);
            prop_assert_eq!(ranges.is_empty(), model.is_empty());
            let asked = asked.0..asked.0 + asked.1;
            prop_assert_eq!(ranges.contains(asked.clone()), asked.clone().all(|number| model.contains(&number)));
            prop_assert_eq!(ranges.intersects(asked.clone()), asked.clone().any(|number| model.contains(&number)));
            let pairs: Vec<(u64, u64)> = ranges.clone().into();
            prop_assert_eq!(Ranges::from(pairs), ranges);
        }
    }
}
