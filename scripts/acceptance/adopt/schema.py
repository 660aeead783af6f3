# SPDX-License-Identifier: Apache-2.0
"""Glance's schema is our schema: what alembic makes and what `scurry db` makes, compared by the database's own catalog."""

from __future__ import annotations

import json
import subprocess

from ..session import check, equal

EARLIER, NEWEST = "2023_1_contract01", "2024_1_contract01"


class Schemas:
    """One kind of database."""

    def __init__(self, databases, binary, work):
        self.databases, self.binary, self.work = databases, binary, work

    def run(self):
        theirs = self.databases.make("theirs")
        self.databases.ask("upgrade", theirs, "heads")
        ours = self.databases.make("ours")
        self.scurry("sync", ours)
        self.same(theirs, ours, "scurry db sync")
        self.glance_is_content(ours)
        self.earlier()
        self.step_by_step(theirs)
        self.refused()
        return theirs

    def same(self, theirs, ours, what):
        theirs, ours = (self.databases.ask("describe", url) for url in (theirs, ours))
        for kind in theirs:
            for row in theirs[kind]:
                check(row in ours[kind], f"{what}: {kind}: {row} is missing; there is {[one for one in ours[kind] if one[0] == row[0]]}")
            for row in ours[kind]:
                check(row in theirs[kind], f"{what}: {kind}: {row} is not Glance's")

    def glance_is_content(self, url):
        """Glance's own tools find nothing to do."""
        conf = self.conf(url, "content")
        for words, code, text in ((["db", "sync"], 0, "No migrations needed"), (["db", "version"], 0, NEWEST),
                                  (["db", "check"], 0, "No upgrades needed")):
            if words[1] == "check" and self.databases.kind == "postgres":
                continue  # Glance checks MySQL and SQLite only
            done = subprocess.run([self.databases.venv / "bin/glance-manage", "--config-file", conf, *words], check=False,
                                  capture_output=True, text=True, stdin=subprocess.DEVNULL)
            equal(done.returncode, code, f"glance-manage {' '.join(words)}: {done.stderr[-800:]}")
            check(text in done.stdout, f"glance-manage {' '.join(words)}: {done.stdout}")

    def earlier(self):
        """A database of 2023.1 is adopted as it is; `sync` brings it to where Glance would."""
        url = self.databases.make("earlier")
        self.databases.ask("upgrade", url, EARLIER)
        before = self.databases.ask("describe", url)
        equal(self.scurry("check", url, code=3)[0], "the database is not up to date: the first step is scurry db expand", "check")
        report = json.loads("\n".join(self.scurry("adopt", url, "--json")))
        equal((report["revisions"], report["adopted"]), ([EARLIER], True), "adoption of 2023.1")
        equal(self.databases.ask("describe", url), before, "Glance's tables after the adoption of 2023.1")
        self.scurry("sync", url)
        upgraded = self.databases.make("upgraded")
        self.databases.ask("upgrade", upgraded, EARLIER)
        self.databases.ask("upgrade", upgraded, "heads")
        self.same(upgraded, url, "scurry db sync of 2023.1")
        # The other way round: Glance upgrades what Scurry has adopted.
        other = self.databases.make("other")
        self.databases.ask("upgrade", other, EARLIER)
        self.scurry("adopt", other)
        self.databases.ask("upgrade", other, "heads")
        self.same(upgraded, other, "Glance's upgrade of an adopted 2023.1")
        equal(self.scurry("check", other), ["the database is up to date, nothing is to be done"], "check")

    def step_by_step(self, theirs):
        """expand, migrate, contract, each of them Scurry's or Glance's."""
        for name, expands, contracts in (("steps", True, True), ("halves", True, False), ("halves2", False, True)):
            url = self.databases.make(name)
            self.databases.ask("upgrade", url, EARLIER)
            self.scurry("contract", url, code=1)
            if expands:
                self.scurry("expand", url)
            else:
                self.databases.ask("upgrade", url, "2024_1_expand01")
            equal(self.scurry("version", url), [EARLIER, "2024_1_expand01"], "heads after the expansion")
            if not expands:
                self.scurry("adopt", url)
            self.scurry("check", url, code=5)
            self.scurry("migrate", url)
            if contracts:
                self.scurry("contract", url)
            else:
                self.databases.ask("upgrade", url, "heads")
            equal(self.scurry("version", url), [NEWEST], "heads after the contraction")
            self.same(theirs, url, f"{name}: expanded, contracted")

    def refused(self):
        """Older and unknown revisions, and no tables at all."""
        old = self.databases.make("old")
        self.databases.ask("upgrade", old, "zed_contract01")
        before = self.databases.ask("dump", old)
        for words in (["adopt"], ["sync"], ["adopt", "--dry-run"]):
            said = " ".join(self.scurry(words[0], old, *words[1:], code=1))
            check("glance-manage db_sync" in said and "zed_contract01" in said, said)
        equal(self.databases.ask("dump", old), before, "a database of Zed after it was refused")
        self.databases.ask("run", old, given=[["UPDATE alembic_version SET version_num = '2031_1_contract01'", {}]])
        for words in (["adopt"], ["sync"]):
            said = " ".join(self.scurry(words[0], old, *words[1:], code=1))
            check("2031_1_contract01" in said and "upgrade the image service" in said, said)
        empty = self.databases.make("empty")
        if self.databases.kind != "sqlite":
            check("scurry db sync" in " ".join(self.scurry("adopt", empty, code=1)), "an empty database was adopted")

    def conf(self, url, name):
        path = self.work / f"{self.databases.kind}-{name}.conf"
        path.write_text(f"""[DEFAULT]
enabled_backends = fast:file
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {self.work}/fast
[os_glance_staging_store]
filesystem_store_datadir = {self.work}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {self.work}/tasks
[database]
connection = {url}
""")
        return path

    def scurry(self, command, url, *words, code=0):
        """`scurry db …`; gives the lines it printed."""
        done = subprocess.run([self.binary, "db", command, "--config-file", self.conf(url, "scurry"), *words], check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        equal(done.returncode, code, f"scurry db {command}: exit status, {done.stdout[-500:]}{done.stderr[-1000:]}")
        return (done.stdout + (done.stderr if code else "")).splitlines()
