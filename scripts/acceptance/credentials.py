# SPDX-License-Identifier: Apache-2.0
"""A token without the clients."""

from __future__ import annotations

import json
import urllib.request


def issue(port, variables):
    """A token for the user of an openrc file, from the identity service on a port; gives it and the project's id."""
    user = {"name": variables["OS_USERNAME"], "password": variables["OS_PASSWORD"],
            "domain": {"name": variables.get("OS_USER_DOMAIN_NAME", "Default")}}
    project = {"name": variables["OS_PROJECT_NAME"],
               "domain": {"name": variables.get("OS_PROJECT_DOMAIN_NAME", "Default")}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v3/auth/tokens", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["X-Subject-Token"], json.load(answer)["token"]["project"]["id"]
