// SPDX-License-Identifier: Apache-2.0
//! What is not connected to, however it is dressed.

use std::sync::Arc;

use scurry_fetch::{FetchError, Fetcher, Filter, FilterRules, Proxies, Request};

use crate::origin::*;

fn open_ports() -> Filter {
    Filter::new(FilterRules { allowed_ports: Vec::new(), ..FilterRules::default() })
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_caught_when_connecting() {
    let origin = Origin::start(vec![Reply::whole(b"secret", "")]).await;
    let names = Names::of(&[("moving.test", &["93.184.215.14", "127.0.0.1"])]);
    let fetcher = Fetcher::with_lookup(open_ports(), settings(), names).unwrap();
    let url = origin.url("moving.test");
    fetcher.check(&url).await.unwrap();
    let error = fetcher.get(&Request::of(&url)).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error:?}");
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn names_of_this_machine_and_unknown_ones_do_not_pass() {
    let names = Names::of(&[("local.test", &["127.0.0.1"]), ("meta.test", &["169.254.169.254"])]);
    let fetcher = Fetcher::with_lookup(open_ports(), settings(), names).unwrap();
    for host in ["local.test", "meta.test"] {
        let said = fetcher.check(&format!("http://{host}/x")).await.unwrap_err();
        assert!(said.to_string().contains("no address that is allowed"), "{said}");
    }
    let said = fetcher.check("http://nowhere.test/x").await.unwrap_err();
    assert!(matches!(said, FetchError::Refused { .. }) && said.to_string().contains("unknown"), "{said}");
}

#[tokio::test]
async fn the_system_knows_localhost_and_the_filter_too() {
    let fetcher = Fetcher::new(open_ports(), settings()).unwrap();
    for url in ["http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/", "http://0.0.0.0:1/"] {
        assert!(matches!(fetcher.check(url).await, Err(FetchError::Refused { .. })), "{url}");
        assert!(matches!(fetcher.get(&Request::of(url)).await, Err(FetchError::Refused { .. })), "{url}");
    }
}

#[tokio::test]
async fn a_listed_host_is_read_from_this_machine() {
    let origin = Origin::start(vec![Reply::whole(b"image", "")]).await;
    let rules = FilterRules {
        allowed_hosts: vec!["127.0.0.1".to_owned()],
        allowed_ports: vec![origin.port],
        ..FilterRules::default()
    };
    let fetcher = Fetcher::new(Filter::new(rules), settings()).unwrap();
    let fetched = fetcher.get(&Request::of(origin.url("127.0.0.1"))).await.unwrap();
    assert_eq!(fetched.total(), Some(5));
    assert_eq!(read(fetched).await.unwrap(), b"image");
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_name_and_the_filter_still_holds() {
    let proxy = Origin::start(vec![Reply::whole(b"by proxy", "")]).await;
    let given = Proxies::Given { http: Some(format!("http://127.0.0.1:{}", proxy.port)), https: None };
    let names = Names::of(&[("mirror.test", &["93.184.215.14"]), ("local.test", &["127.0.0.1"])]);
    let settings = scurry_fetch::FetchSettings { proxies: given, ..settings() };
    let fetcher = Fetcher::with_lookup(open_ports(), settings, names).unwrap();
    let fetched = fetcher.get(&Request::of("http://mirror.test:8080/a")).await.unwrap();
    assert_eq!(read(fetched).await.unwrap(), b"by proxy");
    assert!(proxy.seen()[0].starts_with("get http://mirror.test:8080/a http/1.1"), "{:?}", proxy.seen());
    // A name only the proxy can look up is the proxy's business; one of this machine is refused here.
    fetcher.check("http://elsewhere.test/a").await.unwrap();
    let refused = fetcher.get(&Request::of("http://local.test/a")).await;
    assert!(matches!(refused, Err(FetchError::Refused { .. })), "{refused:?}");
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn certificates_count_unless_told_otherwise() {
    // Not TLS at all: what matters is that a broken handshake is an error of the connection.
    let origin = Origin::start(vec![Reply::text("no tls")]).await;
    let fetcher = fetcher(&["a.test"], settings());
    let url = origin.url("a.test").replace("http:", "https:");
    let error = fetcher.get(&Request::of(url)).await.unwrap_err();
    assert!(matches!(error, FetchError::Broken { .. }) && error.is_passing(), "{error:?}");
    let missing = scurry_fetch::FetchSettings { ca_file: Some("/nowhere/ca.pem".into()), ..settings() };
    let error =
        Fetcher::with_lookup(open_ports(), missing, Arc::new(scurry_fetch::SystemLookup)).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}
