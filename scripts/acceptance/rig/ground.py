# SPDX-License-Identifier: Apache-2.0
"""What the sessions on the rig have in common: uploads that can be held, volumes, a proxy in front of Cinder."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import re
import threading
import time
import urllib.parse

from .. import disk
from ..session import Failure, check, equal, until
from . import api
from .clouds import Clouds
from .places import PASSWORD

MIB = 1 << 20


def plain(text):
    """An error's body without its tags."""
    return re.sub(r"(<[^>]*>|\s)+", " ", text).strip()


class HeldBody:
    """The content of a file: so many bytes at once, the rest when `go` is set."""

    def __init__(self, path, first):
        self.file, self.left = open(path, "rb"), first
        self.held, self.go = threading.Event(), threading.Event()

    def read(self, size):
        if self.left <= 0:
            self.held.set()
            self.go.wait(180)
        else:
            size = min(size, self.left)
        chunk = self.file.read(size)
        self.left -= len(chunk)
        return chunk


class Upload:
    """A PUT of an image's data in a thread of its own, held after `first` bytes; `end` lets it go on."""

    def __init__(self, ground, image_id, first, chunked=False, token=None):
        self.body, self.answer = HeldBody(ground.raw, first), None
        self.base = urllib.parse.urlparse(ground.admin.endpoint("image"))
        self.headers = {"X-Auth-Token": token or ground.admin.token(), "Content-Type": "application/octet-stream"}
        if not chunked:
            self.headers["Content-Length"] = str(ground.length)
        self.path, self.chunked = f"/v2/images/{image_id}/file", chunked
        self.thread = threading.Thread(target=self._put, daemon=True)
        self.thread.start()

    def _put(self):
        connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=400)
        try:
            connection.request("PUT", self.path, self.body, self.headers, encode_chunked=self.chunked)
            answer = connection.getresponse()
            self.answer = answer.status, answer.read().decode(errors="replace")
        except OSError as error:
            self.answer = None, str(error)

    def held(self):
        until(self.body.held.is_set, "the upload to be half way", 90, 0.02)
        return self

    def end(self, seconds=300):
        """Status and body of the answer."""
        self.body.go.set()
        self.thread.join(seconds)
        check(self.answer, f"the upload gave no answer within {seconds} s")
        return self.answer


def download(ground, image_id):
    """A GET of an image's data in a thread of its own; what becomes of it does not matter."""
    def get():
        with contextlib.suppress(OSError, http.client.HTTPException):
            ground.status("GET", f"/v2/images/{image_id}/file")
    threading.Thread(target=get, daemon=True).start()


