# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind, and the answer each must get."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

from . import disk
from .credentials import issue
from .session import Cloud, Server, check, equal, free_ports, openrc

JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}
MIB = 1 << 20


def expect(what, answer, status, *texts):
    """The answer has that status and its body every text."""
    found, body = answer
    equal(found, status, f"{what}: status (body: {body.strip()[:300]!r})")
    for text in texts:
        check(text in body, f"{what}: {text!r} is not in {body!r}")
    line = " ".join(body.split())
    print(f"ok    {what}: {status} {line[:150]}", flush=True)


class BadInput:
    def __init__(self, admin, demo, work):
        self.admin, self.demo, self.work = admin, demo, work

    def image(self, cloud, disk_format="raw", **properties):
        body = {"name": "bad", "disk_format": disk_format, "container_format": "bare"} | properties
        return json.loads(cloud.request("POST", "/v2/images", json.dumps(body).encode(), JSON))["id"]

    def put(self, cloud, image_id, data, **headers):
        extra = BYTES | {name.replace("_", "-"): value for name, value in headers.items()}
        return cloud.status("PUT", f"/v2/images/{image_id}/file", data, extra)

    def requests(self):
        demo, admin = self.demo, self.admin
        image_id = self.image(demo)
        expect("unknown store", self.put(demo, image_id, b"x" * 1024, x_image_meta_store="nope"), 400, "nope")
        expect("upload longer than announced",
               self.put(demo, image_id, b"x" * 2048, x_openstack_image_size="1024"), 400)
        equal(demo.image(image_id)["status"], "queued", "status after a refused upload")
        expect("image size that is no number",
               self.put(demo, image_id, b"x", x_openstack_image_size="many"), 400)
        expect("data of the wrong media type",
               demo.status("PUT", f"/v2/images/{image_id}/file", b"x", JSON), 415)
        qcow2 = self.work / "tiny.qcow2"
        disk.run("qemu-img", "create", "-q", "-f", "qcow2", qcow2, "64M")
        expect("qcow2 claimed as raw", self.put(demo, image_id, qcow2.read_bytes()), 415, "qcow2")
        after = demo.image(image_id)
        equal((after["status"], after["checksum"]), ("queued", None), "image after a refused upload")
        expect("copy of an image that is not active", self.copy(admin, image_id, ["pure1"]), 409, "active")
        equal(self.put(demo, image_id, b"y" * MIB)[0], 200, "a good upload after the refused ones")
        expect("upload to an active image", self.put(demo, image_id, b"x"), 409, "active")
        expect("copy to an unknown store", self.copy(admin, image_id, ["nope"]), 409, "nope")
        expect("copy to a store that has it", self.copy(admin, image_id, ["pure2"]), 400, "pure2")
        self.duplicate()
        expect("wrong JSON", demo.status("POST", "/v2/images", b"{\"name\": ", JSON), 400, "JSON")
        expect("JSON of the wrong shape", demo.status("POST", "/v2/images", b"{\"min_disk\": \"x\"}", JSON), 400)
        expect("a property that is read-only", demo.status("POST", "/v2/images", b"{\"size\": 1}", JSON), 403, "size")
        expect("another tenant's private image",
               demo.status("GET", f"/v2/images/{self.image(admin, visibility='private')}"), 404)
        expect("an id that is none", demo.status("GET", "/v2/images/../../etc/passwd"), 404)
        expect("no token", demo.status("GET", "/v2/images", headers={"X-Auth-Token": ""}), 401)
        expect("a forged token", demo.status("GET", "/v2/images", headers={"X-Auth-Token": "gAAAAABforged"}), 401)

    def copy(self, cloud, image_id, stores):
        body = json.dumps({"method": {"name": "copy-image"}, "stores": stores}).encode()
        return cloud.status("POST", f"/v2/images/{image_id}/import", body, JSON)

    def duplicate(self):
        """The second of two imports that follow on each other's heels."""
        big = self.work / "big.raw"
        big.write_bytes(os.urandom(192 * MIB))
        image_id = self.image(self.admin)
        equal(self.put(self.admin, image_id, big.read_bytes())[0], 200, "upload")
        equal(self.copy(self.admin, image_id, ["pure1", "pure3", "pure4"])[0], 200, "first import")
        expect("duplicate import", self.copy(self.admin, image_id, ["pure1", "pure3", "pure4"]), 409)

    def quota(self):
        limits = self.admin.openstack("registered", "limit", "list")
        row = next(row for row in limits if row["Resource Name"] == "image_size_total")
        self.admin.plain("registered", "limit", "set", "--default-limit", 2, row["ID"], "-f", "json")
        time.sleep(6)
        image_id = self.image(self.demo)
        expect("size over quota", self.put(self.demo, image_id, b"x" * 4 * MIB), 413,
               "is over a limit for [Resource image_size_total is over limit of 2 due to current usage")
        self.admin.plain("registered", "limit", "set", "--default-limit", row["Default Limit"], row["ID"], "-f", "json")

    def volumes(self):
        raw = disk.make_sparse(self.work / "two.raw", 2 << 30, b"start")
        image_id = self.admin.openstack("image", "create", "--public", "--container-format", "bare", "--disk-format",
                                        "raw", "--file", raw, "two")["id"]
        text = self.demo.refused("volume", "create", "--image", image_id, "--size", "1", "small")
        expect("volume smaller than the image", (400 if "400" in text else 0, text), 400, "2GB", "1GB")
        text = self.demo.refused("volume", "create", "--type", "nope", "--size", "1", "typeless")
        check("nope" in text, f"unknown volume type: {text}")
        print(f"ok    unknown volume type: {text.strip()[:150]}", flush=True)


