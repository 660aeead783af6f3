# SPDX-License-Identifier: Apache-2.0
"""An image service at an address, whoever wrote it: what the works ask of it, timed."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from ..session import Failure, check

# What a store is called in the works; the names of the services' own stores are given for these.
ROLES = ("file", "first", "second", "third", "twin")
# How long a deletion is tried again that something still in use refuses, and the pause, in seconds.
PATIENCE, PAUSE = 60, 1


class Conflict(Failure):
    """The service answered 409."""


class Service:
    """`stores` maps ROLES to store names; `twin` is a second store of the backend of `first`."""

    def __init__(self, url: str, token: str, stores: dict[str, str], pid: int | None = None):
        self.url, self.token, self.stores, self.pid = url.rstrip("/"), token, stores, pid
        # Whether its database was filled for the work `pages`.
        self.list_filled = False

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}"
            raise (Conflict if error.code == 409 else Failure)(said) from None
        return json.loads(text) if text else {}

    def create(self, name: str, disk_format: str = "raw") -> str:
        return self.ask("POST", "/v2/images", {"name": name, "disk_format": disk_format, "container_format": "bare"})["id"]

    def delete(self, image: str) -> None:
        self.remove(f"/v2/images/{image}")

    def remove(self, path: str) -> None:
        """DELETE. Glance refuses it while a worker still has the volume attached."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.ask("DELETE", path)
                return
            except Conflict:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)

    def leave(self, image: str, roles: list[str]) -> None:
        """Takes the image out of stores again."""
        for role in roles:
            self.remove(f"/v2/stores/{self.stores[role]}/{image}")

    def image(self, image: str) -> dict:
        return self.ask("GET", f"/v2/images/{image}")

    def put(self, image: str, path: Path, role: str | None = "file", action: str = "file", words: tuple[str, ...] = ()) -> float:
        """Seconds of `curl -T`, as Glance's own figures were taken."""
        words = [*words, "-T", path, "-H", "Expect:", "-H", "Content-Type: application/octet-stream"]
        if role:
            words += ["-H", f"X-Image-Meta-Store: {self.stores[role]}"]
        return self.curl(*words, f"{self.url}/v2/images/{image}/{action}", expected="204")

    def get(self, image: str, length: int, *options: str) -> float:
        return self.curl(*options, f"{self.url}/v2/images/{image}/file", expected=f"200 {length}", form="%{http_code} %{size_download}")

    def curl(self, *words: object, expected: str, form: str = "%{http_code}") -> float:
        command = ["curl", "-sS", "-o", "/dev/null", "-w", form, "-H", f"X-Auth-Token: {self.token}", *map(str, words)]
        begun = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"no_proxy": "127.0.0.1"})
        took = time.monotonic() - begun
        check(done.stdout.strip() == expected, f"{words[-1]}: {expected} expected, {done.stdout} {done.stderr} found")
        return took

    def uploaded(self, name: str, path: Path, role: str = "file") -> str:
        """A new active image."""
        image = self.create(name)
        self.put(image, path, role)
        return image

    def copy(self, image: str, roles: list[str]) -> float:
        """Seconds of a copy-image import to these stores."""
        stores = [self.stores[role] for role in roles]
        begun = time.monotonic()
        self.ask("POST", f"/v2/images/{image}/import", {"method": {"name": "copy-image"}, "stores": stores})
        self.follow(image, lambda shown: set(stores) <= set(shown.get("stores", "").split(",")))
        return time.monotonic() - begun

    def imported(self, image: str, role: str) -> float:
        """Seconds of a glance-direct import of what was staged."""
        begun = time.monotonic()
        self.ask("POST", f"/v2/images/{image}/import", {"method": {"name": "glance-direct"}, "stores": [self.stores[role]]})
        self.follow(image, lambda shown: shown["status"] == "active")
        return time.monotonic() - begun

    def follow(self, image: str, done) -> None:
        """Asks for the image until `done`; a failed import ends it."""
        while True:
            shown = self.image(image)
            check(not shown.get("os_glance_failed_import"), f"import failed in {shown.get('os_glance_failed_import')}")
            check(shown["status"] in ("active", "importing", "uploading", "queued", "saving"), f"image is {shown['status']}")
            if done(shown) and not shown.get("os_glance_importing_to_stores"):
                return
            time.sleep(0.02)
