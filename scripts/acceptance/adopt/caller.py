# SPDX-License-Identifier: Apache-2.0
"""Whoever asks, by the headers that a proxy in front would set."""

from __future__ import annotations

import json
import time
import uuid

from ..golden import wire
from ..session import check


def _of(word):
    return uuid.uuid5(uuid.NAMESPACE_DNS, word).hex


# who: roles
CAST = {"admin": "admin,manager,member,reader", "demo": "member,reader", "alt": "member,reader", "reader": "reader", "service": "admin,service"}
PROJECTS = {who: _of("project " + ("demo" if who == "reader" else who)) for who in CAST}


class Caller:
    """Asks one service; `projects` are those of the cast."""

    projects = PROJECTS

    def __init__(self, base):
        self.base = base

    def headers(self, who):
        return {"X-Identity-Status": "Confirmed", "X-Roles": CAST[who], "X-User-Id": _of("user " + who), "X-Project-Id": PROJECTS[who],
                "X-User-Domain-Id": "default", "X-Project-Domain-Id": "default"}

    def ask(self, who, method, path, body=None, **more):
        """The answer; `body` is bytes or what becomes JSON."""
        given = self.headers(who)
        if body is not None and not isinstance(body, bytes):
            body, given["Content-Type"] = json.dumps(body).encode(), "application/json"
        elif body is not None:
            given["Content-Type"] = "application/octet-stream"
        given |= {name.replace("_", "-"): value for name, value in more.items()}
        return wire.send(self.base, method, path, given, body)

    def must(self, who, method, path, body=None, **more):
        """The answer, which must be a good one."""
        answer = self.ask(who, method, path, body, **more)
        check(answer.status < 300, f"{who} {method} {path}: {answer.status} {answer.body[:400]!r}")
        return answer

    def create(self, who, name, **more):
        """A new image's id."""
        fields = {"name": name, "disk_format": "raw", "container_format": "bare"} | more
        return self.must(who, "POST", "/v2/images", fields).get("id")

    def patch(self, who, image, *operations, **more):
        return self.must(who, "PATCH", f"/v2/images/{image}", json.dumps(list(operations)).encode(),
                         Content_Type="application/openstack-images-v2.1-json-patch", **more)

    def settle(self, image, status="active", quiet=True, seconds=60):
        """Waits until an image has that status and no task holds it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.must("admin", "GET", f"/v2/images/{image}").json
            if found["status"] == status and not (quiet and found.get("os_glance_import_task")) \
                    and not found.get("os_glance_importing_to_stores"):
                return found
            check(time.monotonic() < deadline, f"image {image} should be {status}: {found}")
            time.sleep(0.2)
