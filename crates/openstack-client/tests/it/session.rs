// SPDX-License-Identifier: Apache-2.0
//! Tokens, retries, endpoints, errors.

use scurry_openstack_client::block::BlockClient;
use scurry_openstack_client::{
    AuthMethod, Credentials, ErrorKind, Interface, Secret, Session, SessionOptions, Token, identity,
};
use serde_json::json;

use crate::cloud::Cloud;

fn block(session: Session) -> BlockClient {
    BlockClient::new(session, "volumev3::publicURL", None, None).unwrap()
}

#[tokio::test]
async fn one_login_serves_many_calls_at_once() {
    let cloud = Cloud::start().await;
    let session = cloud.session();
    let tokens = futures::future::join_all((0..20).map(|_| session.token())).await;
    assert!(tokens.iter().all(|token| token.as_ref().unwrap().id == Secret::new("token-1")));
    let logins = cloud.logins();
    assert_eq!(logins.len(), 1);
    assert_eq!(logins[0]["auth"]["scope"]["project"]["name"], "service");
}

#[tokio::test]
async fn a_token_about_to_end_is_replaced_early() {
    let cloud = Cloud::start().await;
    cloud.set_lifetime(30);
    let session = cloud.session();
    session.token().await.unwrap();
    session.token().await.unwrap();
    assert_eq!(cloud.logins().len(), 2);
}

#[tokio::test]
async fn a_401_logs_in_again_once() {
    let cloud = Cloud::start().await;
    let client = block(cloud.session());
    cloud.answer(401, json!({})).answer(200, json!({"extensions": []}));
    client.extensions().await.unwrap();
    assert_eq!(cloud.seen()[0].header("x-auth-token"), Some("token-1"));
    assert_eq!(cloud.seen()[1].header("x-auth-token"), Some("token-2"));
    cloud.answer(401, json!({})).answer(401, json!({}));
    let error = client.extensions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(cloud.seen().len(), 4);
}

#[tokio::test]
async fn passing_failures_are_tried_again_where_that_is_safe() {
    let cloud = Cloud::start().await;
    let client = block(cloud.session_with(SessionOptions { retries: 2, ..SessionOptions::default() }));
    cloud.answer_with(503, &[("retry-after", "0")], String::new()).answer(502, json!({}));
    cloud.answer(200, json!({"extensions": [{"alias": "os-scurry-shrink", "name": "Shrink"}]}));
    assert_eq!(client.extensions().await.unwrap()[0].alias, "os-scurry-shrink");
    assert_eq!(cloud.seen().len(), 3);
    // A volume must not be made twice.
    cloud.answer(503, json!({"error": {"message": "later"}}));
    let error = client.create_volume(&Default::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Unavailable, Some(503)));
    assert_eq!(cloud.seen().len(), 4);
    // 500 is an answer, not a passing failure.
    cloud.answer(500, json!({}));
    assert!(client.extensions().await.is_err());
    assert_eq!(cloud.seen().len(), 5);
}

#[tokio::test]
async fn a_new_login_gives_no_new_budget() {
    let cloud = Cloud::start().await;
    let client = block(cloud.session_with(SessionOptions { retries: 1, ..SessionOptions::default() }));
    let now = &[("retry-after", "0")];
    cloud.answer_with(503, now, String::new()).answer(401, json!({})).answer_with(503, now, String::new());
    let error = client.extensions().await.unwrap_err();
    assert_eq!((error.status(), cloud.seen().len()), (Some(503), 3));
}

