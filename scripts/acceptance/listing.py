# SPDX-License-Identifier: Apache-2.0
"""Lists of many images and a project's usage over HTTP: requests a second and resident memory; scripts/list-100k calls it."""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import databases, many
from .session import ROOT, Failure, Server, check, equal, openrc
from .credentials import issue

KINDS = {
    "first page": "",
    "sorted by name": "sort=name:asc",
    "sorted by size": "sort=size:desc",
    "sorted by status": "sort=status:asc",
    "name=": "name=image-77",
    "name=in:": "name=in:image-77,image-78,image-79",
    "status=active": "status=active",
    "status=queued": "status=queued",
    "tag=common": "tag=common",
    "tag=rare": "tag=rare",
    "arch=arm64": "arch=arm64",
    "visibility=public": "visibility=public",
    "visibility=shared": "visibility=shared",
    "os_hidden=true": "os_hidden=true",
    "size_min, size_max": "size_min=4000000000&size_max=4000100000",
    "created_at=gte:": "created_at=gte:2020-09-14T00:00:00Z",
    "limit=1000": "limit=1000",
}

USAGE = "quota usage"
WALKS = 6


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/list-100k", description=__doc__)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--database", choices=databases.KINDS, default="sqlite", help="the image service's (default: %(default)s)")
    parser.add_argument("--count", type=int, default=100_000, help="images (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=100, help="of each kind (default: %(default)s)")
    return parser.parse_args()


def memory(pid):
    """Resident memory now and at its peak, in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


class Client:
    """One connection that stays open."""

    def __init__(self, port, token):
        self.connection, self.headers = http.client.HTTPConnection("127.0.0.1", port, timeout=120), {"X-Auth-Token": token}

    def page(self, path):
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        equal(answer.status, 200, f"GET {path}: {body[:300]}")
        return json.loads(body)

    def walk(self, path):
        """All images from page to page, and how many pages."""
        seen, pages = [], 0
        while path:
            page = self.page(path)
            seen.extend(image["id"] for image in page["images"])
            path, pages = page.get("next"), pages + 1
        return seen, pages


def measure(client, path, requests):
    shown = client.page(path)
    found = len(shown["images"]) if "images" in shown else shown["usage"]["image_count_total"]["usage"]
    times = []
    for _ in range(requests):
        begun = time.perf_counter()
        client.page(path)
        times.append(time.perf_counter() - begun)
    times.sort()
    return found, requests / sum(times), times[len(times) // 2] * 1000, times[-1] * 1000


def deep(client, count):
    """A query for the page that begins behind nine tenths of the viewer's list."""
    ids, path = [], "/v2/images?limit=1000"
    while path and len(ids) < count * 9 // 10:
        page = client.page(path)
        ids.extend(image["id"] for image in page["images"])
        path = page.get("next")
    return f"marker={ids[-26]}"


def run(options, work):
    """Prints the figures, and gives them."""
    database = databases.open_database(options.database, work)
    try:
        return filled(options, work, database)
    finally:
        database.stop()


def filled(options, work, database):
    server = Server(options.binary, work / "data", ("--image-database", database.create("glance"))).start()
    try:
        admin, user = (openrc(work / f"data/{name}-openrc") for name in ("admin", "demo"))
        _, project = issue(server.ports[0], user)
        server.stop()
        begun = time.monotonic()
        database.load("glance", many.statements(options.count, project))
        size, took = database.size("glance") / 1e6, time.monotonic() - begun
        print(f"{options.count} images in {took:.0f} s, database {size:.0f} MB", flush=True)
        # Without limits of the identity service there is no usage to be asked for.
        conf = work / "data/glance-api.conf"
        conf.write_text(conf.read_text().replace("[DEFAULT]\n", "[DEFAULT]\nuse_keystone_limits = True\n", 1))
        server.start()
        clients = {who: Client(server.ports[2], issue(server.ports[0], rc)[0]) for who, rc in (("admin", admin), ("member", user))}
        before = memory(server.process.pid)
        rows, walks = [], []
        print(f"{'caller':7} {'page':20} {'images':>7} {'req/s':>8} {'median ms':>10} {'worst ms':>9}")
        for who, client in clients.items():
            kinds = KINDS | {"deep page": deep(client, options.count if who == "admin" else 1000)}
            paths = {name: f"/v2/images?{query}" for name, query in kinds.items()} | {USAGE: "/v2/info/usage"}
            for name, path in paths.items():
                found, rate, median, worst = measure(client, path, options.requests)
                print(f"{who:7} {name:20} {found:>7} {rate:>8.0f} {median:>10.2f} {worst:>9.2f}", flush=True)
                rows.append([who, name, found, rate, median, worst])
        resident, hidden = [], (options.count - 3 + 499) // 500
        for _ in range(WALKS):
            begun = time.monotonic()
            seen, pages = clients["admin"].walk("/v2/images?limit=1000")
            equal(len(seen), options.count - hidden, "images walked")
            check(len(set(seen)) == len(seen), "an image was listed twice")
            walks.append(time.monotonic() - begun)
            print(f"walk of all {len(seen)} images in {pages} pages: {walks[-1]:.1f} s", flush=True)
            resident.append(memory(server.process.pid)[0])
        shown = ", ".join(f"{size:.0f}" for size in resident)
        print(f"resident memory: {before[0]:.0f} MiB before, {shown} MiB after each walk")
        # The first walk fills caches and pools. What each further one adds would be a leak.
        check(resident[-1] < resident[1] * 1.1, f"memory grows from walk to walk: {shown} MiB")
        server.stop()
        return {"count": options.count, "fill": took, "database": size, "rows": rows, "walks": walks,
                "before": before[0], "resident": resident}
    finally:
        if server.process and server.process.poll() is None:
            server.kill()


def main():
    options = arguments()
    # So that what was begun is stopped.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    work = Path(tempfile.mkdtemp(prefix="scurry-list-"))
    # PostgreSQL's own user goes through it.
    work.chmod(0o755)
    try:
        run(options, work)
    except Failure as failure:
        print(f"list-100k: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
