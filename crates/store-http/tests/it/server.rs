// SPDX-License-Identifier: Apache-2.0
//! A web server with one image.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use scurry_fetch::{FetchSettings, Filter, FilterRules, Proxies};
use scurry_store_http::{HttpStore, HttpStoreConfig};

#[derive(Debug, Default)]
pub struct Site {
    pub content: Mutex<Vec<u8>>,
    /// Whether parts are sent.
    pub parts: AtomicBool,
    /// Whether lengths are told.
    pub lengths: AtomicBool,
    pub tag: Mutex<String>,
    pub gets: AtomicUsize,
}

pub async fn start(content: &[u8], parts: bool) -> (Arc<Site>, String) {
    let site = Arc::new(Site {
        content: Mutex::new(content.to_vec()),
        parts: AtomicBool::new(parts),
        lengths: AtomicBool::new(true),
        tag: Mutex::new("\"one\"".to_owned()),
        gets: AtomicUsize::new(0),
    });
    let app = Router::new().fallback(answer).with_state(Arc::clone(&site));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://127.0.0.1:{}/image", listener.local_addr().unwrap().port());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (site, url)
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let content = site.content.lock().unwrap().clone();
    let tag = site.tag.lock().unwrap().clone();
    if request.uri().path() != "/image" {
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
    }
    let answer = Response::builder().header("etag", tag.as_str());
    if !site.lengths.load(Ordering::Relaxed) {
        let stream = Body::new(http_body(content));
        return answer.body(stream).unwrap();
    }
    if request.method() == Method::HEAD {
        return answer.header("content-length", content.len()).body(Body::empty()).unwrap();
    }
    site.gets.fetch_add(1, Ordering::Relaxed);
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let fresh = header("if-range").is_none_or(|value| value == tag);
    match header("range").filter(|_| fresh && site.parts.load(Ordering::Relaxed)) {
        None => answer.header("content-length", content.len()).body(Body::from(content)).unwrap(),
        Some(range) => {
            let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            let part = content[first..=last.min(content.len() - 1)].to_vec();
            answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header("content-range", format!("bytes {first}-{last}/{}", content.len()))
                .body(Body::from(part))
                .unwrap()
        }
    }
}

/// A body whose length nobody knows beforehand.
fn http_body(content: Vec<u8>) -> Body {
    let (sender, receiver) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let mut sender = sender;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut sender, &content).await;
    });
    Body::from_stream(tokio_util_stream(receiver))
}

fn tokio_util_stream(
    reader: tokio::io::DuplexStream,
) -> impl futures::Stream<Item = std::io::Result<bytes::Bytes>> {
    futures::stream::unfold(reader, |mut reader| async move {
        let mut piece = vec![0; 4096];
        match tokio::io::AsyncReadExt::read(&mut reader, &mut piece).await {
            Ok(0) => None,
            Ok(len) => {
                piece.truncate(len);
                Some((Ok(bytes::Bytes::from(piece)), reader))
            }
            Err(error) => Some((Err(error), reader)),
        }
    })
}

pub fn store(hosts: &[&str]) -> HttpStore {
    let rules = FilterRules {
        allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        allowed_ports: Vec::new(),
        ..FilterRules::default()
    };
    HttpStore::new(HttpStoreConfig {
        id: "web".into(),
        description: None,
        weight: 0,
        filter: Filter::new(rules),
        fetch: FetchSettings { proxies: Proxies::Direct, ..FetchSettings::default() },
    })
    .unwrap()
}
