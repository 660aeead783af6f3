# SPDX-License-Identifier: Apache-2.0
"""The rig as its users see it: steps that are told, requests, and what Cinder says of volumes and attachments."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse

from ..session import Cloud

ATTACHMENTS = {"OpenStack-API-Version": "volume 3.54"}


class Clouds:
    """The rig, its administrator and a user."""

    def __init__(self, rig, clients, work):
        self.rig, self.work = rig, work
        self.admin, self.user = (Cloud(clients, rig.places.openrc(name, name), rig.binary) for name in ("admin", "demo"))

    def step(self, text, work):
        begun = time.monotonic()
        try:
            facts = work()
        except Exception:
            print(f"FAIL  {text}", flush=True)
            raise
        print(f"ok    {text} ({time.monotonic() - begun:.1f} s)" + (f": {facts}" if facts else ""), flush=True)

    def json(self, method, path, body=None, service="image", cloud=None, headers=None):
        """A request's JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json"} | (ATTACHMENTS if service == "block-storage" else {}) | (headers or {})
        text = (cloud or self.admin).request(method, path, data, given, service)
        return json.loads(text) if text else None

    def status(self, method, path, body=None, headers=None, token=None):
        """Status, headers and text of a request to the image service."""
        base = urllib.parse.urlparse(self.admin.endpoint("image"))
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=400)
        given = {"X-Auth-Token": token or self.admin._cached_token(), "Content-Type": "application/json"} | (headers or {})
        connection.request(method, path, None if body is None else json.dumps(body), given)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode(errors="replace")

    def volumes(self):
        found = self.json("GET", "/volumes/detail?all_tenants=1", service="block-storage")["volumes"]
        return {volume["id"]: volume for volume in found}

    def volume(self, volume_id):
        return self.json("GET", f"/volumes/{volume_id}", service="block-storage")["volume"]

    def attachments(self):
        return self.json("GET", "/attachments/detail?all_tenants=1", service="block-storage")["attachments"]

    def reset(self, volume_id, status):
        self.json("POST", f"/volumes/{volume_id}/action", {"os-reset_status": {"status": status}}, "block-storage")
