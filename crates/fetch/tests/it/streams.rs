// SPDX-License-Identifier: Apache-2.0
//! Bodies that break off, stall, lie about their length, or never end.

use std::time::Duration;

use scurry_fetch::{FetchError, FetchSettings, Request};

use crate::origin::*;

const PART: &str = "HTTP/1.1 206 Part\r\nETag: \"e\"\r\n";

#[tokio::test]
async fn a_broken_download_goes_on_where_it_was() {
    let origin = Origin::start(vec![
        Reply::text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n0123"),
        Reply::text("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
        Reply::text(&format!("{PART}Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n45")),
        Reply::text(&format!("{PART}Content-Range: bytes 6-9/10\r\nContent-Length: 4\r\n\r\n6789")),
    ])
    .await;
    let fetcher = fetcher(&["a.test"], settings());
    let fetched = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap();
    assert_eq!(read(fetched).await.unwrap(), b"0123456789");
    let seen = origin.seen();
    assert!(seen[1].contains("range: bytes=4-9") && seen[1].contains("if-range: \"e\""), "{}", seen[1]);
    assert!(seen[3].contains("range: bytes=6-9"), "{}", seen[3]);
}

#[tokio::test]
async fn other_bytes_are_never_put_behind_the_first() {
    let changed = [
        Reply::whole(b"something new", "ETag: \"f\"\r\n"),
        Reply::text(&format!("{PART}Content-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n0123456789")),
        // Servers that look at Range only.
        Reply::text(&format!(
            "{}Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\nothers",
            PART.replace("\"e\"", "\"f\"")
        )),
        Reply::text(&format!("{PART}Content-Range: bytes 4-9/12\r\nContent-Length: 6\r\n\r\nothers")),
    ];
    for reply in changed {
        let origin = Origin::start(vec![
            Reply::text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n0123"),
            reply,
        ])
        .await;
        let fetcher = fetcher(&["a.test"], settings());
        let fetched = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap();
        let error = read(fetched).await.unwrap_err();
        assert!(matches!(error, FetchError::Broken { .. }) && error.is_passing(), "{error:?}");
        assert!(error.to_string().contains("other bytes"), "{error}");
    }
}

#[tokio::test]
async fn a_part_of_another_version_is_known() {
    let other = format!(
        "{}Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\nothers",
        PART.replace("\"e\"", "\"f\"")
    );
    let origin = Origin::start(vec![Reply::text(&other)]).await;
    let fetcher = fetcher(&["a.test"], settings());
    let version = http::HeaderValue::from_static("\"e\"");
    let request =
        Request { range: Some(4..10), if_range: Some(version.clone()), ..Request::of(origin.url("a.test")) };
    let fetched = fetcher.get(&request).await.unwrap();
    assert!(fetched.is_part() && !fetched.is_of(&version));
}

#[tokio::test]
async fn nothing_is_taken_up_that_cannot_be_told_apart() {
    let origin = Origin::start(vec![Reply::text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123")]).await;
    let fetcher = fetcher(&["a.test"], settings());
    let fetched = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap();
    assert!(read(fetched).await.unwrap_err().is_passing());
    assert_eq!(origin.seen().len(), 1);
}

#[tokio::test]
async fn a_body_without_length_ends_with_its_last_chunk_only() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let origin = Origin::start(vec![
        Reply::text(&format!("{head}4\r\n0123\r\n0\r\n\r\n")),
        Reply::text(&format!("{head}4\r\n0123\r\n")),
    ])
    .await;
    let fetcher = fetcher(&["a.test"], settings());
    let whole = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap();
    assert_eq!(whole.total(), None);
    assert_eq!(read(whole).await.unwrap(), b"0123");
    let cut = fetcher.get(&Request::of(origin.url("a.test"))).await.unwrap();
    assert!(read(cut).await.is_err());
}

#[tokio::test]
async fn silence_and_trickles_do_not_hold_a_reader() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    let quick = FetchSettings { idle_timeout: Duration::from_millis(200), ..settings() };
    let origin = Origin::start(vec![Reply::Hang(head.clone()), Reply::Hang(Vec::new())]).await;
    let fetcher_ = fetcher(&["a.test"], quick);
    let fetched = fetcher_.get(&Request::of(origin.url("a.test"))).await.unwrap();
    let error = read(fetched).await.unwrap_err();
    assert!(error.to_string().contains("sends nothing any more"), "{error}");
    let error = fetcher_.get(&Request::of(origin.url("a.test"))).await.unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");

    let paced = FetchSettings { pace_window: Duration::from_millis(100), ..settings() };
    let origin = Origin::start(vec![Reply::Drip(head, Duration::from_millis(5))]).await;
    let fetcher_ = fetcher(&["a.test"], paced);
    let fetched = fetcher_.get(&Request::of(origin.url("a.test"))).await.unwrap();
    let error = read(fetched).await.unwrap_err();
    assert!(error.to_string().contains("too few") && !error.is_passing(), "{error}");
}

#[tokio::test]
async fn parts_and_lengths_are_asked_for() {
    let origin = Origin::start(vec![
        Reply::text("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"),
        Reply::text("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n"),
        Reply::text(&format!("{PART}Content-Range: bytes 0-0/88\r\nContent-Length: 1\r\n\r\nx")),
        Reply::text(&format!("{PART}Content-Range: bytes 2-3/88\r\nContent-Length: 2\r\n\r\nyz")),
    ])
    .await;
    let fetcher = fetcher(&["a.test"], settings());
    let request = Request::of(origin.url("a.test"));
    assert_eq!(fetcher.describe(&request).await.unwrap().len, Some(77));
    assert_eq!(fetcher.describe(&request).await.unwrap().len, Some(88));
    assert!(origin.seen()[0].starts_with("head ") && origin.seen()[1].starts_with("head "));
    let part = fetcher.get(&Request { range: Some(2..4), ..request }).await.unwrap();
    assert_eq!((part.position(), part.total()), (2, Some(88)));
    assert_eq!(read(part).await.unwrap(), b"yz");
}
