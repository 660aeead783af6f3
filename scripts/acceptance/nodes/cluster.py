# SPDX-License-Identifier: Apache-2.0
"""Identity and block storage of a `scurry up`, and two image-api processes of their own beside it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from ..credentials import issue
from ..session import Server, check, equal, free_ports, openrc, until

FILE_STORES, VOLUME_STORES = ("cheap", "fast"), ("pure1", "pure3", "pure4")
VOLUME_TYPES = {"pure1": "pure", "pure3": "pure3", "pure4": "replicated"}
# What a client takes for a sign to ask the other node.
AWAY = (OSError, http.client.HTTPException)


def node_conf(work, number, port, database, shared):
    """glance-api.conf of one node; what `scurry up` wrote about its neighbours is read before it."""
    text = f"""[DEFAULT]
bind_host = 127.0.0.1
bind_port = {port}
public_endpoint =
worker_self_reference_url = http://127.0.0.1:{port}
enabled_backends = cheap:file,fast:file,pure1:cinder,pure3:cinder,pure4:cinder
enabled_import_methods = [glance-direct,web-download,copy-image]
show_multiple_locations = True
use_keystone_limits = True
[database]
connection = {database.replace("$", "$$")}
[import_filtering_opts]
allowed_ports = []
allowed_hosts = [127.0.0.1]
[glance_store]
default_backend = fast
[os_glance_staging_store]
filesystem_store_datadir = {work}/staging-{"shared" if shared else number}
"""
    text += "".join(f"[{store}]\nfilesystem_store_datadir = {work}/{store}\n" for store in FILE_STORES)
    return text + "".join(f"[{store}]\ncinder_volume_type = {kind}\n" for store, kind in VOLUME_TYPES.items())


class Node:
    """An image-api process."""

    def __init__(self, binary, work, number, database, shared):
        (self.port,) = free_ports(1)
        self.binary, self.work, self.number, self.process = binary, work, number, None
        self.log = work / f"node-{number}.log"
        self.conf = work / f"node-{number}.conf"
        self.conf.write_text(node_conf(work, number, self.port, database, shared))

    def start(self):
        files = [self.work / "data/glance-api.conf", self.work / "data/embedded.conf", self.conf]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "image-api", *(word for file in files for word in ("--config-file", file))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until(self.answers, f"node {self.number} to answer ({self.log})", 120, 0.1)
        return self

    def answers(self):
        check(self.process.poll() is None, f"node {self.number} ended: {self.log_tail()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthcheck", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def log_tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            equal(self.process.wait(60), 0, f"exit status of node {self.number} after SIGTERM")
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def request(self, method, path, body=None, headers=None, timeout=120):
        """Status and body; one of AWAY when the node dies meanwhile."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Cluster:
    """Both nodes, and who kills them."""

    def __init__(self, binary, work, database, shared):
        self.work, self.database = Path(work), database
        self.up = Server(binary, self.work / "data")
        self.binary, self.shared, self.nodes = binary, shared, []
        self.kills, self.calm, self.killer, self.failure = 0, threading.Event(), None, None

    def start(self):
        self.up.start()
        self.variables = openrc(self.up.data_dir / "admin-openrc")
        self.token, self.project = issue(self.up.ports[0], self.variables)
        for store in FILE_STORES:
            (self.work / store).mkdir()
        address = self.database.create("glance")
        self.nodes = [Node(self.binary, self.work, number, address, self.shared) for number in (1, 2)]
        # Both at once: one of them makes the schema.
        starts = [threading.Thread(target=node.start) for node in self.nodes]
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        for node in self.nodes:
            check(node.process and node.answers(), f"node {node.number} did not start: {node.log_tail()}")

    def kill_in_turns(self, generator, pause):
        """Kills one node after the other until `calm` is set; each is up again before the next dies."""
        def work():
            try:
                while not self.calm.wait(generator.uniform(*pause)):
                    node = self.nodes[self.kills % 2]
                    node.kill()
                    self.kills += 1
                    time.sleep(generator.uniform(0.2, 2))
                    node.start()
            except Exception as error:  # the session fails with it
                self.failure = error
        self.killer = threading.Thread(target=work, daemon=True)
        self.killer.start()

    def calm_down(self):
        self.calm.set()
        if self.killer:
            self.killer.join(180)
        check(self.failure is None, f"a killed node did not come back: {self.failure}")

    def stop(self):
        for server in (*self.nodes, self.up):
            server.stop()

    def end(self):
        """Whatever still runs."""
        self.calm.set()
        if self.killer:
            self.killer.join(180)
        for server in (*self.nodes, self.up):
            if server.process and server.process.poll() is None:
                server.kill()

    def volumes(self):
        """All volumes, and all attachments."""
        def ask(path):
            headers = {"X-Auth-Token": self.token, "OpenStack-API-Version": "volume 3.54"}
            address = f"http://127.0.0.1:{self.up.ports[1]}/v3/{path}"
            with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
                return json.load(answer)
        volumes = {row["id"]: row["status"] for row in ask("volumes/detail?all_tenants=1")["volumes"]}
        return volumes, ask("attachments?all_tenants=1")["attachments"]
