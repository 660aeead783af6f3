# SPDX-License-Identifier: Apache-2.0
"""kill -9 of `scurry up` in the middle of its work, a restart, and what must hold afterwards."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import threading
import time
import urllib.parse
from pathlib import Path

from . import disk
from .session import Cloud, Server, check, equal, openrc, until
from .walkthrough import leftovers

MIB = 1 << 20


class SlowBody:
    """The content of a file, given out until somebody says stop; then it dawdles."""

    def __init__(self, path, pause_after):
        self.file, self.left, self.paused = open(path, "rb"), pause_after, threading.Event()

    def read(self, size):
        if self.left <= 0:
            self.paused.set()
            time.sleep(0.2)
            size = min(size, 4096)
        chunk = self.file.read(size)
        self.left -= len(chunk)
        return chunk


class Crash:
    def __init__(self, binary, clients, work, options=()):
        self.server = Server(binary, Path(work) / "data", options)
        self.clients, self.binary, self.work = clients, binary, Path(work)
        self.raw = self.work / "random.raw"
        self.length = 1024 * MIB + 4096
        with open(self.raw, "wb") as file:
            for _ in range(0, self.length, MIB):
                file.write(os.urandom(MIB))
            file.truncate(self.length)
        self.md5, self.sha512 = disk.digests(self.raw)

    def start(self):
        self.server.start()
        self.admin = Cloud(self.clients, openrc(self.server.data_dir / "admin-openrc"), self.binary)

    def restart(self):
        self.server.kill()
        self.start()

    def new_image(self, name):
        body = json.dumps({"name": name, "disk_format": "raw", "container_format": "bare"}).encode()
        return json.loads(self.admin.request("POST", "/v2/images", body, {"Content-Type": "application/json"}))["id"]

    def put(self, image_id, body, length, chunked):
        """PUT of an image's data that may never end well."""
        base = urllib.parse.urlparse(self.admin.endpoint("image"))
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=300)
        headers = {"X-Auth-Token": self.admin.token(), "Content-Type": "application/octet-stream"}
        if not chunked:
            headers["Content-Length"] = str(length)
        try:
            connection.request("PUT", f"/v2/images/{image_id}/file", body, headers, encode_chunked=chunked)
            return connection.getresponse().status
        except OSError:
            return None

    def volumes(self):
        return {row["ID"]: row for row in self.admin.openstack("volume", "list", "--all-projects")}

    def consistent(self):
        """Every volume is a location's and every location a volume; nothing is attached or half written."""
        located = set()
        for row in self.admin.openstack("image", "list"):
            for location in self.admin.image(row["ID"]).get("locations", []):
                located.add(location["url"].rsplit("/", 1)[1])
        until(lambda: set(self.volumes()) == located, f"the volumes to be those of the images ({located})", 60)
        for volume_id, row in self.volumes().items():
            equal(row["Status"], "available", f"status of volume {volume_id}")
        attachments = json.loads(self.admin.request("GET", "/attachments?all_tenants=1", service="block-storage",
                                                    headers={"OpenStack-API-Version": "volume 3.54"}))
        equal(attachments["attachments"], [], "attachments")
        for name in leftovers(self.server.data_dir):
            path = self.server.data_dir / name
            used = self.layer_used(path) if path.name.startswith("layer-") else any(
                volume_id in path.name for volume_id in located)
            check(used, f"{name} belongs to no image: {located}")

    @staticmethod
    def layer_used(layer):
        """Whether a volume is a clone over this frozen layer: its overlay's header names it."""
        name = layer.name.encode()
        return any(name in overlay.open("rb").read(4096) for overlay in layer.parent.glob("*.overlay"))

    def upload(self, chunked):
        image_id = self.new_image("killed upload")
        body = SlowBody(self.raw, 300 * MIB)
        upload = threading.Thread(target=self.put, args=(image_id, body, self.length, chunked), daemon=True)
        upload.start()
        until(body.paused.is_set, "the upload to be half way", 60, 0.01)
        equal(self.admin.image(image_id)["status"], "saving", "status in the middle of the upload")
        check(self.volumes(), "no volume in the middle of the upload")
        self.restart()
        image = until(lambda: self.settled(image_id), "the image to be settled", 60)
        check(image["status"] in ("queued", "killed"), f"status after the crash: {image['status']}")
        equal((image["checksum"], image.get("locations")), (None, []), "checksum and locations after the crash")
        self.consistent()
        with open(self.raw, "rb") as file:
            equal(self.put(image_id, file, self.length, chunked), 204, "status of the second upload")
        image = self.admin.image(image_id)
        equal((image["status"], image["checksum"], image["os_hash_value"]), ("active", self.md5, self.sha512), "image")
        self.consistent()
        return image_id

    def settled(self, image_id):
        image = self.admin.image(image_id)
        return image if image["status"] not in ("saving", "importing") else None

    def copy(self, image_id, delay):
        """Kills `delay` seconds after the copy was asked for; says what it came to."""
        body = json.dumps({"method": {"name": "copy-image"}, "stores": ["pure1", "pure3", "pure4"]}).encode()
        self.admin.request("POST", f"/v2/images/{image_id}/import", body, {"Content-Type": "application/json"})
        time.sleep(delay)
        before = self.admin.image(image_id)
        self.restart()

        def ended():
            image = self.admin.image(image_id)
            return image if "os_glance_import_task" not in image or not image["os_glance_import_task"] else None
        image = until(ended, "the copy to be finished or given up", 180)
        equal(image["status"], "active", "status after the crash")
        self.consistent()
        outcome = "finished by itself"
        if image["stores"] != before["stores"] and image["os_glance_failed_import"]:
            outcome = "given up in part"
        if set(image["stores"].split(",")) != {"pure1", "pure2", "pure3", "pure4"}:
            outcome = "retried"
            self.admin.run(self.admin.clients / "glance", "image-import", image_id, "--all-stores", "true",
                           "--import-method", "copy-image")
            image = until(lambda: self.everywhere(image_id), "the second attempt", 180)
        for location in image["locations"]:
            path = self.admin.export_volume(location["url"].rsplit("/", 1)[1], self.work / "export")
            equal(disk.digests(path, self.length)[1], self.sha512, f"sha512 of the copy in {location['metadata']}")
            path.unlink()
        during = before.get("os_glance_importing_to_stores")
        for store in ("pure1", "pure3", "pure4"):
            self.admin.request("DELETE", f"/v2/stores/{store}/{image_id}")
        self.consistent()
        return f"killed after {delay:.2f} s with {during or 'nothing'} to do: {outcome}, four copies equal"

    def everywhere(self, image_id):
        image = self.admin.image(image_id)
        return image if len(image["stores"].split(",")) == 4 and not image.get("os_glance_import_task") else None

    def ask_to_delete(self, image_id):
        """The server may be killed before it answers."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.admin.status("DELETE", f"/v2/images/{image_id}")

    def delete(self, image_id):
        threading.Thread(target=self.ask_to_delete, args=(image_id,), daemon=True).start()
        time.sleep(0.01)
        self.restart()
        status, _ = self.admin.status("GET", f"/v2/images/{image_id}")
        if status == 200:
            self.admin.request("DELETE", f"/v2/images/{image_id}")
        self.consistent()
        equal(self.volumes(), {}, "volumes")


def run(binary, clients, work, options=()):
    """`options` go to `scurry up`."""
    session = Crash(binary, clients, work, options)
    session.start()
    try:
        for chunked in (False, True):
            image_id = session.upload(chunked)
            print(f"ok    kill -9 in an upload ({'unknown' if chunked else 'known'} length): queued, nothing left, "
                  "second upload right", flush=True)
            if not chunked:
                session.admin.request("DELETE", f"/v2/images/{image_id}")
                session.consistent()
        for delay in (0.05, 0.3, 0.6, 1.0, 1.5):
            print(f"ok    copy to three stores: {session.copy(image_id, delay)}", flush=True)
        session.delete(image_id)
        print("ok    kill -9 in a delete: gone, no volume left", flush=True)
        session.server.stop()
    finally:
        if session.server.process.poll() is None:
            session.server.kill()
