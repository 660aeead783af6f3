# SPDX-License-Identifier: Apache-2.0
"""Sources that are shorter or longer than they say, or change while they are read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..session import check, equal
from .disks import MIB, random_file
from .origin import Lie, Origin
from .proxy import Gate
from .service import Service

LENGTH = 9 * MIB + 77
HEAD = ("PUT /v2/images/{image}/{action} HTTP/1.1\nHost: scurry\nX-Auth-Token: {{token}}\nAccept: application/json\n"
        "Content-Type: application/octet-stream\n{more}\n")


def run(service: Service, work: Path) -> None:
    data = os.urandom(LENGTH)
    for store, action in (("fast", "file"), ("pure1", "file"), (None, "stage")):
        bodies(service, data, store, action)
    changing_file(service, work)
    with Origin(work) as origin:
        Web(service, origin, data).run()


def chunks(data: bytes) -> list[bytes]:
    return [b"%x\r\n" % len(data), data, b"\r\n"]


def bodies(service: Service, data: bytes, store: str | None, action: str) -> None:
    """Requests whose bodies are not what their headers say."""
    where = store or "staging area"

    def send(image: str, lines: list[str], pieces: list[bytes], ends=False):
        lines = lines if ends else [*lines, "Connection: close"]
        more = "".join(f"{line}\n" for line in lines + ([f"X-Image-Meta-Store: {store}"] if store else []))
        return service.raw(HEAD.format(image=image, action=action, more=more), pieces, ends=ends)

    half, size = data[:LENGTH // 2], "X-OpenStack-Image-Size"
    for what, lines, pieces, texts in (
        ("fewer bytes than Content-Length", [f"Content-Length: {LENGTH}"], [half], []),
        ("chunks without an end", ["Transfer-Encoding: chunked"], chunks(half), []),
        ("fewer chunks than the size announced", ["Transfer-Encoding: chunked", f"{size}: {LENGTH}"], [*chunks(half), b"0\r\n\r\n"],
         [str(len(half)), str(LENGTH)]),
        ("more chunks than the size announced", ["Transfer-Encoding: chunked", f"{size}: {len(half)}"], [*chunks(data), b"0\r\n\r\n"],
         [str(len(half))]),
        ("Content-Length over the size announced", [f"Content-Length: {LENGTH}", f"{size}: {len(half)}"], [data], [str(len(half))]),
        ("Content-Length under the size announced", [f"Content-Length: {len(half)}", f"{size}: {LENGTH}"], [half], [str(LENGTH)]),
    ):
        image = service.create(what)
        found = send(image, lines, pieces, ends=not texts)
        equal(len(found), 1, f"{what}, to {where}: answers")
        service.refused(f"{what}, to {where}", image, found[0], 400, *(texts or ["ended before it was complete"]))
    surplus(service, send, data, action, where)


def surplus(service: Service, send, data: bytes, action: str, where: str) -> None:
    """What follows a body of known length is the next request, and none: the image is what the length says."""
    image, half = service.create("surplus"), data[:LENGTH // 2]
    found = send(image, [f"Content-Length: {len(half)}"], [half, data[len(half):][:200]], ends=True)
    equal([answer.status for answer in found[:1]], [204], f"bytes after the body, to {where}: status")
    check(all(answer.status == 400 for answer in found[1:]), f"bytes after the body: {[answer.status for answer in found]}")
    if action == "file":
        equal(service.image(image)["os_hash_value"], hashlib.sha512(half).hexdigest(), "sha512 of the body alone")
    service.delete(image)
    service.nothing_left(f"bytes after the body, to {where}")
    print(f"ok    more bytes than Content-Length, to {where}: {len(half)} bytes taken, the rest is no request", flush=True)


def changing_file(service: Service, work: Path) -> None:
    """`scurry image upload` of a file that becomes shorter, longer, or other while it is sent."""
    def rewrite(path: Path) -> None:
        with open(path, "r+b") as file:
            file.write(b"other")
    changes = {"shrinks": lambda path: os.truncate(path, 20 * MIB + 5), "grows": lambda path: os.truncate(path, 99 * MIB),
               "is written to": rewrite}
    for what, change in changes.items():
        for store in ("fast", "pure1"):
            given = random_file(work / "changing.raw", 96 * MIB)
            with Gate(service.port, 8 * MIB) as gate:
                words = service.client_words("upload", given.path, "--disk-format", "raw", "--store", store, endpoint=gate.url)
                client = subprocess.Popen(words, env=service.client_environment(), stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                check(gate.reached.wait(30), "the client sends nothing")
                # What it reads ahead is in its memory by now.
                time.sleep(0.3)
                change(given.path)
                gate.opened.set()
                said, _ = client.communicate(timeout=120)
            equal(client.returncode, 1, f"a file that {what}: exit status ({said})")
            check("changed while it was sent" in said, f"a file that {what}: the client says {said!r}")
            equal(service.images(), [], f"a file that {what}: images (the client says {said!r})")
            service.nothing_left(f"a file that {what}")
            print(f"ok    file that {what} under scurry image upload to {store}: {said.strip().splitlines()[-1][:220]}", flush=True)
            given.path.unlink()


@dataclass
class Case:
    """One lie, and what must come of it: an image of these bytes, or a failure that says one of these texts."""

    what: str
    lie: Lie
    expected: bytes | None = None
    texts: tuple[str, ...] = ()


class Web:
    """web-download from a server that lies."""

    def __init__(self, service: Service, origin: Origin, data: bytes):
        self.service, self.origin, self.data = service, origin, data

    def cases(self) -> list[Case]:
        data, other, cut = self.data, os.urandom(LENGTH), LENGTH // 3
        early = ("ended too early", "broke off")
        found = [
            Case("Content-Length says more than comes", Lie([data], announced=LENGTH + 5000, tagged=False), texts=early),
            Case("the server ends early, each time again", Lie([data], cut=cut, cut_once=False, tagged=False), texts=early),
            Case("chunks without an end", Lie([data], announced=None, cut=cut, cut_once=False, tagged=False), texts=early),
            Case("nothing there any more", Lie([data], status=404), texts=("404",)),
            Case("the server goes on past its Content-Length", Lie([data], announced=LENGTH - 4000), data[:LENGTH - 4000]),
            Case("the server ends early once", Lie([data], cut=cut), data),
        ]
        for kind, honest in (("says so", True), ("hides it", False)):
            for change, later in (("changes", other), ("grows", other + data[:100]), ("shrinks", other[:LENGTH // 2])):
                what = f"the file {change} between Range requests, the server {kind}"
                found.append(Case(what, Lie([data, later], cut=cut, honest_ranges=honest), later))
        return found

    def run(self) -> None:
        """All at once, because most wait for another attempt most of the time."""
        cases = self.cases()
        with ThreadPoolExecutor(len(cases)) as pool:
            ended = list(pool.map(self.imported, range(len(cases)), cases))
        for case, (image, shown, task) in zip(cases, ended, strict=True):
            (self.fails if case.expected is None else self.comes)(case, image, shown, task)
        self.service.nothing_left("web-download")
        for row in self.service.images():
            self.service.delete(row["id"])

    def imported(self, number: int, case: Case) -> tuple[str, dict, dict]:
        image = self.service.create(case.what)
        method = {"name": "web-download", "uri": self.origin.lie(f"lie-{number}", case.lie)}
        return image, *self.service.imported(image, ["fast", "pure1"], method)

    def fails(self, case: Case, image: str, shown: dict, task: dict) -> None:
        what, said = f"web-download, {case.what}", task["message"]
        equal((shown["status"], task["status"]), ("queued", "failure"), f"{what}: image and task ({said})")
        check(any(text in said for text in case.texts), f"{what}: the task says {said!r}")
        equal(sorted(shown["os_glance_failed_import"].split(",")), ["fast", "pure1"], f"{what}: os_glance_failed_import")
        self.service.queued(what, image)
        print(f"ok    {what}: queued again: {said[:150]}", flush=True)

    def comes(self, case: Case, image: str, shown: dict, task: dict) -> None:
        """The image is one version, whole: never a piece of one and a piece of another."""
        what = f"web-download, {case.what}"
        equal((shown["status"], task["status"]), ("active", "success"), f"{what}: image and task ({task['message']})")
        equal((shown["size"], shown["os_hash_value"]), (len(case.expected), hashlib.sha512(case.expected).hexdigest()), f"{what}: size, sha512")
        check(case.lie.cut is None or any(case.lie.requests), f"{what}: no part was asked for: {case.lie.requests}")
        self.service.delete(image)
        print(f"ok    {what}: {len(case.expected)} bytes of one version, {len(case.lie.requests)} requests", flush=True)
