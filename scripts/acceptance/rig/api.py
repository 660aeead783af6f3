# SPDX-License-Identifier: Apache-2.0
"""What the services are told through their own APIs: users, catalogue, limits, volume types."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from ..session import Failure
from .places import PASSWORD, REGION, TYPES, Places

LIMITS = {"image_size_total": 25000, "image_stage_total": 25000, "image_count_total": 100, "image_count_uploading": 100}


class Api:
    """Requests of the administrator."""

    def __init__(self, root):
        self.root, self.headers = root, {"Content-Type": "application/json"}

    def call(self, method, path, body=None):
        """The answer's JSON and headers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data=data, method=method, headers=self.headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return (json.loads(text) if text else None), answer.headers
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {request.full_url}: {error.code} {error.read().decode(errors='replace')}") from error

    def login(self, scope):
        user = {"name": "admin", "domain": {"id": "default"}, "password": PASSWORD}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        token, headers = self.call("POST", "/auth/tokens", body)
        self.headers["X-Auth-Token"] = headers["X-Subject-Token"]
        return token["token"]

    def make(self, kind, **fields):
        return self.call("POST", f"/{kind}s", {kind: fields})[0][kind]["id"]

    def find(self, kind, name):
        return self.call("GET", f"/{kind}s?name={name}")[0][f"{kind}s"][0]["id"]


def identity(places: Places):
    """Users, roles, catalogue and limits; gives the ids of the image endpoint, and of Cinder's project and user."""
    api = Api(places.url("keystone"))
    api.login({"system": {"all": True}})
    projects = {name: api.make("project", name=name, domain_id="default") for name in ("service", "demo")}
    roles = {name: api.find("role", name) for name in ("admin", "service", "member", "reader")}
    for user, project, granted in (("glance", "service", ("admin", "service")), ("cinder", "service", ("admin", "service")),
                                   ("demo", "demo", ("member", "reader"))):
        user_id = api.make("user", name=user, domain_id="default", password=PASSWORD)
        for role in granted:
            api.call("PUT", f"/projects/{projects[project]}/users/{user_id}/roles/{roles[role]}")
        if user == "glance":
            # oslo.limit reads everybody's limits.
            api.call("PUT", f"/system/users/{user_id}/roles/{roles['reader']}")
        elif user == "cinder":
            internal = projects["service"], user_id
    block = places.url("cinder") + "/v3/$(project_id)s"
    endpoints = {}
    for name, kind, url in (("glance", "image", places.url("image")), ("cinder", "block-storage", block),
                            ("cinderv3", "volumev3", block)):
        service = api.make("service", name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            endpoints[name] = (service, api.make("endpoint", service_id=service, interface=interface, url=url,
                                                 region_id=REGION))
    service, endpoint = endpoints["glance"]
    api.call("POST", "/registered_limits", {"registered_limits": [
        {"service_id": service, "region_id": REGION, "resource_name": name, "default_limit": limit}
        for name, limit in LIMITS.items()]})
    return endpoint, internal


def volume_types(places: Places):
    """The volume types, each on its backend."""
    api = Api(places.url("keystone"))
    project = api.login({"project": {"name": "admin", "domain": {"id": "default"}}})["project"]["id"]
    api.root = f"{places.url('cinder')}/v3/{project}"
    for name, (backend, specs) in TYPES.items():
        specs = {"volume_backend_name": backend} | specs
        api.call("POST", "/types", {"volume_type": {"name": name, "os-volume-type-access:is_public": True,
                                                    "extra_specs": specs}})
