# SPDX-License-Identifier: Apache-2.0
"""Databases to adopt: a file, or one of a server that is started for the session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from ..session import Failure, check, free_ports, until

HERE = Path(__file__).parent
KINDS = ("sqlite", "mysql", "postgres")


class Tables:
    """Asks databases through Glance's own SQLAlchemy."""

    def __init__(self, kind, venv):
        self.kind, self.venv = kind, venv

    def ask(self, what, url, *words, given=None):
        """What tables.py, run beside Glance, says."""
        done = subprocess.run([self.venv / "bin/python", HERE / "tables.py", what, url, *words], text=True, check=False,
                              capture_output=True, input=json.dumps(given) if given is not None else None)
        check(done.returncode == 0, f"tables.py {what}: {done.stdout[-500:]}{done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1]) if what != "upgrade" else None


class Databases(Tables):
    """Databases of one kind, in `work`."""

    def __init__(self, kind, venv, work):
        super().__init__(kind, venv)
        self.work = Path(work) / kind
        self.work.mkdir(parents=True)
        self.work.chmod(0o755)
        self.server, self.port = None, None
        if kind == "mysql":
            self._mariadb()
        elif kind == "postgres":
            self._postgres()

    def make(self, name):
        """An empty database; gives its address."""
        if self.kind == "sqlite":
            return f"sqlite:///{self.work}/{name}.db?timeout=60"
        if self.kind == "mysql":
            self._client(f"CREATE DATABASE {name} CHARACTER SET utf8mb3; GRANT ALL ON {name}.* TO glance@'%'")
            return f"mysql+pymysql://glance:glance@127.0.0.1:{self.port}/{name}?charset=utf8"
        self._client(f"CREATE DATABASE {name} OWNER glance")
        return f"postgresql+psycopg2://glance:glance@127.0.0.1:{self.port}/{name}"

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                self.server.kill()

    def _run(self, words):
        log = open(self.work / "server.log", "ab")
        self.server = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)

    def _client(self, sql):
        done = self._try(sql)
        check(done.returncode == 0, f"{sql}: {done.stderr}")

    def _try(self, sql):
        if self.kind == "mysql":
            words = ["mariadb", "--no-defaults", "-uroot", f"--socket={self.work}/socket", "-e", sql]
        else:
            words = ["psql", "-qX", "-h", "127.0.0.1", "-U", "postgres", "-p", str(self.port), "-c", sql]
        return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    def _ready(self):
        check(self.server.poll() is None, f"the database server ended: see {self.work}/server.log")
        return self._try("SELECT 1").returncode == 0

    def _mariadb(self):
        user = ["--user=root"] if os.geteuid() == 0 else []
        data = f"--datadir={self.work}/data"
        _must(["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", data, *user])
        self.port = free_ports(1)[0]
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self._run([program, "--no-defaults", "--bind-address=127.0.0.1", data, *user, f"--port={self.port}",
                   f"--socket={self.work}/socket", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"])
        until(self._ready, "MariaDB to answer", 60)
        self._client("CREATE USER glance@'%' IDENTIFIED BY 'glance'")

    def _postgres(self):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        check(programs, "PostgreSQL is not installed: apt-get install postgresql")
        # PostgreSQL refuses to run as root.
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if as_user:
            shutil.chown(self.work, "postgres")
        _must([*as_user, programs[-1] / "initdb", "-A", "trust", "-E", "UTF8", "--locale=C", "-U", "postgres", "-D", self.work / "data"])
        self.port = free_ports(1)[0]
        self._run([*as_user, programs[-1] / "postgres", "-D", self.work / "data", "-k", self.work, "-p", self.port,
                   "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        until(self._ready, "PostgreSQL to answer", 60)
        self._client("CREATE USER glance PASSWORD 'glance'")


def _must(words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{words[0]}: {done.stdout}{done.stderr}")
