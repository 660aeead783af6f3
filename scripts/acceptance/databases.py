# SPDX-License-Identifier: Apache-2.0
"""Database servers of a session's own: PostgreSQL and MariaDB on free ports, their data below the session's directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.parse
from pathlib import Path

from .session import Failure, check, free_ports, until

KINDS = ("sqlite", "postgres", "mysql")
# Its signs must be escaped in an address, as an operator's may have to be.
PASSWORD = "p@ss/w:rd%"


def open_database(kind, work):
    """A database of that kind for one session below the directory `work`; to be stopped at the end."""
    return {"sqlite": Sqlite, "postgres": Postgres, "mysql": MariaDb}[kind](Path(work)).start()


class Sqlite:
    """A file a database; there is no server."""

    def __init__(self, work):
        self.work = work

    def start(self):
        return self

    def create(self, name):
        """An empty database; its address as [database] connection has it."""
        return f"sqlite:///{self.work.resolve()}/{name}.db"

    def rows(self, name, sql):
        """The rows of a query, each a list of texts; NULL is the empty text."""
        import sqlite3
        with sqlite3.connect(f"file:{self.work.resolve()}/{name}.db?mode=ro", uri=True, timeout=60) as connection:
            return [["" if value is None else str(value) for value in row] for row in connection.execute(sql)]

    def load(self, name, statements):
        """Runs many statements, as one transaction."""
        import sqlite3
        with sqlite3.connect(self.work / f"{name}.db") as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def size(self, name):
        """Bytes of the database."""
        return (self.work / f"{name}.db").stat().st_size

    def stop(self):
        pass


class Server:
    """What both servers have in common."""

    def __init__(self, work):
        self.dir = (work / self.name).resolve()
        (self.port,) = free_ports(1)
        self.process = None

    def start(self):
        self.dir.mkdir(parents=True)
        self.make()
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            until(self.answers, f"{self.name} to answer ({self.dir}/log)", 120, 0.2)
            self.user()
        except BaseException:
            self.stop()
            raise
        return self

    def answers(self):
        check(self.process.poll() is None, f"{self.name} ended: {(self.dir / 'log').read_text()[-2000:]}")
        return self.client("SELECT 1").returncode == 0

    def sql(self, text, database=None):
        done = self.client(text, database)
        check(done.returncode == 0, f"{self.name}: {text}: {done.stderr}")
        return done.stdout

    def rows(self, name, sql):
        """The rows of a query, each a list of texts; NULL is the empty text or the word NULL."""
        return [line.split("\t") for line in self.sql(sql, name).splitlines()]

    def load(self, name, statements):
        """Runs many statements, as one transaction; then the server counts what it has, as it would by itself in a while."""
        script = self.dir / "load.sql"
        with open(script, "w") as file:
            file.writelines(["BEGIN;\n", *statements, "COMMIT;\n"])
        with open(script) as file:
            done = subprocess.run(self.words(name), stdin=file, capture_output=True, text=True, check=False)
        script.unlink()
        check(done.returncode == 0, f"{self.name}: {done.stderr[:2000]}")
        self.count(name)

    def client(self, sql, database=None):
        return subprocess.run([*self.words(database), self.query, sql], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)

    def address(self, scheme, name):
        return f"{scheme}://glance:{urllib.parse.quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"

    def stop(self):
        """Stops the server and takes its data away."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir / "data", ignore_errors=True)


class Postgres(Server):
    name, query = "postgres", "-c"

    def program(self, name):
        """PostgreSQL refuses to run as root: then its own user runs it."""
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        if not found:
            raise Failure(f"{name} is missing: apt-get install postgresql")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return [*as_user, str(found[-1])]

    def make(self):
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres")
            for parent in self.dir.parents:
                check(parent.stat().st_mode & 0o001, f"{parent} is closed to the user postgres: chmod o+x {parent}")
        run([*self.program("initdb"), "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-U", "postgres",
             "-D", self.dir / "data"], cwd=self.dir)
        rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.dir / "data/pg_hba.conf").write_text(rules)

    def command(self):
        settings = ("listen_addresses=127.0.0.1", "fsync=off", "max_connections=200", "shared_buffers=64MB")
        return [*self.program("postgres"), "-D", self.dir / "data", "-k", self.dir, "-p", str(self.port),
                *(word for setting in settings for word in ("-c", setting))]

    def words(self, database):
        return ["psql", "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres",
                "-p", str(self.port), "-d", database or "postgres"]

    def count(self, name):
        self.sql("VACUUM ANALYZE", name)

    def size(self, name):
        """Bytes of the database."""
        return int(self.sql(f"SELECT pg_database_size('{name}')"))

    def user(self):
        self.sql(f"CREATE USER glance PASSWORD '{PASSWORD}'")

    def create(self, name):
        """An empty database; its address as [database] connection has it."""
        self.sql(f'CREATE DATABASE "{name}" OWNER glance')
        return self.address("postgresql+psycopg2", name)


class MariaDb(Server):
    name, query = "mariadb", "-e"

    def make(self):
        run(["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
             f"--datadir={self.dir}/data", *self.as_user()])

    @staticmethod
    def as_user():
        return ["--user=root"] if os.geteuid() == 0 else []

    def command(self):
        program = "/usr/sbin/mariadbd" if Path("/usr/sbin/mariadbd").exists() else "mariadbd"
        return [program, "--no-defaults", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0",
                "--skip-innodb-doublewrite", "--max-connections=200", "--skip-name-resolve", f"--port={self.port}",
                f"--datadir={self.dir}/data", f"--socket={self.dir}/socket", f"--pid-file={self.dir}/pid",
                *self.as_user()]

    def words(self, database):
        return ["mariadb", "--no-defaults", "-uroot", f"--socket={self.dir}/socket", "-N", "-B",
                *([f"--database={database}"] if database else [])]

    def count(self, name):
        tables = ", ".join(row[0] for row in self.rows(name, "SHOW TABLES"))
        self.sql(f"ANALYZE TABLE {tables}", name)

    def size(self, name):
        """Bytes of the database, by its own estimate."""
        return int(self.sql(f"SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = '{name}'"))

    def user(self):
        self.sql(f"CREATE USER glance@'%' IDENTIFIED BY '{PASSWORD}'")

    def create(self, name):
        """An empty database; its address as [database] connection has it."""
        self.sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb3; GRANT ALL ON `{name}`.* TO glance@'%'")
        return self.address("mysql+pymysql", name) + "?charset=utf8"


def run(words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          check=False, **options)
    check(done.returncode == 0, f"{words[0]} failed: {done.stdout}{done.stderr}")
