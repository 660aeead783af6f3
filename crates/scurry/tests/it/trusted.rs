// SPDX-License-Identifier: Apache-2.0
//! `scurry image-api` behind an authenticating proxy.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{said, scurry, text};

fn conf(folder: &Path, host: &str) -> PathBuf {
    let file = folder.join("glance-api.conf");
    let content = format!(
        "[DEFAULT]\nbind_host = {host}\nbind_port = 0\nenabled_backends = a:file\n[glance_store]\n\
         default_backend = a\n[a]\nfilesystem_store_datadir = {0}/images\n[os_glance_staging_store]\n\
         filesystem_store_datadir = {0}/staging\n[database]\nconnection = sqlite:///{0}/glance.db\n\
         [scurry]\ntrusted_headers = True\n",
        text(folder)
    );
    std::fs::write(&file, content).unwrap();
    file
}

#[test]
fn headers_are_not_believed_where_anybody_could_send_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = conf(folder.path(), "0.0.0.0");
    let refused = scurry(&["image-api", "--config-file", text(&file)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("[scurry] trusted_headers"), "{}", said(&refused));
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(socket: &Path, headers: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET /v2/images HTTP/1.1\r\nHost: images\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_proxy_on_a_unix_socket_names_the_callers() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("image.sock");
    let file = conf(folder.path(), &format!("unix:{}", text(&socket)));
    // One that a process left behind is no obstacle.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let child = Command::new(env!("CARGO_BIN_EXE_scurry"))
        .args(["image-api", "--config-file", text(&file)])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    while UnixStream::connect(&socket).is_err() {
        assert!(running.0.try_wait().unwrap().is_none(), "the service ended");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let known = ask(&socket, "X-Identity-Status: Confirmed\r\nX-Project-Id: p1\r\nX-Roles: reader\r\n");
    assert!(known.starts_with("HTTP/1.1 200"), "{known}");
    let nobody = ask(&socket, "X-Project-Id: p1\r\nX-Roles: admin\r\n");
    assert!(nobody.starts_with("HTTP/1.1 401"), "{nobody}");
}
