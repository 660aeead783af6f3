// SPDX-License-Identifier: Apache-2.0
//! The suite of the store contract.

use std::time::Duration;

use scurry_testkit::check_store;

use crate::fake::{Fake, Faults};

#[tokio::test]
async fn with_a_service_that_shrinks() {
    let fake = Fake::start().await;
    check_store(&fake.store("gold-store", "gold")).await;
    fake.assert_empty();
}

#[tokio::test]
async fn with_a_service_that_does_not_shrink_and_takes_its_time() {
    let fake = Fake::start().await;
    fake.state().shrinks = false;
    fake.faults(Faults { slow: 1, ..Faults::default() });
    check_store(&fake.store("gold-store", "gold")).await;
    fake.assert_empty();
}

#[tokio::test]
async fn with_attachments_that_linger() {
    let fake = Fake::start().await;
    let config = fake.config("gold-store", "gold");
    let config = scurry_store_cinder::CinderStoreConfig { read_linger: Duration::from_secs(600), ..config };
    check_store(&fake.store_with(config)).await;
    fake.assert_empty();
}

#[tokio::test]
async fn as_a_user_who_is_no_admin() {
    let fake = Fake::start().await;
    fake.faults(Faults { not_admin: true, ..Faults::default() });
    check_store(&fake.store("gold-store", "gold")).await;
    fake.assert_empty();
}
