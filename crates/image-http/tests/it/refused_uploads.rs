// SPDX-License-Identifier: Apache-2.0
//! Over a real connection: a client that sends everything before it listens still hears the refusal.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::TestApi;

/// More than the socket buffers of both sides hold.
const LEN: usize = 32 << 20;

async fn serve(api: &TestApi) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, api.app()).into_future());
    address
}

fn head(more: &str) -> String {
    format!(
        "PUT /v2/images/3f0e1c9a-5d0b-4f9b-9a53-0f8e4b7f2d11/file HTTP/1.1\r\nHost: images.test\r\nX-Auth-Token: \
         alice\r\nContent-Type: application/octet-stream\r\nContent-Length: {LEN}\r\n{more}\r\n"
    )
}

async fn status_line(connection: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refusal_arrives_after_the_whole_body_was_sent() {
    let api = TestApi::new().await;
    let mut connection = BufReader::new(TcpStream::connect(serve(&api).await).await.unwrap());
    connection.write_all(head("").as_bytes()).await.unwrap();
    let chunk = vec![7; 1 << 20];
    for _ in 0..LEN / chunk.len() {
        connection.write_all(&chunk).await.unwrap();
    }
    assert_eq!(status_line(&mut connection).await, "HTTP/1.1 404 Not Found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_for_100_hears_the_refusal_instead() {
    let api = TestApi::new().await;
    let mut connection = BufReader::new(TcpStream::connect(serve(&api).await).await.unwrap());
    connection.write_all(head("Expect: 100-continue\r\n").as_bytes()).await.unwrap();
    assert_eq!(status_line(&mut connection).await, "HTTP/1.1 404 Not Found");
}
