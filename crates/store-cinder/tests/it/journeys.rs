// SPDX-License-Identifier: Apache-2.0
//! Images through the engine into volumes of the embedded services, and failures on the way.

use std::sync::Arc;

use proptest::test_runner::{Config, TestRunner};
use scurry_testkit::{check_journey, journeys};

use crate::embedded::Cloud;

#[test]
fn what_arrives_in_volumes_was_sent() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cloud = runtime.block_on(Cloud::start());
    let store = Arc::new(cloud.store("gold-store", "gold", "glance"));
    // One cloud for all: it takes longer to start than an image to travel.
    let mut runner = TestRunner::new(Config { cases: 20, failure_persistence: None, ..Config::default() });
    let travelled = runner.run(&journeys(), |journey| {
        runtime.block_on(async {
            check_journey(store.clone(), &journey).await;
            cloud.assert_empty().await;
        });
        Ok(())
    });
    travelled.unwrap();
}