def start_up(binary, work):
    """Commands that must refuse to start, and say why."""
    def refused(what, words, *texts, prefix=()):
        done = subprocess.run([*prefix, binary, *words], capture_output=True, text=True, timeout=90, check=False)
        check(done.returncode not in (0, 101, -6, -11), f"{what}: ended with {done.returncode}: {done.stderr}")
        said = done.stderr + done.stdout
        for text in texts:
            check(text in said, f"{what}: {text!r} is not in {said!r}")
        print(f"ok    {what}: exit {done.returncode}: {said.strip().splitlines()[-1][:220]}", flush=True)

    def ports():
        identity, block, image = map(str, free_ports(3))
        return ["--identity-port", identity, "--block-storage-port", block, "--image-port", image]

    glance = work / "bad-type.conf"
    glance.write_text("[DEFAULT]\nenabled_backends = pure1:cinder, lost:cinder\n[glance_store]\n"
                      "default_backend = pure1\n[pure1]\ncinder_volume_type = pure\n"
                      "[lost]\ncinder_volume_type = no-such-type\n")
    refused("unknown volume type in a store section",
            ["up", "--data-dir", work / "d1", "--glance-conf", glance, *ports()], "no-such-type", "lost")
    glance = work / "bad-value.conf"
    glance.write_text("[DEFAULT]\nenabled_backends = pure1:cinder\nlimit_param_default = zero\n"
                      "[glance_store]\ndefault_backend = pure1\n")
    refused("wrong value in the configuration", ["config", "check", glance], f"{glance}:3", "limit_param_default", "zero")
    refused("default_backend that is not enabled",
            ["up", "--data-dir", work / "d2", "--glance-conf", unknown_default(work), *ports()], "nowhere")
    closed = work / "closed"
    closed.mkdir(mode=0o755)
    os.chmod(work, 0o755)
    copy = Path(work) / "scurry"
    copy.write_bytes(Path(binary).read_bytes())
    copy.chmod(0o755)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    nobody = ["up", "--data-dir", closed / "data", *ports()]
    if not prefix:
        closed.chmod(0o555)
    done_binary, binary = binary, copy
    refused("data directory that cannot be written", nobody, str(closed / "data"), prefix=prefix)
    binary = done_binary
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = ports()
        words[-1] = str(taken.getsockname()[1])
        refused("port that is taken", ["up", "--data-dir", work / "d3", *words], words[-1])


def unknown_default(work):
    path = work / "bad-default.conf"
    path.write_text("[DEFAULT]\nenabled_backends = pure1:cinder\n[glance_store]\ndefault_backend = nowhere\n"
                    "[pure1]\ncinder_volume_type = pure\n")
    return path


def expired_token(binary, clients, work):
    server = Server(binary, work / "short", ["--token-lifetime", "3s"]).start()
    try:
        admin = Cloud(clients, openrc(server.data_dir / "admin-openrc"), binary)
        admin.endpoint("image")
        # The client takes seconds to end where the machine is busy.
        token, _ = issue(server.ports[0], openrc(server.data_dir / "admin-openrc"))
        equal(admin.status("GET", "/v2/images", headers={"X-Auth-Token": token})[0], 200, "fresh token")
        time.sleep(4)
        expect("expired token", admin.status("GET", "/v2/images", headers={"X-Auth-Token": token}), 401)
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()


def run(binary, clients, work):
    work = Path(work)
    server = Server(binary, work / "data").start()
    try:
        admin = Cloud(clients, openrc(work / "data/admin-openrc"), binary)
        demo = Cloud(clients, openrc(work / "data/demo-openrc"), binary)
        session = BadInput(admin, demo, work)
        session.requests()
        session.quota()
        session.volumes()
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
    expired_token(binary, clients, work)
    start_up(binary, work)
