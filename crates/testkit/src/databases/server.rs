// SPDX-License-Identifier: Apache-2.0
//! The servers themselves.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::DatabaseKind;

/// What the tests' user is known by; its signs must be escaped in an address.
const PASSWORD: &str = "p@ss/w:rd%";
const ESCAPED: &str = "p%40ss%2Fw%3Ard%25";

/// Stops the server when nobody holds the lock `use` for half a minute.
const WATCH: &str = r#"
free=0
while sleep 5; do
  if flock -n -x use true; then free=$((free + 1)); else free=0; fi
  [ $free -ge 6 ] || continue
  flock -x start sh -c 'flock -n -x use rm -f ready' || { free=0; continue; }
  [ -e ready ] && continue
  kill "$(head -n 1 "$1")" 2>/dev/null
  exit 0
done
"#;

struct Server {
    kind: DatabaseKind,
    dir: PathBuf,
}

/// Makes an empty database; the file is the lock that keeps the server up.
pub(super) fn database(kind: DatabaseKind, name: &str) -> (File, String) {
    let server = Server::new(kind);
    let (in_use, port) = server.up();
    match kind {
        DatabaseKind::Postgres => {
            server.sql(&format!("CREATE DATABASE {name} OWNER glance"));
        }
        _ => server.sql(&format!(
            "CREATE DATABASE {name} CHARACTER SET utf8mb3; GRANT ALL ON {name}.* TO glance@'%'"
        )),
    }
    let scheme = if kind == DatabaseKind::Postgres { "postgresql+psycopg2" } else { "mysql+pymysql" };
    (in_use, format!("{scheme}://glance:{ESCAPED}@127.0.0.1:{port}/{name}"))
}

/// Asks for a database's removal and does not wait: PostgreSQL drops none while a client is amid its first words to
/// it, and that client may be a task of the very thread that is here.
pub(super) fn remove(kind: DatabaseKind, name: &str) {
    let sql = match kind {
        DatabaseKind::Postgres => format!("DROP DATABASE {name} WITH (FORCE)"),
        // A transaction that nobody ends any more would keep it waiting.
        _ => format!("SET lock_wait_timeout = 2; DROP DATABASE {name}"),
    };
    let _ = Server::new(kind).client(&sql).spawn();
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|facts| std::os::unix::fs::MetadataExt::uid(&facts) == 0)
}

impl Server {
    fn new(kind: DatabaseKind) -> Self {
        let name = if kind == DatabaseKind::Postgres { "postgres" } else { "mariadb" };
        let user =
            std::env::var("USER").unwrap_or_else(|_| if is_root() { "root" } else { "tests" }.to_owned());
        Self { kind, dir: std::env::temp_dir().join(format!("scurry-{user}-{name}")) }
    }

    /// Starts the server unless it is up.
    fn up(&self) -> (File, u16) {
        fs::create_dir_all(&self.dir).expect("a directory for a database server");
        let lock = |name: &str| File::create(self.dir.join(name)).expect("a lock file");
        let (start, in_use) = (lock("start"), lock("use"));
        start.lock().expect("the lock of the start");
        let ready = self.dir.join("ready");
        let known = fs::read_to_string(&ready).ok().and_then(|port| port.trim().parse().ok());
        let port = known.filter(|_| self.answers()).unwrap_or_else(|| {
            let port = self.start();
            fs::write(&ready, port.to_string()).expect("a note of the port");
            port
        });
        in_use.lock_shared().expect("the lock of use");
        (in_use, port)
    }

    fn answers(&self) -> bool {
        self.client("SELECT 1").output().is_ok_and(|output| output.status.success())
    }

