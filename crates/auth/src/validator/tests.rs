// SPDX-License-Identifier: Apache-2.0
//! Tokens known before, while Keystone is out of service.

use chrono::TimeDelta;
use scurry_openstack_client::{Catalog, Credentials, DomainRef, SessionOptions};

use super::*;

pub(super) fn identity() -> Arc<Identity> {
    Arc::new(Identity {
        user_id: "ann".into(),
        user_name: None,
        user_domain_id: None,
        project_id: None,
        project_name: None,
        project_domain_id: None,
        domain_id: None,
        system_scope: None,
        roles: vec!["member".to_owned()],
        expires_at: Utc::now() + TimeDelta::hours(1),
        catalog: Arc::new(Catalog::default()),
    })
}

/// Nobody listens there.
fn without_keystone() -> TokenValidator {
    let domain = || DomainRef::Id("default".to_owned());
    let address = "http://127.0.0.1:1";
    let credentials = Credentials::password(address, "glance", domain(), Secret::new("p"), None);
    let options = SessionOptions { retries: 0, ..SessionOptions::default() };
    TokenValidator::new(AuthSettings::new(credentials, options)).unwrap()
}

#[tokio::test]
async fn what_was_known_goes_on_working_without_keystone_and_nothing_new() {
    let validator = without_keystone();
    let (ann, lifetime) = (Secret::new("ann"), validator.settings().token_cache_time);
    validator.inner.cache.put(Key::new("ann", false), Some(identity()));
    validator.inner.cache.age(lifetime);
    assert_eq!(validator.validate(&ann).await.unwrap().roles, ["member"]);
    assert!(validator.is_out());
    assert!(matches!(validator.validate(&Secret::new("bob")).await, Err(AuthError::Unavailable { .. })));
    assert_eq!(validator.validate(&ann).await.unwrap().roles, ["member"]);
    validator.inner.cache.age(lifetime * 4);
    assert!(matches!(validator.validate(&ann).await, Err(AuthError::Unavailable { .. })), "not for ever");
}
