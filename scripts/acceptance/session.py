# SPDX-License-Identifier: Apache-2.0
"""A running cloud and the real clients pointed at it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Failure(Exception):
    """Something is not as it must be."""


def check(condition, text):
    """Raises Failure with `text` unless `condition` holds."""
    if not condition:
        raise Failure(text)


def equal(found, expected, what):
    """Raises Failure unless both values are equal."""
    if found != expected:
        raise Failure(f"{what}: {expected!r} expected, {found!r} found")


def until(probe, what, seconds=300, pause=0.3):
    """Calls `probe` until it gives something true, and gives that."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        check(time.monotonic() < deadline, f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def free_ports(count):
    """Ports nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def openrc(path):
    """The OS_* variables of an openrc file."""
    variables = {}
    for line in Path(path).read_text().splitlines():
        if line.startswith("export "):
            for word in shlex.split(line.removeprefix("export ")):
                name, _, value = word.partition("=")
                variables[name] = value
    return variables


class Server:
    """A `scurry up` of our own, in its own process group, stopped by its process id."""

    def __init__(self, binary, data_dir, options=(), ports=None):
        self.binary, self.data_dir, self.options = binary, Path(data_dir), list(options)
        self.ports = ports or free_ports(3)
        self.process = None

    def start(self, seconds=60):
        self.data_dir.mkdir(parents=True, exist_ok=True)
        log = open(self.data_dir.parent / (self.data_dir.name + ".log"), "ab")
        identity, block, image = map(str, self.ports)
        self.process = subprocess.Popen(
            [self.binary, "up", "--data-dir", self.data_dir, "--identity-port", identity,
             "--block-storage-port", block, "--image-port", image, *self.options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until(self._ready, "scurry up to answer", seconds, 0.1)
        return self

    def _ready(self):
        status = self.process.poll()
        check(status is None, f"scurry up ended with {status}: {self.log_tail()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[2]}/healthcheck", timeout=5) as answer:
                return answer.status == 200 and (self.data_dir / "clouds.yaml").exists()
        except (urllib.error.URLError, OSError):
            return False

    def log_tail(self):
        log = self.data_dir.parent / (self.data_dir.name + ".log")
        return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""

    def kill(self):
        """As a power cut of the process: SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """A clean stop, which must end well and soon."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("scurry up did not stop within 60 s of SIGTERM") from None
        equal(status, 0, "exit status of scurry up after SIGTERM")

    def written(self):
        """Bytes the process has given to write calls of files and sockets so far."""
        fields = Path(f"/proc/{self.process.pid}/io").read_text().split()
        return int(fields[fields.index("write_bytes:") + 1]), int(fields[fields.index("wchar:") + 1])


class Cloud:
    """The clients, with the credentials of one user."""

    def __init__(self, clients, variables, binary):
        self.clients, self.binary = Path(clients), binary
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        self.environment |= variables | {"PATH": f"{clients}:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}

    def run(self, *words, ok=True, **options):
        """Runs a command with this cloud's environment; gives the completed process."""
        words = [str(word) for word in words]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=900,
                              stdin=subprocess.DEVNULL, check=False, **options)
        if ok and done.returncode != 0:
            raise Failure(f"{shlex.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def openstack(self, *words):
        """`openstack … -f json`, parsed."""
        return json.loads(self.run(self.clients / "openstack", *words, "-f", "json").stdout)

    def plain(self, *words):
        """`openstack …` for commands that print nothing."""
        return self.run(self.clients / "openstack", *words).stdout

    def refused(self, *words, client="openstack"):
        """The message of a command that must fail."""
        done = self.run(self.clients / client, *words, ok=False)
        check(done.returncode != 0, f"{client} {shlex.join(map(str, words))} should have failed: {done.stdout}")
        return done.stdout + done.stderr

    def table(self, client, *words):
        """The two-column table of `glance` or `cinder` as a dictionary."""
        rows, key = {}, None
        for line in self.run(self.clients / client, *words).stdout.splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|") or len(cells) < 2 or cells[0] == "Property":
                continue
            key = cells[0] or key
            rows[key] = rows[key] + "\n" + cells[1] if not cells[0] else cells[1]
        return rows

    def token(self):
        return self.openstack("token", "issue")["id"]

    def image(self, image_id):
        """An image as the API gives it, as administrator or owner."""
        answer = self.request("GET", f"/v2/images/{image_id}")
        return json.loads(answer)

    def request(self, method, path, body=None, headers=None, service="image"):
        """A request without a client's help; gives the body, raises urllib.error.HTTPError."""
        base = self.endpoint(service)
        given = {"X-Auth-Token": self._cached_token()} | (headers or {})
        request = urllib.request.Request(base + path, data=body, method=method, headers=given)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()

    def status(self, method, path, body=None, headers=None, service="image"):
        """Status and body of a request, whatever they are."""
        try:
            return 200, self.request(method, path, body, headers, service).decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def endpoint(self, service):
        if not hasattr(self, "_endpoints"):
            self._endpoints = {}
            for entry in self.openstack("catalog", "list"):
                for endpoint in entry["Endpoints"]:
                    if endpoint["interface"] == "public":
                        self._endpoints[entry["Type"]] = endpoint["url"].rstrip("/")
        return re.sub(r"/v2$", "", self._endpoints[service])

    def _cached_token(self):
        if not hasattr(self, "_token"):
            self._token = self.token()
        return self._token

    def volume_ready(self, volume_id):
        """Waits for a volume to be available and gives it."""
        def probe():
            volume = self.openstack("volume", "show", volume_id)
            check(not volume["status"].startswith("error"), f"volume {volume_id} is in status {volume['status']}")
            return volume if volume["status"] == "available" else None
        return until(probe, f"volume {volume_id} to be available", 600)

    def export_volume(self, volume_id, path):
        """A volume's content, read as a connector reads it."""
        self.run(self.binary, "volume", "export", volume_id, path)
        return path
