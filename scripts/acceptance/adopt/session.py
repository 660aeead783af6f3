# SPDX-License-Identifier: Apache-2.0
"""Glance fills a database; Scurry adopts it, serves it, writes; Glance serves it again. Every answer is compared."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..session import ROOT, check, equal, until
from . import writes
from .answers import Answers, differences
from .databases import Databases
from .fill import Filler, data
from .services import Services
from .schema import Schemas

HERE = Path(__file__).parent


class Web(BaseHTTPRequestHandler):
    """One file, under every address but one."""

    def do_GET(self):
        body = data("web", 1 << 20)
        self.send_response(404 if "nowhere" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


class Meant:
    """The differences that are meant: each names its row of docs/COMPAT.md."""

    def __init__(self):
        self.entries = json.loads((HERE / "deliberate.json").read_text())
        rows = (ROOT / "docs/COMPAT.md").read_text()
        for entry in self.entries:
            check(f"| {entry['row']} |" in rows, f"deliberate.json: docs/COMPAT.md has no row {entry['row']!r}")

    def left(self, found, ids, say):
        """Those that no entry covers, told."""
        names = {image: name for name, image in ids.items()}
        different, covered = 0, 0
        for question, aspect, there, here in found:
            known = functools.reduce(lambda text, image: text.replace(image, names[image]), names, f"{question}: {aspect}")
            if any(re.search(entry["question"], known) and entry.get("glance", there) == there and entry.get("here", here) == here
                   for entry in self.entries):
                covered += 1
                continue
            different += 1
            say(f"{known}: {_short(there)} -> {_short(here)}")
        return different, covered


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 300 else text[:300] + "..."


class Adoption:
    """The session on one kind of database."""

    READERS = Answers.WHO
    UNFINISHED = ("stuck saving", "stuck importing", "uploading, nothing staged", "staged")

    def __init__(self, kind, venv, binary, work, say, databases=None):
        self.kind, self.venv, self.binary, self.work, self.say = kind, venv, binary, Path(work), say
        self.meant, self.problems = Meant(), 0
        self.databases = databases or Databases(kind, venv, self.work)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.web = self.server.server_address[1]
        self.services = None

    def clear(self):
        if self.services:
            self.services.stop()
        self.databases.stop()
        self.server.shutdown()

    def schema(self):
        schemas = self.work / f"{self.kind}-schemas"
        schemas.mkdir()
        Schemas(self.databases, self.binary, schemas).run()
        self.say(f"{self.kind}: the schema is Glance's")

    def adoption(self):
        url = self.databases.make("glance")
        self.databases.ask("upgrade", url, "heads")
        self.services = services = Services(self.work / f"{self.kind}-services", url, self.venv, self.binary, self.web)
        services.glance()
        self.filler = Filler(services, self.databases, url, self.web)
        ids = self.filler.fill()
        until(self._tasks_ended, "the tasks to end", 60)
        self._answers(services, ids.values())  # Glance puts the stores of old locations right when it reads them
        before = self._answers(services, ids.values())
        services.stop()
        self.say(f"{self.kind}: Glance filled a database: {len(ids)} images, {len(before)} questions")
        self._adopt(url, ids)
        services.glance()
        self._compare("Glance on the adopted database", before, self._answers(services, ids.values()), ids, strict=True)
        services.stop()

        services.scurry()
        self._compare("Scurry after the adoption", before, self._answers(services, ids.values()), ids)
        services.stop()
        late = dict(ids)
        self._late(url, late)
        services.scurry()
        self._late_are_read(services.caller(), late)
        writes.write(services.caller(), ids, self.web)
        until(self._tasks_ended, "the tasks to end", 60)
        said = self._answers(services, (ids | late).values())
        services.stop()
        services.glance()
        self._compare("Glance after Scurry's writes", said, self._answers(services, (ids | late).values()), ids | late, back=True)
        self._glance_goes_on(services.caller(), ids)
        services.stop()

    def _tasks_ended(self):
        tasks = self.services.caller().must("admin", "GET", "/v2/tasks?limit=100&type=import").json["tasks"]
        # Those of `demo` are stuck for ever.
        stuck = self.services.caller().projects["demo"]
        return all(task["status"] in ("success", "failure") for task in tasks if task["owner"] != stuck)

    def _adopt(self, url, ids):
        dump, described = self.databases.ask("dump", url), self.databases.ask("describe", url)
        dry = json.loads(self._scurry("adopt", "--dry-run", "--json"))
        equal(self._ours(url), [], "tables after adopt --dry-run")
        wet = json.loads(self._scurry("adopt", "--json"))
        equal((dry["adopted"], wet["adopted"]), (False, True), "adopted")
        equal(dry | {"adopted": True}, wet, "what adopt and its dry run tell")
        self._report(wet, ids)
        equal(self.databases.ask("describe", url), described, "Glance's tables after the adoption")
        self._equal_dumps(dump, self.databases.ask("dump", url))
        check(len(self._ours(url)) > 4, "our own tables are not there")
        for name in ("stuck saving", "on a volume of no store"):
            check(ids[name] in self._scurry("adopt"), f"the text does not tell of {name}")
        self.say(f"{self.kind}: adopted, nothing of Glance's was changed")

    def _report(self, report, ids):
        def images(key):
            return {row["image"] for row in report[key]}
        some = {ids[name] for name in self.UNFINISHED}
        equal({row["image"] for row in report["unfinished_images"]}, some, "half-finished images")
        equal(len(report["open_tasks"]), 2, "open tasks")
        equal(images("dangling_locations"), {ids["on a volume of no store"], ids["in a store that is gone"]}, "dangling locations")
        equal(images("missing_files"), {ids["file that is gone"]}, "missing files")
        equal(report["images"]["pending_delete"], 1, "images that wait for the scrubber")
        check({"fast", "cheap", "web"} <= report["stores"].keys(), "stores")

    def _equal_dumps(self, before, after):
        for table in before.keys() | after.keys():
            equal(after.get(table), before.get(table), f"rows of {table} after the adoption")

    def _ours(self, url):
        names = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'scurry%'",
                 "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'scurry%'",
                 "postgres": "SELECT tablename FROM pg_tables WHERE tablename LIKE 'scurry%'"}
        return self.databases.ask("run", url, given=[[names[self.databases.kind], {}]])

    def _late(self, url, late):
        """Locations from before there were several stores, which Glance has not read."""
        self.filler.ids, self.filler.sql = late, []
        self.filler.late()
        self.databases.ask("run", url, given=self.filler.sql)
        report = json.loads(self._scurry("adopt", "--json"))
        found = {row["image"] for row in report["legacy_locations"]}
        equal(found, {late[name] for name in self.filler.LATE}, "legacy locations")

    def _late_are_read(self, call, late):
        for name, store in self.filler.LATE.items():
            equal(call.must("demo", "GET", f"/v2/images/{late[name]}/file").body, self.filler.content(name), f"bytes of {name}")
            equal(call.must("demo", "GET", f"/v2/images/{late[name]}").get("stores"), store, f"stores of {name}")

    def _glance_goes_on(self, call, ids):
        """Glance changes and deletes what Scurry made."""
        call.patch("demo", ids["ours"], {"op": "replace", "path": "/name", "value": "theirs now"})
        call.must("demo", "DELETE", f"/v2/images/{ids['ours cheap']}")
        call.must("demo", "DELETE", f"/v2/images/{ids['ours imported']}")
        call.must("alt", "PUT", f"/v2/images/{ids['ours queued']}/file", data("ours queued"))
        self.say(f"{self.kind}: Glance went on with what Scurry had made")

    def _scurry(self, *words):
        done = subprocess.run([*self.services.scurry_words(), "db", words[0], "--config-file", self.services.conf, *words[1:]], check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        equal(done.returncode, 0, f"scurry db {words}: exit status, {done.stderr[-1500:]}")
        return done.stdout

    def _answers(self, services, ids):
        return Answers(services.caller(), ids, unordered=self.kind == "postgres", readers=self.READERS).collect()

    def _compare(self, what, there, here, ids, strict=False, back=False):
        found = list(differences(there, here))
        if back:  # entries are written as Glance, Scurry
            found = [(question, aspect, other, one) for question, aspect, one, other in found]
        if strict:
            different, covered = len(found), 0
            for row in found[:20]:
                self.say(str(row))
        else:
            different, covered = self.meant.left(found, ids, self.say)
        self.problems += different
        self.say(f"{self.kind}: {what}: {len(there)} questions, {different} differences, {covered} that are meant")
