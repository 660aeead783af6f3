// SPDX-License-Identifier: Apache-2.0
//! A server that answers as a test says, and names that lead where a test says.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use scurry_fetch::{FetchError, FetchSettings, Fetched, Fetcher, Filter, FilterRules, Lookup, Proxies};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, then the connection is closed.
    Raw(Vec<u8>),
    /// These bytes, then nothing, but the connection stays.
    Hang(Vec<u8>),
    /// This head, then a byte now and then for ever.
    Drip(Vec<u8>, Duration),
}

impl Reply {
    pub fn text(text: &str) -> Self {
        Self::Raw(text.as_bytes().to_vec())
    }

    pub fn whole(body: &[u8], headers: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        Self::Raw([head.as_bytes(), body].concat())
    }

    pub fn redirect(to: &str) -> Self {
        Self::text(&format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
    }
}

/// The server.
#[derive(Debug)]
pub struct Origin {
    pub port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// Answers one request after the other with these.
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let replies: Arc<Mutex<VecDeque<Reply>>> = Arc::new(Mutex::new(replies.into()));
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&replies), Arc::clone(&log)));
            }
        });
        Self { port, seen }
    }

    /// The heads of the requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/image", self.port)
    }
}

async fn serve(mut stream: TcpStream, replies: Arc<Mutex<VecDeque<Reply>>>, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(len) => head.extend_from_slice(&piece[..len]),
        }
    }
    seen.lock().unwrap().push(String::from_utf8_lossy(&head).to_lowercase());
    let reply = replies.lock().unwrap().pop_front();
    let _ = match reply {
        None => stream.write_all(b"HTTP/1.1 500 None\r\nContent-Length: 0\r\n\r\n").await,
        Some(Reply::Raw(bytes)) => stream.write_all(&bytes).await,
        Some(Reply::Hang(bytes)) => {
            let sent = stream.write_all(&bytes).await;
            tokio::time::sleep(Duration::from_secs(600)).await;
            sent
        }
        Some(Reply::Drip(bytes, pause)) => {
            let mut sent = stream.write_all(&bytes).await;
            while sent.is_ok() {
                tokio::time::sleep(pause).await;
                sent = stream.write_all(b"x").await;
            }
            sent
        }
    };
    let _ = stream.shutdown().await;
}

/// Names whose addresses change with every look.
#[derive(Debug, Default)]
pub struct Names(Mutex<Vec<(String, VecDeque<IpAddr>)>>);

impl Names {
    pub fn of(names: &[(&str, &[&str])]) -> Arc<Self> {
        let parse = |list: &[&str]| list.iter().map(|one| one.parse().unwrap()).collect();
        let names = names.iter().map(|(name, list)| ((*name).to_owned(), parse(list))).collect();
        Arc::new(Self(Mutex::new(names)))
    }
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().unwrap();
        let found = names.iter_mut().find(|(name, _)| name == host).ok_or(io::ErrorKind::NotFound)?;
        let first = if found.1.len() > 1 { found.1.pop_front() } else { found.1.front().copied() };
        Ok(first.into_iter().collect())
    }
}

pub fn settings() -> FetchSettings {
    FetchSettings {
        proxies: Proxies::Direct,
        resume_pause: Duration::from_millis(1),
        ..FetchSettings::default()
    }
}

/// Any port; these hosts may be anywhere.
pub fn fetcher(hosts: &[&str], settings: FetchSettings) -> Fetcher {
    let rules = FilterRules {
        allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        allowed_ports: Vec::new(),
        ..FilterRules::default()
    };
    let names: Vec<(&str, &[&str])> = hosts.iter().map(|&host| (host, &["127.0.0.1"][..])).collect();
    Fetcher::with_lookup(Filter::new(rules), settings, Names::of(&names)).unwrap()
}

pub async fn read(mut fetched: Fetched) -> Result<Vec<u8>, FetchError> {
    let mut all = Vec::new();
    while let Some(bytes) = fetched.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}
