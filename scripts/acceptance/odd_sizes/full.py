# SPDX-License-Identifier: Apache-2.0
"""Stores, pools and staging areas that run full in the middle: small file systems of their own, loop-mounted as root."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

from .. import disk
from ..session import check, equal, until
from .disks import MIB, Disk, random_file
from .origin import Origin
from .service import Service, serve

CONF = """[DEFAULT]
enabled_backends = fast:file, pure1:cinder, small:file, tiny:cinder
show_multiple_locations = True
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {work}/fast
[pure1]
cinder_volume_type = pure
[small]
filesystem_store_datadir = {work}/small
[tiny]
cinder_volume_type = tiny
[import_filtering_opts]
allowed_ports = []
allowed_hosts = [127.0.0.1]
[image_import_opts]
image_import_plugins = {plugins}
[image_conversion]
output_format = raw
"""
CINDER = """[DEFAULT]
enabled_backends = puredriver-1, tiny
allowed_direct_url_schemes = cinder
[puredriver-1]
volume_backend_name = puredriver-1
[tiny]
volume_backend_name = tiny
scurry_pool_dir = {work}/tiny
scurry_pool_capacity_gb = 64
"""
# XFS does without less than 300 MiB only when it is told that this is for tests; 64 MiB are for all.
MAKE = {"ext4": ["mkfs.ext4", "-q", "-F", "-m", "0"], "xfs": ["mkfs.xfs", "-q", "-f", "--unsupported"]}
SIZE = 64 * MIB
# Fits once, but not beside the ballast.
LENGTH, BALLAST = 32 * MIB + 77, 30 * MIB
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
FULL = "Image storage media is full"


class SmallDisk:
    """A file system of 64 MiB, mounted at `place` while it is entered."""

    def __init__(self, kind: str, place: Path, device: Path):
        self.kind, self.place, self.device = kind, place, device

    def __enter__(self) -> SmallDisk:
        self.place.mkdir(parents=True, exist_ok=True)
        with open(self.device, "wb") as file:
            file.truncate(SIZE)
        command(*MAKE[self.kind], self.device)
        command("mount", "-o", "loop", self.device, self.place)
        return self

    def __exit__(self, *_error) -> None:
        command("umount", self.place)
        self.device.unlink()

    @property
    def ballast(self) -> Path:
        return self.place / "ballast.lock"

    def fill(self) -> None:
        """Takes so much of it that the image does not fit any more."""
        with open(self.ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, BALLAST)

    def free(self) -> None:
        """XFS gives the blocks of a removed file back in the background, so this waits for them."""
        taken = self.used()
        self.ballast.unlink()
        until(lambda: taken - self.used() > BALLAST - MIB, "room on the full file system", 30)

    def used(self) -> int:
        os.sync()
        found = os.statvfs(self.place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize


def command(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, env=os.environ | {"PATH": PATH})
    check(done.returncode == 0, f"{words[0]} ended with {done.returncode}: {done.stderr}")


def run(binary: Path, work: Path) -> None:
    if os.geteuid() != 0:
        print("skip  stores that run full: mounting small file systems takes root", flush=True)
        return
    for kind in MAKE:
        here = work / f"full-{kind}"
        with ExitStack() as stack:
            small, tiny = (stack.enter_context(SmallDisk(kind, here / name, work / f"{name}.disk")) for name in ("small", "tiny"))
            service = started(binary, here, "[]", stack)
            Full(service, here, kind, {"small": small, "tiny": tiny}).run()
            service.server.stop()
        here = work / f"staging-{kind}"
        with ExitStack() as stack:
            staging = stack.enter_context(SmallDisk(kind, here / "data/staging", work / "staging.disk"))
            service = started(binary, here, "['image_conversion']", stack)
            Staging(service, here, kind, staging).run()
            service.server.stop()


def started(binary: Path, here: Path, plugins: str, stack: ExitStack) -> Service:
    here.mkdir(parents=True, exist_ok=True)
    (here / "cinder.conf").write_text(CINDER.format(work=here))
    service = serve(binary, here, CONF.format(work=here, plugins=plugins), "--cinder-conf", here / "cinder.conf",
                    "--volume-type", "tiny=tiny", "--volume-type", "pure=puredriver-1",
                    folders=[here / name for name in ("fast", "small", "tiny")])
    stack.callback(lambda: service.server.process.poll() is None and service.server.kill())
    return service


class Full:
    """A store, or the pool behind one, runs full."""

    def __init__(self, service: Service, work: Path, kind: str, disks: dict[str, SmallDisk]):
        self.service, self.work, self.kind, self.disks = service, work, kind, disks
        self.given = random_file(work / "given.raw", LENGTH)

    def run(self) -> None:
        for store, place in self.disks.items():
            self.what = f"{self.kind} below {'a file store' if store == 'small' else 'a pool of volumes'} runs full"
            self.before = None
            place.fill()
            self.before = place.used()
            self.uploads(store, place)
            self.client(store, place)
            self.imports(store, place)
            self.copies(store, place)
            place.free()
            self.fits(store)

    def empty(self, what: str, place: SmallDisk) -> None:
        """Nothing of the image takes space on the full disk (but for the directories' own blocks)."""
        self.service.nothing_left(what)
        grown = place.used() - self.before
        check(grown < MIB // 2, f"{what}: {grown} bytes are still taken on the full file system")

    def uploads(self, store: str, place: SmallDisk) -> None:
        for chunked in (False, True):
            what = f"{self.what}: upload {'in chunks' if chunked else 'of known length'}"
            image = self.service.create("full")
            answer = self.service.put(image, self.given.path, store, chunked=chunked)
            self.service.refused(what, image, answer, 413, FULL)
            self.empty(what, place)

    def client(self, store: str, place: SmallDisk) -> None:
        what = f"{self.what}: scurry image upload"
        done = self.service.client("upload", self.given.path, "--disk-format", "raw", "--store", store, "--retries", "2", ok=False)
        check(FULL in done.stderr + done.stdout, f"{what}: it says {done.stderr!r}")
        for row in self.service.images():
            self.service.queued(what, row["id"])
            self.service.delete(row["id"])
        self.empty(what, place)
        print(f"ok    {what}: {' '.join(done.stderr.split())[-200:]}", flush=True)

    def imports(self, store: str, place: SmallDisk) -> None:
        for must_succeed in (True, False):
            what = f"{self.what}: glance-direct into it and another{'' if must_succeed else ', either will do'}"
            image = self.service.create("full")
            equal(self.service.put(image, self.given.path, None, action="stage").status, 204, f"{what}: stage")
            shown, task = self.service.imported(image, [store, "fast"], {"name": "glance-direct"}, must_succeed=must_succeed)
            self.ended(what, image, shown, task, store, None if must_succeed else ["fast"], place)
        with Origin(self.work) as origin:
            what, image = f"{self.what}: web-download", self.service.create("full")
            method = {"name": "web-download", "uri": origin.url(self.given.path.name)}
            shown, task = self.service.imported(image, [store], method)
            self.ended(what, image, shown, task, store, None, place)

    def ended(self, what: str, image: str, shown: dict, task: dict, store: str, kept: list[str] | None, place: SmallDisk) -> None:
        """The task names the cause; the image has what the other stores took, or is queued again."""
        check(FULL in task["message"] and store in task["message"], f"{what}: the task says {task['message']!r}")
        check(store in shown["os_glance_failed_import"].split(","), f"{what}: failed {shown['os_glance_failed_import']!r}")
        equal(shown.get("os_glance_importing_to_stores"), "", f"{what}: os_glance_importing_to_stores")
        if kept:
            equal((shown["status"], shown["stores"].split(","), shown["checksum"]), ("active", kept, self.given.md5), f"{what}: image")
            self.service.delete(image)
        else:
            equal(task["status"], "failure", f"{what}: task")
            self.service.queued(what, image)
            self.service.nothing_left(what)
            self.service.delete(image)
        self.empty(what, place)
        print(f"ok    {what}: {task['message'][:170]}", flush=True)

    def copies(self, store: str, place: SmallDisk) -> None:
        for must_succeed in (True, False):
            what = f"{self.what}: copy to it and another{'' if must_succeed else ', either will do'}"
            image = self.service.create("full")
            equal(self.service.put(image, self.given.path, "fast").status, 204, f"{what}: upload")
            shown, task = self.service.imported(image, [store, "pure1"], {"name": "copy-image"}, must_succeed=must_succeed)
            self.ended(what, image, shown, task, store, ["fast"] if must_succeed else ["fast", "pure1"], place)

    def fits(self, store: str) -> None:
        what, image = f"{self.what}: the same upload with room again", self.service.create("fits")
        equal(self.service.put(image, self.given.path, store).status, 204, what)
        shown = self.service.image(image)
        equal((shown["status"], shown["os_hash_value"]), ("active", self.given.sha512), what)
        self.service.delete(image)
        self.service.nothing_left(what)
        print(f"ok    {what}: active, digests right", flush=True)


class Staging:
    """The staging area runs full."""

    def __init__(self, service: Service, work: Path, kind: str, place: SmallDisk):
        self.service, self.work, self.place = service, work, place
        self.what = f"{kind} below the staging area runs full"

    def run(self) -> None:
        given = random_file(self.work / "given.raw", LENGTH)
        self.place.fill()
        for chunked in (False, True):
            image = self.service.create("full")
            answer = self.service.put(image, given.path, None, action="stage", chunked=chunked)
            self.service.refused(f"{self.what}: stage {'in chunks' if chunked else 'of known length'}", image, answer, 413, FULL)
        self.conversion(given)
        self.place.free()
        image = self.service.create("fits")
        equal(self.service.put(image, given.path, None, action="stage").status, 204, "stage with room again")
        shown, task = self.service.imported(image, ["fast"], {"name": "glance-direct"})
        equal((shown["os_hash_value"], task["status"]), (given.sha512, "success"), "import of what was staged")
        self.service.delete(image)
        self.service.nothing_left(self.what)
        print(f"ok    {self.what}: the same with room again: active, digests right", flush=True)

    def conversion(self, given: Disk) -> None:
        """A disk of another format is converted from the staging area, where it does not fit."""
        disk.run("qemu-img", "convert", "-O", "qcow2", given.path, self.work / "given.qcow2")
        with Origin(self.work) as origin:
            image = self.service.create("full", "qcow2")
            shown, task = self.service.imported(image, ["fast"], {"name": "web-download", "uri": origin.url("given.qcow2")})
        what = f"{self.what}: web-download of a qcow2 that is converted"
        equal((shown["status"], task["status"]), ("queued", "failure"), what)
        check(FULL in task["message"] and "staging" in task["message"], f"{what}: the task says {task['message']!r}")
        self.service.refused(what, image, None, 0)
