# SPDX-License-Identifier: Apache-2.0
"""The projects, users and roles that ask, made in whichever Keystone there is."""

from __future__ import annotations

import hashlib
import json

from ..session import check
from . import wire

# who: (project, roles); the user's name is golden-<who>
CAST = {
    "demo": ("golden-demo", ["member"]),
    "mate": ("golden-demo", ["member"]),
    "reader": ("golden-demo", ["reader"]),
    "nobody": ("golden-demo", ["golden-nothing"]),
    "alt": ("golden-alt", ["member"]),
    "small": ("golden-small", ["member"]),
    "service": ("golden-service", ["service"]),
    "boss": ("golden-boss", ["admin"]),
}
LIMITS = {"image_size_total": 1000, "image_stage_total": 900, "image_count_total": 800, "image_count_uploading": 700}
SMALL = {"image_size_total": 1, "image_stage_total": 1, "image_count_total": 2, "image_count_uploading": 1}


class Keystone:
    """A Keystone, as its administrator."""

    def __init__(self, auth_url, password, user="admin", project="admin"):
        self.url = auth_url.rstrip("/").removesuffix("/v3")
        self.admin = self.login(user, password, {"project": {"name": project, "domain": {"id": "default"}}})
        self.system = self.login(user, password, {"system": {"all": True}})

    def login(self, user, password, scope):
        """A token and what it says."""
        who = {"name": user, "password": password, "domain": {"id": "default"}}
        auth = {"identity": {"methods": ["password"], "password": {"user": who}}, "scope": scope}
        answer = self._send("POST", "/v3/auth/tokens", {"auth": auth}, None)
        return {"token": answer.headers["x-subject-token"], **answer.json["token"]}

    def ask(self, method, path, body=None, token=None):
        return self._send(method, "/v3" + path, body, token or self.admin["token"]).json

    def _send(self, method, path, body, token):
        headers = {"Content-Type": "application/json"} | ({"X-Auth-Token": token} if token else {})
        answer = wire.send(self.url, method, path, headers, json.dumps(body).encode() if body is not None else None)
        check(answer.status < 300, f"{method} {path} of Keystone: {answer.status} {answer.body[:300]!r}")
        return answer

    def one(self, kind, name, **more):
        """Id of the one of that name, made if it is not there."""
        found = self.ask("GET", f"/{kind}s?name={name}")[kind + "s"]
        return (found or [self.ask("POST", f"/{kind}s", {kind: {"name": name} | more})[kind]])[0]["id"]

    def limit(self, project_limits):
        """Sets the registered limits of the image service, and lower ones of a project."""
        token = self.system["token"]
        service = self.ask("GET", "/services?type=image")["services"][0]["id"]
        for project in project_limits:
            for row in self.ask("GET", f"/limits?project_id={project}", token=token)["limits"]:
                self._send("DELETE", f"/v3/limits/{row['id']}", None, token)
        for row in self.ask("GET", f"/registered_limits?service_id={service}", token=token)["registered_limits"]:
            region, wanted = row.get("region_id"), LIMITS[row["resource_name"]]
            if row["default_limit"] != wanted:
                body = {"registered_limit": {"default_limit": wanted}}
                self.ask("PATCH", f"/registered_limits/{row['id']}", body, token)
        for project, limits in project_limits.items():
            rows = [{"service_id": service, "region_id": region, "project_id": project, "resource_name": name,
                     "resource_limit": limit} for name, limit in limits.items()]
            self.ask("POST", "/limits", {"limits": rows}, token)


def gather(keystone, secret):
    """Everybody of CAST logged in, and the administrator (`admin`) and the whole system's (`system`).

    Passwords are made of `secret`: a password that is changed ends its user's tokens, also those of the same second.
    """
    cast = {"admin": keystone.admin, "system": keystone.system}
    for who, (project, roles) in CAST.items():
        password = hashlib.sha256(f"{who} {secret}".encode()).hexdigest()[:32]
        project_id = keystone.one("project", project, domain_id="default")
        user_id = keystone.one("user", f"golden-{who}", domain_id="default", password=password)
        for role in roles:
            role_id = keystone.one("role", role)
            keystone._send("PUT", f"/v3/projects/{project_id}/users/{user_id}/roles/{role_id}", None, keystone.admin["token"])
        scope = {"project": {"name": project, "domain": {"id": "default"}}}
        cast[who] = keystone.login(f"golden-{who}", password, scope)
    keystone.limit({cast["small"]["project"]["id"]: SMALL})
    return cast
