# SPDX-License-Identifier: Apache-2.0
"""Works: pages of a long list, memory of an idle server, and how soon it answers."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

from .. import databases, many
from ..credentials import issue
from ..session import Failure, check, free_ports, openrc
from . import figures, tools
from .bench import Bench
from .figures import Figure, Row
from .files import GIB, MIB
from .scurry import Scurry, memory
from .service import Service

# Requests a second and p99 of Glance 33 for a tenant's page among 100,000 images, where no run of it is at hand.
GLANCE = {"rate": Figure("req/s", [2.4]), "p99": Figure("ms", [2970.0])}
PAGE = "/v2/images?limit=25"


class Uploads:
    """Four clients that upload one image after the other until told to stop."""

    def __init__(self, service: Service, path: Path):
        self.service, self.path, self.stopping, self.failures = service, path, threading.Event(), []
        self.threads = [threading.Thread(target=self.run) for _ in range(4)]

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                image = self.service.create("beside")
                self.service.put(image, self.path)
                self.service.delete(image)
        except (Failure, OSError) as failure:
            self.failures.append(str(failure))

    def __enter__(self) -> Uploads:
        for thread in self.threads:
            thread.start()
        time.sleep(0.5)
        return self

    def __exit__(self, *_error) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        check(not self.failures, f"uploads beside it: {self.failures}")


def pages(bench: Bench) -> list[Row]:
    """A tenant's first page among 100,000 images, against nginx's bare 404; then the same beside four uploads."""
    if not bench.scurry:
        return glance_pages(bench)
    count, seconds = bench.size(100_000, 100_000), bench.size(5, 4)
    scurry = Scurry(bench.binary, bench.work / "list")
    try:
        user = openrc(scurry.data / "demo-openrc")
        _, project = issue(scurry.server.ports[0], user)
        scurry.server.stop()
        databases.Sqlite(scurry.data).load("glance", many.statements(count, project))
        scurry.server.start()
        token, _ = issue(scurry.server.ports[0], user)
        scurry.token, _ = issue(scurry.server.ports[0], openrc(scurry.data / "admin-openrc"))
        found = measure_pages(bench, scurry, token, seconds)
    finally:
        scurry.server.kill() if scurry.server.process.poll() is None else None
    name = f"list 25 of {count:,} images as a tenant"
    glance = {what: bench.stored.get(f"pages: glance {what}") or figure for what, figure in GLANCE.items()}
    return [
        *figures.at_least("pages", name, found["rate"], "nginx 404", found["nginx"], 1 / 40),
        *figures.at_least("pages", f"{name}, against Glance", found["rate"], "Glance", glance["rate"], 400),
        *figures.at_most("pages", f"{name}, p99", found["p99"], "Glance", glance["p99"], 1 / 20),
        *figures.at_most("pages", f"{name}, p99 beside 4 uploads", found["busy p99"], "without", found["p99"], 2),
        *figures.plain("pages", f"{name}, rate beside 4 uploads", found["busy rate"], "without", found["rate"]),
    ]


def measure_pages(bench: Bench, scurry: Scurry, token: str, seconds: int) -> dict[str, Figure]:
    units = {"nginx": "req/s", "rate": "req/s", "p99": "ms", "busy rate": "req/s", "busy p99": "ms"}
    found = {name: Figure(unit) for name, unit in units.items()}
    path, empty = bench.files.random(GIB if not bench.quick else 512 * MIB), bench.work / "empty"
    empty.mkdir(exist_ok=True)
    with tools.Nginx(empty, bench.work) as nginx:
        for _ in range(bench.runs):
            found["nginx"].samples.append(tools.wrk(nginx.url("nothing"), min(seconds, 3))["rate"])
            alone = tools.wrk(scurry.url + PAGE, seconds, token)
            with Uploads(scurry, path):
                busy = tools.wrk(scurry.url + PAGE, seconds, token)
            check(not alone["refused"] and not busy["refused"], "pages were refused")
            for prefix, answers in (("", alone), ("busy ", busy)):
                found[prefix + "rate"].samples.append(answers["rate"])
                found[prefix + "p99"].samples.append(answers["p99"])
        bench.profiler.around("pages: scurry", scurry.pid_now(), lambda: tools.wrk(scurry.url + PAGE, seconds, token))
    return found


def glance_pages(bench: Bench) -> list[Row]:
    """Only where its database was filled by hand with as many images."""
    total = bench.glance and bench.glance.list_filled
    for _ in range(bench.runs if total else 0):
        answers = tools.wrk(bench.glance.url + PAGE, 10, bench.glance.token)
        for what, unit in (("rate", "req/s"), ("p99", "ms")):
            bench.stored.setdefault(f"pages: glance {what}", Figure(unit)).samples.append(answers[what])
    return []


def first_answer(port: int, path: str, seconds: float = 30) -> None:
    """Asks until there is a 200."""
    deadline, request = time.monotonic() + seconds, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(request)
                if b" 200 " in connection.recv(200):
                    return
        except OSError:
            pass
        time.sleep(0.001)
    check(False, f"no answer from port {port}")


def started(words: list[object], port: int, log: Path) -> tuple[float, float]:
    """Milliseconds from the start of a program to its first 200, and its memory two seconds later in MiB."""
    with open(log, "ab") as output:
        begun = time.monotonic()
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        first_answer(port, "/healthcheck")
        took = (time.monotonic() - begun) * 1000
        time.sleep(2)
        check(process.poll() is None, f"{words[1]} ended: {log.read_text()[-300:]}")
        return took, memory(process.pid)[0]
    finally:
        process.terminate()
        process.wait(30)


def idle(bench: Bench) -> list[Row]:
    """The second and later starts of `scurry up`, and of `scurry image-api` beside the services of another."""
    if not bench.scurry:
        return []
    ports, data = free_ports(3), bench.work / "idle"
    up = [bench.binary, "up", "--data-dir", data, "--identity-port", ports[0], "--block-storage-port", ports[1],
          "--image-port", ports[2]]
    alone, port = image_api(bench)
    rows = []
    for name, words, where in (("scurry image-api", alone, port), ("scurry up", up, ports[2])):
        started(words, where, bench.work / "idle.log")
        taken = [started(words, where, bench.work / "idle.log") for _ in range(bench.runs)]
        rows += figures.below("idle", f"{name}, start to first 200", Figure("ms", [one[0] for one in taken]), 150)
        rows += figures.below("idle", f"{name}, idle memory", Figure("MiB", [one[1] for one in taken]), 40)
    return rows


def image_api(bench: Bench) -> tuple[list[object], int]:
    """The image service alone, with a database of its own and the Keystone and Cinder of the one that is measured."""
    port, folder = free_ports(1)[0], bench.work / "image-api"
    folder.mkdir()
    own = folder / "own.conf"
    own.write_text(f"[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = {port}\n[database]\nconnection = sqlite:///{folder}/glance.db\n")
    files = [bench.work / "scurry/glance-api.conf", bench.scurry.data / "embedded.conf", own]
    words = [word for file in files for word in ("--config-file", file)]
    done = subprocess.run([bench.binary, "db", "sync", *words], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"scurry db sync: {done.stderr}")
    return [bench.binary, "image-api", *words], port
