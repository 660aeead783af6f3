# SPDX-License-Identifier: Apache-2.0
"""The image service as it is spoken to here: by sockets, so that requests can be as wrong as they like."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..credentials import issue
from ..session import Server, check, equal, openrc, until
from ..walkthrough import leftovers

JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}
MIB = 1 << 20


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> dict:
        return json.loads(self.body)


class Service:
    """A running `scurry up`, as its administrator."""

    def __init__(self, server: Server, folders: Iterable[Path]):
        self.server, self.folders = server, list(folders)
        self.binary = server.binary
        self.token, self.project = issue(server.ports[0], openrc(server.data_dir / "admin-openrc"))
        self.port = server.ports[2]

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600, blocksize=MIB)

    def call(self, method: str, path: str, body=None, headers=None, *, chunked=False, port=None) -> Answer:
        """One request; an answer that comes before the body was sent counts as well."""
        connection = self.connection() if port is None else http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        given = {"X-Auth-Token": self.token, "Accept": "application/json"} | (headers or {})
        try:
            try:
                connection.request(method, path, body, given, encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def ask(self, method: str, path: str, body=None, expected=(200, 201, 202, 204), port=None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        answer = self.call(method, path, data, JSON | ({"OpenStack-API-Version": "volume 3.54"} if port else {}), port=port)
        check(answer.status in expected, f"{method} {path}: {answer.status} {answer.text[:300]}")
        return answer.json() if answer.body else {}

    def block(self, path: str) -> dict:
        return self.ask("GET", f"/v3/{self.project}{path}", port=self.server.ports[1])

    def create(self, name: str = "odd", disk_format: str = "raw") -> str:
        return self.ask("POST", "/v2/images", {"name": name, "disk_format": disk_format, "container_format": "bare"})["id"]

    def image(self, image: str) -> dict:
        return self.ask("GET", f"/v2/images/{image}")

    def delete(self, image: str) -> None:
        self.ask("DELETE", f"/v2/images/{image}")

    def put(self, image: str, path: Path, store: str | None, *, chunked=False, action="file", **headers: str) -> Answer:
        """The whole file, its length told or not."""
        extra = BYTES | {name.replace("_", "-"): value for name, value in headers.items()}
        if store:
            extra["X-Image-Meta-Store"] = store
        extra |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(os.path.getsize(path))}
        with open(path, "rb") as file:
            return self.call("PUT", f"/v2/images/{image}/{action}", file, extra, chunked=chunked)

    def raw(self, head: str, pieces: Iterable[bytes], *, ends: bool) -> list[Answer]:
        """Bytes as they stand on the wire, and the end of them where that is wanted; all answers there are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as wire:
            try:
                wire.sendall(head.format(token=self.token).replace("\n", "\r\n").encode())
                for piece in pieces:
                    wire.sendall(piece)
                if ends:
                    wire.shutdown(socket.SHUT_WR)
            except OSError:
                # The service has answered, and wants no more.
                pass
            return list(answers(wire))

    def imported(self, image: str, stores: list[str], method: dict, *, must_succeed=True) -> tuple[dict, dict]:
        """The image and the task once an import has ended, whichever way."""
        known = {task["id"] for task in self.ask("GET", f"/v2/images/{image}/tasks")["tasks"]}
        body = {"method": method, "stores": stores, "all_stores_must_succeed": must_succeed}
        self.ask("POST", f"/v2/images/{image}/import", body)

        def ended():
            tasks = self.ask("GET", f"/v2/images/{image}/tasks")["tasks"]
            found = [task for task in tasks if task["id"] not in known and task["status"] in ("success", "failure")]
            return found and not self.image(image).get("os_glance_import_task") and found
        task = until(ended, "the import to end", 240, 0.05)[0]
        return self.image(image), task

    def client(self, *words: object, ok=True, endpoint: str | None = None) -> subprocess.CompletedProcess:
        """`scurry image …` with this service's address and token."""
        command = self.client_words(*words, endpoint=endpoint)
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env=self.client_environment(), timeout=600)
        check((done.returncode == 0) == ok, f"scurry image {' '.join(map(str, words))} ended with {done.returncode}: "
                                            f"{done.stdout[-300:]}{done.stderr[-600:]}")
        return done

    def client_words(self, *words: object, endpoint: str | None = None) -> list[str]:
        endpoint = endpoint or f"http://127.0.0.1:{self.port}"
        return [str(word) for word in (self.binary, "image", *words, "--image-endpoint", endpoint)]

    def client_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return kept | {"SCURRY_TOKEN": self.token, "XDG_STATE_HOME": str(self.server.data_dir)}

    def images(self) -> list[dict]:
        return self.ask("GET", "/v2/images?limit=1000")["images"]

    def volumes(self) -> dict[str, dict]:
        return {row["id"]: row for row in self.block("/volumes/detail?all_tenants=1")["volumes"]}

    def rows(self, statement: str) -> list[tuple]:
        """Rows of the image service's own tables."""
        connection = sqlite3.connect(f"file:{self.server.data_dir}/glance.db?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def left(self) -> list[str]:
        """What there is of objects, and of rows that stand for work: nothing, when no image has data."""
        found = [f"volume {key} ({row['status']})" for key, row in self.volumes().items()]
        found += [f"attachment {row['id']}" for row in self.block("/attachments?all_tenants=1")["attachments"]]
        found += leftovers(self.server.data_dir)
        for folder in self.folders:
            found += [f"{folder.name}/{name}" for name in leftovers(folder) if name != "pool.lock"]
        found += [f"scurry_writes {row}" for row in self.rows("SELECT image_id, store_id, purpose FROM scurry_writes")]
        found += [f"scurry_jobs {row}" for row in self.rows(
            "SELECT kind, image_id, state FROM scurry_jobs WHERE state IN ('pending', 'running')")]
        found += [f"scurry_uploads {row}" for row in self.rows(
            "SELECT image_id, store_id, durable FROM scurry_uploads WHERE NOT complete")]
        found += [f"location {row}" for row in self.rows("SELECT image_id, value FROM image_locations WHERE deleted = 0")]
        return found

    def nothing_left(self, what: str) -> None:
        """Waits for what is removed behind the answer; then nothing may be there."""
        found: list[str] = []

        def probe():
            found[:] = self.left()
            return not found
        try:
            until(probe, "nothing to be left", 20, 0.1)
        except Exception:
            check(not found, f"{what}: left behind: {'; '.join(found)}")

    def refused(self, what: str, image: str, answer: Answer | None, status: int, *texts: str) -> None:
        """The answer says why; the image is queued, without data; nothing is left of it, and it can be deleted."""
        if answer is not None:
            equal(answer.status, status, f"{what}: status (body: {answer.text[:300]!r})")
            for text in texts:
                check(text in answer.text, f"{what}: {text!r} is not in {answer.text!r}")
        self.queued(what, image)
        self.nothing_left(what)
        self.delete(image)
        said = "" if answer is None else f" {status} {' '.join(message(answer).split())[:150]}"
        print(f"ok    {what}:{said or ' queued again'}", flush=True)

    def queued(self, what: str, image: str) -> None:
        """The image takes data again."""
        until(lambda: self.image(image)["status"] not in ("saving", "importing", "uploading"), f"{what}: the image to settle", 30, 0.05)
        shown = self.image(image)
        found = shown["status"], shown["checksum"], shown["size"], shown.get("locations", [])
        equal(found, ("queued", None, None, []), f"{what}: status, checksum, size, locations")


def message(answer: Answer) -> str:
    try:
        return answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        return answer.text


def answers(wire: socket.socket) -> Iterable[Answer]:
    """Every answer on a connection that the other side closes."""
    while True:
        response = http.client.HTTPResponse(wire)
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, OSError):
            return
        yield Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
        if response.will_close:
            return


def serve(binary: Path, work: Path, conf: str, *options: object, folders: Iterable[Path] = ()) -> Service:
    """Starts a service of our own with this glance-api.conf."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "glance-api.conf").write_text(conf)
    server = Server(binary, work / "data", ["--glance-conf", work / "glance-api.conf", *map(str, options)])
    try:
        server.start()
        return Service(server, folders)
    except BaseException:
        if server.process and server.process.poll() is None:
            server.kill()
        raise