class Ground(Clouds):
    """The rig, its administrator, and an image of 200 MiB with zeroes in it."""

    def __init__(self, rig, clients, work):
        super().__init__(rig, clients, work)
        self.keystone = api.Api(rig.places.url("keystone"))
        self.raw, self.length = work / "faults.raw", 200 * MIB + 4096
        with open(self.raw, "wb") as file:
            for at in range(0, 200 * MIB, 40 * MIB):
                file.seek(at)
                file.write(os.urandom(20 * MIB))
            file.truncate(self.length)
        self.md5, self.sha512 = disk.digests(self.raw)

    def new_image(self, name, **fields):
        body = {"name": name, "disk_format": "raw", "container_format": "bare"} | fields
        return self.json("POST", "/v2/images", body)["id"]

    def upload(self, name, store=None, **fields):
        """An active image; its id and the id of its volume."""
        image_id = self.new_image(name, **fields)
        headers = {"Content-Type": "application/octet-stream"} | ({"x-image-meta-store": store} if store else {})
        self.admin.request("PUT", f"/v2/images/{image_id}/file", self.raw.read_bytes(), headers)
        return image_id, self.volume_of(image_id)

    def active(self, image_id):
        """The image, which must be what was sent."""
        image = self.admin.image(image_id)
        equal((image["status"], image["checksum"], image["os_hash_value"]), ("active", self.md5, self.sha512), "image")
        return image

    def volume_of(self, image_id, store=None):
        for location in self.admin.image(image_id)["locations"]:
            if store in (None, location["metadata"]["store"]):
                return location["url"].rsplit("/", 1)[1]
        raise Failure(f"image {image_id} has no location in {store}")

    def same_content(self, volume_id, what):
        path = self.admin.export_volume(volume_id, self.work / "export")
        _, sha512 = disk.digests(path, self.length)
        path.unlink()
        equal(sha512, self.sha512, f"sha512 of {what}")

    def downloaded(self, image_id):
        data = self.admin.request("GET", f"/v2/images/{image_id}/file")
        equal(hashlib.md5(data).hexdigest(), self.md5, "md5 of the download")

    def copy(self, image_id, *stores):
        self.json("POST", f"/v2/images/{image_id}/import", {"method": {"name": "copy-image"}, "stores": list(stores)})

    def copied(self, image_id, *stores, seconds=300):
        """The image when it is in all of these stores and nobody works on it."""
        def ended():
            image = self.admin.image(image_id)
            check(not image.get("os_glance_failed_import"), f"failed copies: {image.get('os_glance_failed_import')}")
            return image if set(stores) <= set(image["stores"].split(",")) and not image.get("os_glance_import_task") else None
        return until(ended, f"the image to be in {', '.join(stores)}", seconds)

    def consistent(self, seconds=90):
        """Every volume is an image's, every location a volume, nothing is attached."""
        located = {location["url"].rsplit("/", 1)[1] for row in self.json("GET", "/v2/images?limit=1000")["images"]
                   for location in self.admin.image(row["id"]).get("locations", [])}
        until(lambda: set(self.volumes()) == located, f"the volumes to be those of the images ({located})", seconds, 1)
        until(lambda: not self.attachments(), "nothing to be attached", seconds, 1)
        for volume_id, volume in self.volumes().items():
            equal(volume["status"], "available", f"status of volume {volume_id}")

    def delete(self, image_id):
        self.admin.request("DELETE", f"/v2/images/{image_id}")
        self.consistent()

    def said(self, pattern):
        """Lines of Scurry's log that match."""
        log = (self.rig.places.dir("log") / "scurry.out").read_text(errors="replace")
        return [line for line in log.splitlines() if re.search(pattern, line)]

    def as_operator(self):
        """Calls of Keystone as the administrator of the whole system."""
        self.keystone.headers.pop("X-Auth-Token", None)
        self.keystone.login({"system": {"all": True}})
        return self.keystone

    def revoke_all(self, user):
        """Every token of a user ends when its password is written anew."""
        keystone = self.as_operator()
        time.sleep(1.1)  # revocations count in whole seconds
        keystone.call("PATCH", f"/users/{keystone.find('user', user)}", {"user": {"password": PASSWORD}})


class Proxy:
    """Stands between Scurry and Cinder's API and can hold requests back."""

    def __init__(self, target):
        proxy = self
        self.target, self.pattern = target, None
        self.reached, self.release = threading.Event(), threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if proxy.pattern and re.search(proxy.pattern, f"{self.command} {self.path}"):
                    proxy.reached.set()
                    proxy.release.wait(300)
                connection = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=120)
                try:
                    connection.request(self.command, self.path, body, dict(self.headers))
                    answer = connection.getresponse()
                    data = answer.read()
                except OSError:
                    self.close_connection = True
                    return
                try:
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                            self.send_header(name, value)
                    if answer.status != 204:
                        self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = forward

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def template(self):
        return f"http://127.0.0.1:{self.server.server_port}/v3/%(project_id)s"

    def hold(self, pattern):
        """From now on requests whose method and path match wait."""
        self.reached.clear()
        self.release.clear()
        self.pattern = pattern

    def let_go(self):
        self.pattern = None
        self.release.set()

    def close(self):
        self.let_go()
        self.server.shutdown()
