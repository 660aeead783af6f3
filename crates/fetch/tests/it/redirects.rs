// SPDX-License-Identifier: Apache-2.0
//! Where redirects may lead, and what goes along.

use rstest::rstest;
use scurry_fetch::{FetchError, Fetcher, Filter, FilterRules, Request};

use crate::origin::*;

#[tokio::test]
async fn a_token_stays_with_its_host() {
    let other = Origin::start(vec![
        Reply::text("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nETag: \"e\"\r\n\r\nabc"),
        Reply::text("HTTP/1.1 206 Part\r\nContent-Range: bytes 3-5/6\r\nContent-Length: 3\r\n\r\ndef"),
    ])
    .await;
    let first = Origin::start(vec![Reply::redirect("/next"), Reply::redirect(&other.url("b.test"))]).await;
    let fetcher = fetcher(&["a.test", "b.test"], settings());
    let request = Request { token: Some("t0ken".into()), ..Request::of(first.url("a.test")) };
    assert_eq!(read(fetcher.get(&request).await.unwrap()).await.unwrap(), b"abcdef");
    assert!(first.seen().iter().all(|head| head.contains("x-auth-token: t0ken")), "{:?}", first.seen());
    assert_eq!(other.seen().len(), 2);
    assert!(!other.seen().concat().contains("t0ken"), "{:?}", other.seen());
}

#[rstest]
#[case("http://127.0.0.1/")]
#[case("http://2130706433/")]
#[case("http://[::ffff:127.0.0.1]/")]
#[case("http://local.test/")]
#[case("file:///etc/passwd")]
#[tokio::test]
async fn a_redirect_passes_the_filter_again(#[case] to: &str) {
    let origin = Origin::start(vec![Reply::redirect(to)]).await;
    let names = Names::of(&[("moving.test", &["127.0.0.1"]), ("local.test", &["127.0.0.1"])]);
    let rules = FilterRules { allowed_ports: Vec::new(), ..FilterRules::default() };
    let fetcher = Fetcher::with_lookup(Filter::new(rules), settings(), names).unwrap();
    // The operator's own endpoint may be here; what it redirects to may not.
    let request = Request { trusted: true, ..Request::of(origin.url("moving.test")) };
    let error = fetcher.get(&request).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error:?}");
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn redirects_end_somewhere() {
    let origin = Origin::start(vec![Reply::redirect("/again"); 20]).await;
    let fetcher = fetcher(&["a.test"], settings());
    let error = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap_err();
    assert!(error.to_string().contains("more than 5 times") && !error.is_passing(), "{error}");
    assert_eq!(origin.seen().len(), 6);
}

#[tokio::test]
async fn a_status_is_told_and_says_whether_to_try_again() {
    let reply = |status: &str| Reply::text(&format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
    let origin = Origin::start(vec![reply("404 Not Found"), reply("503 Busy")]).await;
    let fetcher = fetcher(&["a.test"], settings());
    let gone = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap_err();
    assert!(gone.to_string().ends_with("answered 404 Not Found") && !gone.is_passing(), "{gone}");
    let busy = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap_err();
    assert!(busy.is_passing(), "{busy}");
}
