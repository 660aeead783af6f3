// SPDX-License-Identifier: Apache-2.0
//! What is said to a disk (SPC-4, SBC-3): command blocks, the data they answer with, sense data.

mod asleep;
pub(crate) mod bytes;
pub(crate) mod capacity;
pub(crate) mod cdb;
pub(crate) mod inquiry;
pub(crate) mod lba_status;
pub(crate) mod limits;
pub(crate) mod luns;
pub(crate) mod mode;
mod problem;
mod sense;

pub use asleep::Asleep;
pub use inquiry::{Identity, Inquiry};
pub use problem::{Attention, Problem};
pub use sense::{Sense, SenseKey};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..600), lba: u64) {
            let _ = Sense::parse(&data).map(|sense| sense.to_string());
            let _ = Inquiry::parse(&data);
            let _ = Identity::parse(&data).or_else(|| Identity::of_serial(&data)).map(|name| name.to_string());
            let _ = inquiry::page(&data, 0x83).map(|body| (limits::Limits::parse(body), limits::Provisioning::parse(body)));
            let _ = capacity::Capacity::parse(&data).map(|capacity| capacity.len());
            let _ = mode::is_write_protected(&data);
            // No more than there is room for in the answer, each stretch where it should be.
            prop_assert!(luns::parse(&data).is_none_or(|(list, _)| list.len() <= data.len() / 8));
            prop_assert!(lba_status::parse(&data, lba).len() <= data.len() / 16);
            for status in [0, 2, 8, 0x18, 0x28, 0x40, 0xff] {
                let sense = ::bytes::Bytes::from(data.clone());
                let _ = Problem::of(&crate::Completion { status, sense, ..crate::Completion::default() });
            }
        }
    }
}