    #[allow(clippy::disallowed_methods, reason = "a test waits for its server before it begins")]
    fn start(&self) -> u16 {
        let data = self.dir.join("data");
        let _ = fs::remove_dir_all(&data);
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let pid = match self.kind {
            DatabaseKind::Postgres => self.start_postgres(&data, port),
            _ => self.start_mariadb(&data, port),
        };
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while !self.answers() {
            assert!(
                std::time::Instant::now() < deadline,
                "no answer; see {}",
                self.dir.join("log").display()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        match self.kind {
            DatabaseKind::Postgres => self.sql(&format!("CREATE USER glance PASSWORD '{PASSWORD}'")),
            _ => self.sql(&format!("CREATE USER glance@'%' IDENTIFIED BY '{PASSWORD}'")),
        }
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch"]).arg(&pid).current_dir(&self.dir).process_group(0);
        self.spawn(watch);
        port
    }

    fn start_postgres(&self, data: &Path, port: u16) -> PathBuf {
        if is_root() {
            let owner = Command::new("chown").arg("postgres").arg(&self.dir).status();
            assert!(owner.is_ok_and(|status| status.success()), "PostgreSQL refuses to run as root");
        }
        let initdb = ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-U", "postgres", "-D"];
        let mut make = self.postgres("initdb");
        must(make.args(initdb).arg(data));
        let mut run = self.postgres("postgres");
        run.arg("-D").arg(data).arg("-k").arg(&self.dir).args(["-p", &port.to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=300", "shared_buffers=64MB"]
        {
            run.args(["-c", setting]);
        }
        fs::write(self.dir.join("port"), port.to_string()).expect("a note of the port");
        let rules = "local all postgres trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).expect("rules of access");
        self.spawn(run);
        data.join("postmaster.pid")
    }

    /// A program of PostgreSQL's, as its user when this is root.
    fn postgres(&self, program: &str) -> Command {
        let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .map(|all| all.flatten().map(|one| one.path().join("bin").join(program)).collect())
            .unwrap_or_default();
        versions.retain(|path| path.exists());
        versions.sort();
        let path =
            versions.pop().unwrap_or_else(|| panic!("{program} is missing: apt-get install postgresql"));
        if !is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    }

    fn start_mariadb(&self, data: &Path, port: u16) -> PathBuf {
        let user = if is_root() { "--user=root" } else { "--user" };
        let data = format!("--datadir={}", data.display());
        let mut make = Command::new("mariadb-install-db");
        make.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data]);
        if is_root() {
            make.arg(user);
        }
        must(&mut make);
        let pid = self.dir.join("data/server.pid");
        let mut run = Command::new(if Path::new("/usr/sbin/mariadbd").exists() {
            "/usr/sbin/mariadbd"
        } else {
            "mariadbd"
        });
        run.args(["--no-defaults", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", &data]);
        run.args(["--skip-innodb-doublewrite", "--max-connections=300", "--skip-name-resolve"]);
        run.arg(format!("--port={port}")).arg(format!("--socket={}", self.dir.join("socket").display()));
        run.arg(format!("--pid-file={}", pid.display()));
        if is_root() {
            run.arg(user);
        }
        self.spawn(run);
        pid
    }

    /// Starts a program that outlives this one.
    #[expect(clippy::zombie_processes, reason = "others use it when this process is gone")]
    fn spawn(&self, mut command: Command) {
        let log = File::create(self.dir.join("log")).expect("a log file");
        let errors = log.try_clone().expect("a log file");
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }

    fn client(&self, sql: &str) -> Command {
        let mut client;
        if self.kind == DatabaseKind::Postgres {
            let port = fs::read_to_string(self.dir.join("port")).unwrap_or_default();
            client = Command::new("psql");
            client.args(["-qX", "-h", "127.0.0.1", "-U", "postgres", "-p", &port, "-c", sql]);
        } else {
            client = Command::new("mariadb");
            client.args(["--no-defaults", "-uroot", "-e", sql]);
            client.arg(format!("--socket={}", self.dir.join("socket").display()));
        }
        client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        client
    }

    fn sql(&self, sql: &str) {
        must(self.client(sql).stderr(Stdio::piped()));
    }
}

fn must(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
