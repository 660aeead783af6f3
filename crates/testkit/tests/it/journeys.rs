// SPDX-License-Identifier: Apache-2.0
//! Images through the engine into memory that fails.

use std::sync::Arc;

use proptest::prelude::*;
use scurry_testkit::{Journey, MemoryStore, check_journey, journeys};

fn run(store: MemoryStore, journey: &Journey) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(check_journey(Arc::new(store), journey));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_arrives_in_clean_space_was_sent(journey in journeys()) {
        run(MemoryStore::new("clean"), &journey);
    }

    #[test]
    fn what_arrives_in_dirty_space_was_sent(journey in journeys()) {
        let dirty = MemoryStore::new("dirty").with_capability(|capability| capability.fresh_is_zero = false);
        run(dirty, &journey);
    }

    #[test]
    fn what_arrives_where_nothing_resumes_was_sent(journey in journeys()) {
        let plain = MemoryStore::new("plain").with_capability(|capability| {
            capability.resume = false;
            capability.extents = false;
        });
        run(plain, &journey);
    }
}
