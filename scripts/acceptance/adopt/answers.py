# SPDX-License-Identifier: Apache-2.0
"""Every answer a service gives on what is in a database, in a form that can be compared."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

LISTS = ("", "?limit=1000", "?limit=1000&sort=name:asc,created_at:desc", "?limit=3", "?limit=1000&visibility=shared&member_status=all",
         "?limit=1000&visibility=public", "?limit=1000&visibility=community", "?limit=1000&os_hidden=true", "?limit=1000&status=active",
         "?limit=1000&tag=blue", "?limit=1000&flavour=caf%C3%A9", "?limit=1000&size_min=1", "?limit=1000&sort_key=size&sort_dir=asc",
         "?limit=1000&name=in:plain,public", "?limit=1000&protected=true")
FIXED = ("/v2/schemas/images", "/v2/schemas/members", "/v2/schemas/tasks", "/v2/info/import", "/v2/info/stores", "/v2/info/stores/detail", "/v2/info/usage",
         "/v2/metadefs/resource_types")


class Answers:
    """Asks one service for everything; `found` maps who and what to status and body.

    `unordered`: Glance asks for an image's locations in no order. SQLite and MariaDB give them in that of their keys,
    PostgreSQL in that of its pages, which changes with every update. `readers` are those who download as well.
    """

    WHO = ("admin", "demo", "alt", "reader")

    def __init__(self, caller, ids, unordered=False, readers=WHO):
        self.caller, self.ids, self.found, self.unordered, self.readers = caller, ids, {}, unordered, readers

    def collect(self):
        for who in self.WHO:
            for question in LISTS:
                self._get(who, "/v2/images" + question)
            for path in FIXED:
                self._get(who, path)
            for image in self.ids:
                for part in ("", "/members", "/tasks"):
                    self._get(who, f"/v2/images/{image}{part}")
                if who in self.readers:
                    self._file(who, image)
            self._metadefs(who)
            tasks = self._get(who, "/v2/tasks?limit=100") or {}
            for task in tasks.get("tasks", []):
                self._get(who, f"/v2/tasks/{task['id']}")
        for image in self.ids:
            self._get("service", f"/v2/images/{image}/locations")
            self._get("demo", f"/v2/images/{image}/locations")
        return self.found

    def _metadefs(self, who):
        found = self._get(who, "/v2/metadefs/namespaces") or {}
        for namespace in found.get("namespaces", []):
            name = quote(namespace["namespace"], safe="")
            for part in ("", "/objects", "/properties", "/tags", "/resource_types"):
                self._get(who, f"/v2/metadefs/namespaces/{name}{part}")

    def _get(self, who, path):
        answer = self.caller.ask(who, "GET", path)
        body = answer.json
        # Errors' words are compared by scripts/golden.
        prose = path.startswith("/v2/schemas")
        shown = normal(body, prose=prose) if answer.status < 300 else None
        self.found[f"{who} GET {path}"] = [answer.status, without_order(shown) if self.unordered else shown]
        return body if answer.status < 300 else None

    def _file(self, who, image):
        answer = self.caller.ask(who, "GET", f"/v2/images/{image}/file")
        kept = None
        if answer.status < 300:
            kept = {"bytes": len(answer.body), "sha256": hashlib.sha256(answer.body).hexdigest(),
                    "content-md5": answer.headers.get("content-md5"), "type": answer.headers.get("content-type")}
        self.found[f"{who} GET /v2/images/{image}/file"] = [answer.status, kept]


def normal(value, key=None, prose=False):
    """A JSON value; lists whose order means nothing are sorted, the words of schemas left out."""
    if isinstance(value, dict):
        return {name: normal(item, name, prose) for name, item in sorted(value.items())
                if not (prose and name == "description" and isinstance(item, str))}
    if isinstance(value, list):
        items = [normal(item, prose=prose) for item in value]
        return sorted(items, key=json.dumps) if key in ("tags", "required", "enum", "resource_type_associations") else items
    if isinstance(value, str) and key == "stores":
        return ",".join(sorted(value.split(",")))
    return value


def without_order(value):
    """The same with locations in the order of their addresses, and the first of them as `direct_url` if it was one of them."""
    if isinstance(value, list):
        items = [without_order(item) for item in value]
        return sorted(items, key=lambda item: item["url"]) if items and all(isinstance(item, dict) and "url" in item for item in items) else items
    if not isinstance(value, dict):
        return value
    value = {name: without_order(item) for name, item in value.items()}
    locations = value.get("locations")
    urls = [location["url"] for location in locations] if isinstance(locations, list) else []
    if value.get("direct_url") in urls:
        value["direct_url"] = urls[0]
    return value


def differences(there, here):
    """`(question, aspect, there, here)` of everything that is not the same."""
    for question in sorted(there.keys() | here.keys()):
        one, other = there.get(question, [None, None]), here.get(question, [None, None])
        if one[0] != other[0]:
            yield question, "status", one[0], other[0]
        else:
            yield from ((question, *rest) for rest in _inside("body", one[1], other[1]))


def _inside(where, there, here):
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from _inside(f"{where}.{key}", there.get(key, "(absent)"), here.get(key, "(absent)"))
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for index, (one, other) in enumerate(zip(there, here, strict=True)):
            name = one.get("id") or one.get("name") if isinstance(one, dict) else None
            yield from _inside(f"{where}[{name or index}]", one, other)
    elif there != here:
        yield where, there, here
