# SPDX-License-Identifier: Apache-2.0
"""A client that asks the other node when one is away, and the operations it does."""

from __future__ import annotations

import json
import time

from ..session import Failure, check
from .cluster import AWAY

# How long an operation may take in all, in seconds.
PATIENCE = 300


class Broken(Exception):
    """The node went away in the middle: whether it did what was asked is to be found out."""


class Client:
    def __init__(self, cluster, generator):
        self.cluster, self.random = cluster, generator

    def headers(self, more=None):
        return {"X-Auth-Token": self.cluster.token} | (more or {})

    def once(self, node, method, path, body=None, headers=None):
        """Status and body of one attempt."""
        try:
            return node.request(method, path, body, self.headers(headers))
        except AWAY as error:
            raise Broken(f"{method} {path} on node {node.number}: {error!r}") from error

    def ask(self, method, path, body=None, headers=None, first=None):
        """As `once`, of whichever node answers; for what may be asked twice."""
        deadline, nodes = time.monotonic() + PATIENCE, self.order(first)
        while True:
            for node in nodes:
                try:
                    status, answer = self.once(node, method, path, body, headers)
                    if status not in (500, 502, 503, 504):
                        return status, answer
                    reason = f"{status} {answer[:300]!r}"
                except Broken as broken:
                    reason = str(broken)
            check(time.monotonic() < deadline, f"{method} {path}: {reason}")
            time.sleep(0.3)

    def order(self, first=None):
        first = self.random.randrange(2) if first is None else first
        return [self.cluster.nodes[first], self.cluster.nodes[1 - first]]

    def image(self, image_id):
        """The image, or None when there is none."""
        status, body = self.ask("GET", f"/v2/images/{image_id}")
        if status == 404:
            return None
        check(status == 200, f"GET of image {image_id}: {status} {body[:300]!r}")
        return json.loads(body)

    def create(self, name):
        """A new image; asked again with the same name, one that was made by a lost answer is found."""
        body = json.dumps({"name": name, "disk_format": "raw", "container_format": "bare"}).encode()
        while True:
            try:
                status, answer = self.once(self.order()[0], "POST", "/v2/images", body,
                                           {"Content-Type": "application/json"})
                check(status in (201, 503), f"POST of an image: {status} {answer[:300]!r}")
                if status == 201:
                    return json.loads(answer)["id"]
            except Broken:
                status, answer = self.ask("GET", f"/v2/images?name={name}")
                found = json.loads(answer)["images"]
                if found:
                    return found[0]["id"]
            time.sleep(0.3)

    def settled(self, image_id, passing):
        """The image once it is in none of the passing states and held by no task."""
        deadline = time.monotonic() + PATIENCE
        while True:
            image = self.image(image_id)
            if image is None or (image["status"] not in passing and not image.get("os_glance_import_task")):
                return image
            check(time.monotonic() < deadline, f"image {image_id} is {image['status']} for {PATIENCE} s, held by "
                                               f"{image.get('os_glance_import_task')}")
            time.sleep(0.3)

    def send(self, image_id, action, content, headers=None, ready="active"):
        """PUT of an image's data, as often as it takes."""
        deadline = time.monotonic() + PATIENCE
        while True:
            check(time.monotonic() < deadline, f"PUT …/{action} of image {image_id} did not end well in {PATIENCE} s")
            try:
                status, answer = self.once(self.order()[0], "PUT", f"/v2/images/{image_id}/{action}", content,
                                           {"Content-Type": "application/octet-stream"} | (headers or {}))
                if status == 204:
                    return
                check(status in (404, 409, 410, 503), f"PUT …/{action} of {image_id}: {status} {answer[:300]!r}")
            except Broken:
                pass
            image = self.settled(image_id, ("saving", "importing"))
            check(image, f"image {image_id} is gone although nobody deleted it")
            # Staged is uploading with a size; a broken stage has none until its node clears it up.
            if image["status"] == ready and image["size"] == len(content):
                return
            time.sleep(0.3)

    def import_(self, image_id, request, states):
        """POST …/import until it is accepted; `states` are those in which it is still to be asked for."""
        body = json.dumps(request).encode()
        while True:
            try:
                status, answer = self.once(self.order()[0], "POST", f"/v2/images/{image_id}/import", body,
                                           {"Content-Type": "application/json"})
                if status == 202:
                    return
                check(status in (400, 409, 503), f"import of {image_id}: {status} {answer[:300]!r}")
            except Broken:
                answer = b""
            image = self.image(image_id)
            check(image, f"image {image_id} is gone although nobody deleted it")
            # Accepted, though the answer was lost.
            if image["status"] not in states or image.get("os_glance_import_task") or answer.find(b"already present") > 0:
                return
            if image["status"] == "queued" and states == ("uploading",):
                return
            time.sleep(0.3)

    def delete(self, image_id):
        deadline = time.monotonic() + PATIENCE
        while True:
            status, answer = self.ask("DELETE", f"/v2/images/{image_id}")
            if status in (204, 404):
                return
            check(status == 409 and time.monotonic() < deadline, f"DELETE of {image_id}: {status} {answer[:300]!r}")
            time.sleep(1)

    def tasks(self, image_id):
        status, body = self.ask("GET", f"/v2/images/{image_id}/tasks")
        if status != 200:
            raise Failure(f"tasks of {image_id}: {status} {body[:300]!r}")
        return json.loads(body)["tasks"]
