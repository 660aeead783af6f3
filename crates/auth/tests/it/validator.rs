// SPDX-License-Identifier: Apache-2.0
//! Validation of tokens and the memory of it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use scurry_auth::{AuthError, Secret, TokenValidator};

use crate::keystone::{Keystone, credentials, options, settings};

fn token(text: &str) -> Secret {
    Secret::new(text)
}

#[tokio::test]
async fn an_answer_is_remembered() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let validator = TokenValidator::new(settings(&address)).unwrap();
    for _ in 0..3 {
        let identity = validator.validate(&token("ann")).await.unwrap();
        assert_eq!(identity.user_id.as_str(), "id-ann");
        assert_eq!(identity.roles, ["member"]);
        assert_eq!(identity.project_id.as_ref().unwrap().as_str(), "p1");
        assert_eq!(identity.catalog.0.len(), 1);
    }
    assert_eq!(keystone.validations(), 1);
    keystone.remove_token("ann");
    validator.validate(&token("ann")).await.unwrap();
}

#[tokio::test]
async fn all_who_bring_a_token_at_once_share_one_question() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let validator = TokenValidator::new(settings(&address)).unwrap();
    let ann = token("ann");
    let answers = futures::future::join_all((0..20).map(|_| validator.validate(&ann))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().user_id.as_str() == "id-ann"));
    assert_eq!(keystone.validations(), 1);
}

#[tokio::test]
async fn a_refusal_is_remembered_too() {
    let (keystone, address) = Keystone::start().await;
    let validator = TokenValidator::new(settings(&address)).unwrap();
    for _ in 0..3 {
        assert!(matches!(validator.validate(&token("made-up")).await, Err(AuthError::Unauthorized)));
    }
    assert_eq!(keystone.validations(), 1);
}

#[tokio::test]
async fn nothing_is_remembered_with_no_cache_time() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let mut settings = settings(&address);
    settings.token_cache_time = Duration::ZERO;
    let validator = TokenValidator::new(settings).unwrap();
    validator.validate(&token("ann")).await.unwrap();
    keystone.remove_token("ann");
    assert!(matches!(validator.validate(&token("ann")).await, Err(AuthError::Unauthorized)));
    assert_eq!(keystone.validations(), 2);
}

#[tokio::test]
async fn a_remembered_token_still_expires() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("short", &["member"], TimeDelta::milliseconds(1500));
    let validator = TokenValidator::new(settings(&address)).unwrap();
    let identity = validator.validate(&token("short")).await.unwrap();
    while identity.expires_at > chrono::Utc::now() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(matches!(validator.validate(&token("short")).await, Err(AuthError::Unauthorized)));
    // A service that vouches for the call is another question, with another answer.
    assert!(validator.validate_for_service(&token("short")).await.is_ok());
}

#[tokio::test]
async fn tokens_that_cannot_be_are_not_asked_about() {
    let (keystone, address) = Keystone::start().await;
    let validator = TokenValidator::new(settings(&address)).unwrap();
    for bad in ["", "a b", "a\r\nX-Admin: 1", "é", &"x".repeat(20_000)] {
        assert!(matches!(validator.validate(&token(bad)).await, Err(AuthError::Unauthorized)), "{bad:?}");
    }
    assert_eq!(keystone.validations(), 0);
}

#[tokio::test]
async fn a_failing_keystone_is_not_a_refusal_and_not_remembered() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let validator = TokenValidator::new(settings(&address)).unwrap();
    for status in [503, 500, 404] {
        keystone.failing.store(status, Ordering::SeqCst);
        let error = validator.validate(&token("ann")).await.unwrap_err();
        assert!(matches!(error, AuthError::Unavailable { .. }), "{status}: {error:?}");
    }
    keystone.failing.store(0, Ordering::SeqCst);
    validator.validate(&token("ann")).await.unwrap();
}

#[tokio::test]
async fn a_wrong_service_account_is_not_the_callers_fault() {
    let (keystone, address) = Keystone::start().await;
    keystone.add_token("ann", &["member"], TimeDelta::hours(1));
    let mut wrong = credentials(&address);
    if let scurry_openstack_client::AuthMethod::Password { password, .. } = &mut wrong.method {
        *password = Secret::new("falsch");
    }
    let validator = TokenValidator::new(scurry_auth::AuthSettings::new(wrong, options())).unwrap();
    let error = validator.validate(&token("ann")).await.unwrap_err();
    assert!(matches!(error, AuthError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("falsch"));
}

#[tokio::test]
async fn no_keystone_at_all_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let validator = TokenValidator::new(settings(&address)).unwrap();
    assert!(matches!(validator.validate(&token("ann")).await, Err(AuthError::Unavailable { .. })));
}