#[tokio::test]
async fn redirects_take_no_token_along() {
    let cloud = Cloud::start().await;
    let client = block(cloud.session());
    cloud.answer_with(302, &[("location", "http://127.0.0.1:9/steal")], String::new());
    assert_eq!(client.extensions().await.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(cloud.seen().len(), 1);
}

#[tokio::test]
async fn refused_credentials_say_so_without_the_password() {
    let cloud = Cloud::start().await;
    let wrong = Credentials {
        auth_url: format!("{}/other/v3", cloud.address()),
        method: AuthMethod::ApplicationCredential { id: "ac".to_owned(), secret: Secret::new("geheim") },
        system_scope: false,
    };
    let session = Session::new(wrong, SessionOptions::default()).unwrap();
    cloud.answer(401, json!({"error": {"message": "The request you have made requires authentication."}}));
    let error = session.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    cloud.answer(404, json!({}));
    assert_eq!(session.token().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(!format!("{session:?} {error:?} {error}").contains("geheim"));
}

#[tokio::test]
async fn a_missing_endpoint_is_named() {
    let cloud = Cloud::start().await;
    let session = cloud.session();
    let url = session.endpoint(&["volumev3", "block-storage"], None, Some("One"), None).await.unwrap();
    assert!(url.as_str().ends_with("/volume/v3/p1"));
    for (region, interface) in [(Some("Two"), None), (None, Some(Interface::Internal))] {
        let error = session.endpoint(&["block-storage"], None, region, interface).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains("block-storage"), "{error}");
    }
}

#[tokio::test]
async fn a_users_token_travels_with_the_services() {
    let cloud = Cloud::start().await;
    let client = block(cloud.session()).with_user_token(Secret::new("ann"));
    cloud.answer(200, json!({"extensions": []}));
    client.extensions().await.unwrap();
    assert_eq!(cloud.last().header("x-auth-token"), Some("ann"));
    assert_eq!(cloud.last().header("x-service-token"), Some("token-1"));
}

#[tokio::test]
async fn a_given_token_is_used_and_never_replaced() {
    let cloud = Cloud::start().await;
    let own = cloud.session().token().await.unwrap();
    let given = Token { id: Secret::new("ann"), ..(*own).clone() };
    let client = block(Session::from_token(given, None, SessionOptions::default()).unwrap());
    cloud.answer(401, json!({}));
    assert_eq!(client.extensions().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert_eq!(cloud.last().header("x-auth-token"), Some("ann"));
    assert_eq!((cloud.seen().len(), cloud.logins().len()), (1, 1));
}

#[tokio::test]
async fn tokens_are_validated_with_the_subject_in_a_header() {
    let cloud = Cloud::start().await;
    let session = cloud.session();
    cloud.answer(
        200,
        json!({"token": {"user": {"id": "u", "name": "ann", "domain": {"id": "d", "name": "D"}},
            "system": {"all": true}, "roles": [{"id": "r", "name": "admin"}],
            "expires_at": "2030-01-01T00:00:00.000000Z"}}),
    );
    let valid = identity::validate_token(&session, &Secret::new("subject"), true).await.unwrap();
    assert_eq!((valid.system_scope(), valid.project), (Some("all"), None));
    assert_eq!(cloud.last().line, "GET /identity/v3/auth/tokens?allow_expired=1");
    assert_eq!(cloud.last().header("x-subject-token"), Some("subject"));
    cloud.answer(404, json!({"error": {"message": "Could not find token."}}));
    let error = identity::validate_token(&session, &Secret::new("subject"), false).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(!error.to_string().contains("subject"));
}

#[tokio::test]
async fn limits_and_projects_are_asked_for_by_query() {
    let cloud = Cloud::start().await;
    let session = cloud.session();
    cloud.answer(200, json!({"model": {"name": "flat", "description": "x"}}));
    assert_eq!(identity::limits_model(&session).await.unwrap().name, "flat");
    cloud.answer(
        200,
        json!({"projects": [{"id": "p", "name": "a b", "domain_id": "default", "enabled": true}]}),
    );
    assert_eq!(identity::projects_by_name(&session, "a b", Some("default")).await.unwrap()[0].id, "p");
    assert_eq!(cloud.last().line, "GET /identity/v3/projects?name=a+b&domain_id=default");
    cloud.answer(200, json!({"nonsense": []}));
    assert_eq!(identity::limits(&session, None, None, None).await.unwrap_err().kind(), ErrorKind::Protocol);
}
