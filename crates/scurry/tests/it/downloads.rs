// SPDX-License-Identifier: Apache-2.0
//! Downloads over real sockets: several on one connection, slow clients, clients that go away, files that shrink.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::text;

const MIB: usize = 1 << 20;
const CALLER: &str = "Host: images\r\nX-Identity-Status: Confirmed\r\nX-Project-Id: p1\r\nX-User-Id: u1\r\n\
                      X-Roles: admin,member\r\n";

/// `scurry image-api` with one image; it ends with the test.
struct Service {
    folder: tempfile::TempDir,
    child: Child,
    address: String,
    image: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u8).collect()
}

impl Service {
    fn start(data: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = text(folder.path());
        let conf = format!(
            "[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 0\nenabled_backends = a:file\n[glance_store]\n\
             default_backend = a\n[a]\nfilesystem_store_datadir = {path}/images\n[os_glance_staging_store]\n\
             filesystem_store_datadir = {path}/staging\n[database]\nconnection = sqlite:///{path}/glance.db\n\
             [scurry]\ntrusted_headers = True\n"
        );
        let file = folder.path().join("glance-api.conf");
        std::fs::write(&file, conf).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_scurry"))
            .args(["--log-format", "json", "image-api", "--config-file", text(&file)])
            .env_remove("SCURRY_LOG")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the service ended");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let from = line.find("127.0.0.1:").unwrap();
        let address = line[from..].split(['"', ' ', '\n', '\\']).next().unwrap().to_owned();
        let mut service = Self { folder, child, address, image: String::new() };
        service.image = service.create();
        let mut put = service.connect();
        let head = format!(
            "PUT /v2/images/{}/file HTTP/1.1\r\n{CALLER}Content-Type: application/octet-stream\r\n\
             Content-Length: {}\r\n\r\n",
            service.image,
            data.len()
        );
        put.write_all(head.as_bytes()).unwrap();
        put.write_all(data).unwrap();
        assert!(head_of(&mut put).starts_with("HTTP/1.1 204"));
        service
    }

    fn create(&self) -> String {
        let body = r#"{"disk_format":"raw","container_format":"bare"}"#;
        let mut post = self.connect();
        let head = "Content-Type: application/json\r\nConnection: close";
        let len = body.len();
        write!(post, "POST /v2/images HTTP/1.1\r\n{CALLER}{head}\r\nContent-Length: {len}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        post.read_to_string(&mut answer).unwrap();
        let (_, id) = answer.split_once(r#""id":"#).unwrap();
        id.split('"').nth(1).unwrap().to_owned()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    fn get(&self, range: &str) -> String {
        format!("GET /v2/images/{}/file HTTP/1.1\r\n{CALLER}{range}\r\n", self.image)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("images").join(&self.image)
    }

    /// Waits until nobody has the image file open any more.
    fn wait_until_unread(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.reads() {
            assert!(Instant::now() < deadline, "the image file is still open");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Whether the service has the image's file open.
    fn reads(&self) -> bool {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).any(|file| file == self.path())
    }
}

/// Everything up to the empty line, one byte at a time so that nothing of the body is lost.
fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn body_of(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut body = vec![0; len];
    stream.read_exact(&mut body).unwrap();
    body
}

#[test]
fn requests_on_one_connection_are_answered_one_after_the_other() {
    let data = content(9 * MIB + 5);
    let service = Service::start(&data);
    let mut stream = service.connect();
    let ranges = [(0, 9 * MIB + 4), (5, 5), (MIB - 1, 6 * MIB), (9 * MIB, 9 * MIB + 4), (0, 300_000)];
    let asked: String =
        ranges.iter().map(|(first, last)| service.get(&format!("Range: bytes={first}-{last}\r\n"))).collect();
    stream.write_all((asked + &service.get("")).as_bytes()).unwrap();
    for (first, last) in ranges {
        let head = head_of(&mut stream);
        assert!(head.starts_with("HTTP/1.1 206"), "{head}");
        assert!(body_of(&mut stream, last + 1 - first) == data[first..=last], "{first}-{last} came wrong");
    }
    assert!(head_of(&mut stream).starts_with("HTTP/1.1 200"));
    assert!(body_of(&mut stream, data.len()) == data);
}

#[test]
fn a_client_that_reads_slowly_gets_everything_and_holds_up_nobody() {
    let data = content(20 * MIB);
    let service = Service::start(&data);
    let mut slow = service.connect();
    slow.write_all(service.get("").as_bytes()).unwrap();
    head_of(&mut slow);
    for _ in 0..3 {
        let mut other = service.connect();
        other.write_all(service.get("").as_bytes()).unwrap();
        head_of(&mut other);
        assert!(body_of(&mut other, data.len()) == data);
    }
    let mut received = Vec::new();
    while received.len() < data.len() {
        let next = (data.len() - received.len()).min(700_001);
        received.extend(body_of(&mut slow, next));
        std::thread::yield_now();
    }
    assert!(received == data);
}

#[test]
fn a_client_that_goes_away_leaves_nothing_open() {
    let service = Service::start(&content(40 * MIB));
    for _ in 0..5 {
        let mut gone = service.connect();
        gone.write_all(service.get("").as_bytes()).unwrap();
        head_of(&mut gone);
        body_of(&mut gone, 10_000);
    }
    service.wait_until_unread();
    let mut stream = service.connect();
    stream.write_all(service.get("Range: bytes=7-8\r\n").as_bytes()).unwrap();
    assert!(head_of(&mut stream).starts_with("HTTP/1.1 206"));
}

#[test]
fn a_file_that_shrinks_cuts_the_connection() {
    let data = content(60 * MIB);
    let service = Service::start(&data);
    let mut stream = service.connect();
    stream.write_all(service.get("").as_bytes()).unwrap();
    assert!(head_of(&mut stream).contains(&format!("content-length: {}", data.len())));
    File::options().write(true).open(service.path()).unwrap().set_len(50 * MIB as u64 + 9).unwrap();
    let mut received = Vec::new();
    // The end of the stream or a reset, but an end.
    let _ = stream.read_to_end(&mut received);
    assert!(received.len() < data.len());
    assert!(received == data[..received.len()], "no byte that never was in the file");
    service.wait_until_unread();
}
