# SPDX-License-Identifier: Apache-2.0
"""Asks what a topic asks, and keeps requests and answers in the order in which they came."""

from __future__ import annotations

import json
import time
import uuid

from . import wire
from .normal import Names, name_of

JSON = "application/json"
PATCH = "application/openstack-images-v2.1-json-patch"
PATCH0 = "application/openstack-images-v2.0-json-patch"
BYTES = "application/octet-stream"
NOTHING = object()


class Player:
    """One topic being played against the service at `base`."""

    def __init__(self, base, cast, places=()):
        self.base, self.cast = base, cast
        self.steps, self.troubles, self._seen, self._made = [], [], {}, []
        self.names = Names()
        self.names.add(base, "base")
        for literal, name in places:
            self.names.add(literal, name)
        for who, token in cast.items():
            self.names.add(token.get("project", {}).get("id"), f"project of {who}")
            self.names.add(token["user"]["id"], f"user {who}")
        self.names.add(cast["demo"]["project"]["id"], "project of demo")

    def project(self, who):
        """Id of the project somebody acts in."""
        return self.cast[who]["project"]["id"]

    def id(self, name):
        """A new id with a name in the data."""
        new = str(uuid.uuid4())
        self.names.add(new, name)
        return new

    def named(self, value, name):
        """Gives `value`, which the service chose, a name in the data; a made one where it chose none."""
        value = value or str(uuid.uuid4())
        self.names.add(value, name)
        return value

    def ask(self, method, path, who="demo", *, json_body=NOTHING, body=None, headers=None, chunked=False, note=None):
        """A request that is kept. `who` may be None: no token. `note` tells equal requests apart."""
        sent = dict(headers or {})
        if json_body is not NOTHING:
            body = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", JSON)
        kept = self.names.request(method, path, who or "no token", sent, body, chunked, note)
        answer = self._send(method, path, who, sent, body, chunked)
        self.steps.append({"name": name_of(kept, self._seen), "request": kept, "answer": self.names.answer(answer)})
        if method == "POST" and path == "/v2/images" and answer.get("id"):
            self._made.append(answer.get("id"))
        return answer

    def _send(self, method, path, who, headers, body, chunked=False):
        token = {"X-Auth-Token": self.cast[who]["token"]} if who else {}
        try:
            return wire.send(self.base, method, path, {"Accept": "*/*"} | headers | token, body, chunked)
        except OSError as error:
            return wire.Answer(0, {"content-type": "text/plain"}, f"connection broke: {type(error).__name__}".encode())

    def quiet(self, method, path, who="admin", json_body=NOTHING, body=None, headers=None):
        """A request that is not kept: it only prepares."""
        sent = dict(headers or {})
        if json_body is not NOTHING:
            body = json.dumps(json_body).encode()
            sent.setdefault("Content-Type", JSON)
        return self._send(method, path, who, sent, body)

    def get(self, path, who="demo", **more):
        return self.ask("GET", path, who, **more)

    def delete(self, path, who="demo", **more):
        return self.ask("DELETE", path, who, **more)

    def post(self, path, value=NOTHING, who="demo", **more):
        return self.ask("POST", path, who, json_body=value, **more)

    def put(self, path, value=NOTHING, who="demo", **more):
        return self.ask("PUT", path, who, json_body=value, **more)

    def patch(self, image, changes, who="demo", kind=PATCH, **more):
        return self.ask("PATCH", f"/v2/images/{image}", who, json_body=changes, headers={"Content-Type": kind}, **more)

    def upload(self, image, data=b"0123456789", who="demo", headers=None, **more):
        return self.ask("PUT", f"/v2/images/{image}/file", who, body=data, headers={"Content-Type": BYTES} | (headers or {}), **more)

    def image(self, name, who="demo", data=None, **properties):
        """An image that is made without being kept, with data if given. Gives its id."""
        new = self.id(f"image {name}")
        body = {"id": new, "name": name, "disk_format": "raw", "container_format": "bare"} | properties
        body = {key: value for key, value in body.items() if value is not None}
        made = self.quiet("POST", "/v2/images", who, body)
        if made.status != 201:
            self.troubles.append(f"image {name} could not be made: {made.status} {made.body[:200]!r}")
        self._made.append(new)
        if data is not None:
            done = self.quiet("PUT", f"/v2/images/{new}/file", who, body=data, headers={"Content-Type": BYTES})
            if done.status != 204:
                self.troubles.append(f"image {name} got no data: {done.status} {done.body[:200]!r}")
        return new

    def settle(self, image, done, what, seconds=30):
        """Waits until `done` holds for an image."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.quiet("GET", f"/v2/images/{image}").json or {}
            if done(found):
                return
            time.sleep(0.1)
        self.troubles.append(f"waited {seconds} s in vain for {what}")

    def tidy(self):
        """Removes the images that were made."""
        for image in reversed(self._made):
            self._remove(image)

    def clear(self):
        """Removes every image there is: lists and usage show what the topic makes."""
        for hidden in ("false", "true"):
            for image in self.quiet("GET", f"/v2/images?limit=1000&visibility=all&os_hidden={hidden}").get("images", []):
                self._remove(image["id"])

    def _remove(self, image):
        where = f"/v2/images/{image}"
        for _ in range(5):
            status = self.quiet("DELETE", where).status
            if status in (204, 404):
                return
            if status == 403:
                unprotect = [{"op": "replace", "path": "/protected", "value": False}]
                self.quiet("PATCH", where, json_body=unprotect, headers={"Content-Type": PATCH})
        self.troubles.append(f"image {image} could not be removed: {status}")


def play(topic, base, cast, places=()):
    """Plays a topic's module; what goes wrong in it is a trouble, not the end."""
    player = Player(base, cast, places)
    try:
        player.clear()
        topic.play(player)
    except Exception as error:  # a service that answers otherwise can lead a topic astray anywhere
        player.troubles.append(f"the topic ended early: {type(error).__name__}: {error}")
    finally:
        player.tidy()
    return player
