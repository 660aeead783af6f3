// SPDX-License-Identifier: Apache-2.0
//! Images through the engine into files, and failures on the way.

use std::sync::Arc;

use proptest::prelude::*;
use scurry_testkit::{check_journey, journeys};

use crate::{files, store};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_arrives_in_files_was_sent(journey in journeys()) {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(check_journey(Arc::new(store(dir.path())), &journey));
        prop_assert_eq!(files(dir.path()), Vec::<std::path::PathBuf>::new());
    }
}
