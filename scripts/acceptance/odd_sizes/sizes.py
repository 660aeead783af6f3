# SPDX-License-Identifier: Apache-2.0
"""Every odd size by every way in: digests, sizes, ranges, what it takes of the disk; and nothing left when deleted."""

from __future__ import annotations

import time
from pathlib import Path

from .. import disk
from ..session import check, equal
from .disks import GIB, Disk
from .service import Service
from .origin import Origin

SMALL, LARGE = (0, 1, 511, 513, 4097), (GIB, (1 << 31) + 1)
FILE, OTHER_FILE, VOLUME, OTHER_VOLUME = "fast", "cheap", "pure1", "pure2"


class Sizes:
    def __init__(self, service: Service, work: Path, sizes: tuple[int, ...]):
        self.service, self.work, self.sizes = service, work, sizes
        self.stores = {FILE: work / FILE, OTHER_FILE: work / OTHER_FILE}

    def run(self) -> None:
        (self.work / "web").mkdir()
        with Origin(self.work / "web") as origin:
            for length in self.sizes:
                begun = time.monotonic()
                given = Disk(self.work / f"web/{length}.raw", length)
                self.uploads(given)
                self.client(given)
                self.download(given, origin)
                given.path.unlink()
                print(f"ok    {length} bytes: Content-Length and chunked into a file and a volume, scurry image upload, "
                      f"web-download, copy-image ({time.monotonic() - begun:.1f} s)", flush=True)

    def uploads(self, given: Disk) -> None:
        for store, other in ((FILE, VOLUME), (VOLUME, OTHER_FILE)):
            for chunked in (False, True):
                what = f"{given.length} bytes {'chunked' if chunked else 'of known length'} to {store}"
                image = self.service.create(what)
                answer = self.service.put(image, given.path, store, chunked=chunked)
                equal(answer.status, 204, f"{what}: status ({answer.text[:300]})")
                self.verify(what, image, given, [store], whole=not chunked)
                if chunked:
                    # To another kind of store: bytes must move.
                    self.copy(what, image, given, store, other)
                self.gone(what, image)

    def copy(self, what: str, image: str, given: Disk, store: str, other: str) -> None:
        shown, task = self.service.imported(image, [other], {"name": "copy-image"})
        equal((task["status"], shown.get("os_glance_failed_import")), ("success", ""), f"{what}, copied to {other}: {task['message']}")
        self.verify(f"{what}, copied to {other}", image, given, [store, other])
        self.service.ask("DELETE", f"/v2/stores/{store}/{image}")
        self.verify(f"{what}, its copy in {other} alone", image, given, [other], whole=given.length not in LARGE)

    def client(self, given: Disk) -> None:
        what = f"scurry image upload of {given.length} bytes"
        done = self.service.client("upload", given.path, "--disk-format", "raw", "--quiet", "--stores", f"{VOLUME},{OTHER_VOLUME}")
        image = done.stdout.split()[-1]
        self.verify(what, image, given, [VOLUME, OTHER_VOLUME], whole=False)
        target = self.work / "back"
        self.service.client("download", image, "--quiet", "--file", target)
        equal((target.stat().st_size, disk.digests(target)[1]), (given.length, given.sha512), f"{what}: what scurry image download gave")
        target.unlink()
        self.gone(what, image)

    def download(self, given: Disk, origin: Origin) -> None:
        what = f"web-download of {given.length} bytes"
        image = self.service.create(what)
        method = {"name": "web-download", "uri": origin.url(given.path.name)}
        _, task = self.service.imported(image, [FILE, VOLUME], method)
        equal(task["status"], "success", f"{what}: {task['message']}")
        self.verify(what, image, given, [FILE, VOLUME], whole=False)
        self.gone(what, image)

    def verify(self, what: str, image: str, given: Disk, stores: list[str], *, whole=True) -> None:
        shown = self.service.image(image)
        # Of nothing Glance tells no virtual size.
        expected = {"status": "active", "size": given.length, "virtual_size": given.length or None, "checksum": given.md5,
                    "os_hash_algo": "sha512", "os_hash_value": given.sha512}
        for name, value in expected.items():
            equal(shown[name], value, f"{what}: {name}")
        equal(sorted(shown["stores"].split(",")), sorted(stores), f"{what}: stores")
        for location in shown["locations"]:
            self.object(what, location, given)
        if whole:
            self.whole(what, image, given)
        self.ranges(what, image, given)

    def object(self, what: str, location: dict, given: Disk) -> None:
        """Where the bytes lie: no longer than they must be, no more of the disk than the data."""
        store, name = location["metadata"]["store"], location["url"].rsplit("/", 1)[1]
        if store in self.stores:
            path, length = self.stores[store] / name, given.length
        else:
            gib = max(1, -(-given.length // GIB))
            volume = self.service.block(f"/volumes/{name}")["volume"]
            equal((volume["size"], volume["metadata"]["image_size"]), (gib, str(given.length)), f"{what}: GiB and image_size of the volume")
            # Attached for a while yet after it was read.
            check(volume["status"] in ("available", "in-use"), f"{what}: the volume is {volume['status']}")
            path, length = next(self.service.server.data_dir.glob(f"pools/*/volume-{name}")), gib * GIB
        status = path.stat()
        equal(status.st_size, length, f"{what}: length of {path.name}")
        check(status.st_blocks * 512 <= given.allocated * 1.05,
              f"{what}: {path.name} takes {status.st_blocks * 512} bytes for {given.allocated} of data")

    def whole(self, what: str, image: str, given: Disk) -> None:
        connection = self.service.connection()
        try:
            connection.request("GET", f"/v2/images/{image}/file", headers={"X-Auth-Token": self.service.token})
            answer = connection.getresponse()
            equal((answer.status, answer.getheader("Content-Length"), answer.getheader("Content-MD5")),
                  (200, str(given.length), given.md5), f"{what}: status, length and digest of the download")
            with open(given.path, "rb") as file:
                read = 0
                while piece := answer.read(4 << 20):
                    check(piece == file.read(len(piece)), f"{what}: the download differs within {len(piece)} bytes at {read}")
                    read += len(piece)
            equal(read, given.length, f"{what}: bytes downloaded")
        finally:
            connection.close()

    def ranges(self, what: str, image: str, given: Disk) -> None:
        def part(text: str):
            return self.service.call("GET", f"/v2/images/{image}/file", headers={"Range": f"bytes={text}"})
        for start, end in given.ranges():
            answer = part(f"{start}-{end - 1}")
            equal((answer.status, answer.headers.get("content-range")), (206, f"bytes {start}-{end - 1}/{given.length}"),
                  f"{what}: status and range of {start}-{end - 1}")
            check(answer.body == given.read(start, end - start), f"{what}: bytes {start}-{end - 1} differ")
        if given.length:
            tail = part("-3")
            equal((tail.status, tail.body), (206, given.read(max(0, given.length - 3), 3)), f"{what}: the last three bytes")
        beyond = part(f"{given.length}-")
        equal((beyond.status, beyond.headers.get("content-range")), (416, f"bytes */{given.length}"), f"{what}: a range behind the end")

    def gone(self, what: str, image: str) -> None:
        self.service.delete(image)
        equal(self.service.images(), [], f"{what}: images after the deletion")
        self.service.nothing_left(what)
