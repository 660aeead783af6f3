// SPDX-License-Identifier: Apache-2.0
//! tgtd of Debian with one file-backed LUN, on a port and a control socket of its own.

use std::{
    fs::File,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use scurry_iscsi::{LoginOptions, Lun, PathTo, PathsOptions, Target};

pub(crate) const NAME: &str = "iqn.2026-01.test:vol1";
pub(crate) const INITIATOR: &str = "iqn.2026-01.test:initiator";
/// The LUN that tgtd's first disk has.
pub(crate) const LUN: Lun = Lun::from_bytes([0, 1, 0, 0, 0, 0, 0, 0]);

/// Debian keeps them where an ordinary user's PATH does not look.
fn program(name: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(name);
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

pub(crate) struct Tgt {
    pub(crate) port: u16,
    directory: tempfile::TempDir,
    child: Child,
    settings: Vec<Vec<String>>,
    block_size: String,
}

impl Tgt {
    /// A target that lets everybody in.
    pub(crate) async fn start(size: u64) -> Self {
        Self::start_with(size, &[]).await
    }

    /// A target after these further `tgtadm` calls.
    pub(crate) async fn start_with(size: u64, settings: &[&str]) -> Self {
        Self::make(size, settings, "512").await
    }

    /// A target whose disk has blocks of so many bytes.
    pub(crate) async fn start_of_blocks(size: u64, block_size: &str) -> Self {
        Self::make(size, &[], block_size).await
    }

    async fn make(size: u64, settings: &[&str], block_size: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        File::create(directory.path().join("lun")).unwrap().set_len(size).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(|call| call.split(' ').map(str::to_owned).collect()).collect();
        let child = spawn(&directory, port);
        let tgt = Self { port, directory, child, settings, block_size: block_size.to_owned() };
        tgt.configure().await;
        tgt
    }

    /// The file behind the LUN.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("lun")
    }

    /// As `kill -9` does it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port, with the same disk.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.directory, self.port);
        self.configure().await;
    }

    pub(crate) fn target(&self) -> Target {
        Target { portal: format!("127.0.0.1:{}", self.port).parse().unwrap(), name: NAME.to_owned() }
    }

    pub(crate) fn adm(&self, arguments: &[&str]) -> Output {
        let mut command = program("tgtadm");
        command.env("TGT_IPC_SOCKET", self.directory.path().join("s"));
        command.args(["-C", "1", "--lld", "iscsi"]).args(arguments).output().unwrap()
    }

    fn must(&self, call: &str) {
        let output = self.adm(&call.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{call}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// LUN 1 over the file, as long as that is now.
    pub(crate) fn make_lun(&self) {
        let (file, block_size) = (self.file(), &self.block_size);
        let lun = format!("--mode logicalunit --op new --tid 1 --lun 1 -b {}", file.display());
        self.must(&format!("{lun} --blocksize {block_size}"));
        self.must("--mode logicalunit --op update --tid 1 --lun 1 --params thin_provisioning=1");
    }

    async fn configure(&self) {
        for _ in 0..500 {
            if self.adm(&["--mode", "sys", "--op", "show"]).status.success() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.must(&format!("--mode target --op new --tid 1 -T {NAME}"));
        self.make_lun();
        for call in &self.settings {
            self.must(&call.join(" "));
        }
        self.must("--mode target --op bind --tid 1 -I ALL");
    }
}

fn spawn(directory: &tempfile::TempDir, port: u16) -> Child {
    let log = File::create(directory.path().join("log")).unwrap();
    program("tgtd")
        .args(["-f", "-C", "1", "--iscsi", &format!("portal=127.0.0.1:{port}")])
        .env("TGT_IPC_SOCKET", directory.path().join("s"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("tgtd, which scripts/test installs (Debian's package tgt)")
}

impl Drop for Tgt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn options() -> LoginOptions {
    LoginOptions::new(INITIATOR)
}

pub(crate) fn path_to(port: u16) -> PathTo {
    let portal = format!("127.0.0.1:{port}").parse().unwrap();
    PathTo { target: Target { portal, name: NAME.to_owned() }, lun: LUN }
}

pub(crate) fn paths_options() -> PathsOptions {
    PathsOptions::new(options())
}
