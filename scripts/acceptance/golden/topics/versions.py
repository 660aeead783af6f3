# SPDX-License-Identifier: Apache-2.0
"""Versions, discovery, and paths that lead nowhere."""

CONFIGURATION = "plain"
ACCEPT = "application/vnd.openstack.images-"


def play(p):
    for path in ("/", "/versions", "/versions/", "/v1", "/v1/images", "/v3/images", "/v2.99/images", "/nowhere", "/v2", "/v2/"):
        p.get(path, None)
    for path in ("/", "/v2", "/v2/", "/v2/nowhere", "/v2/images/", "/v2.0/images", "/v2.7/images", "/v2.9/images",
                 "/v2.10/images", "/v2.15/images", "/v2.17/images", "/v2.14/images", "/v2.16/images", "/v2.18/images",
                 "/v2.8/images", "/v2.13/schemas/image/x", "//v2/images", "/v2//images"):
        p.get(path + "?limit=0" if path.endswith("images") else path)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        p.ask(method, "/v2/nowhere")
        p.ask(method, "/versions", None)
        p.ask(method, "/", None)
    for version in ("v2.0", "v2.9", "v2.17", "v2", "v1", "v2.18", "v9"):
        p.get("/images?limit=0", headers={"Accept": ACCEPT + version})
        p.get("/", None, headers={"Accept": ACCEPT + version})
    for who in ("demo", None):
        p.get("/healthcheck", who)
    p.ask("POST", "/healthcheck", None)
    p.get("/v2/images?limit=0", headers={"X-Openstack-Request-Id": "abc"})
    p.get("/v2/images?limit=0", headers={"X-Openstack-Request-Id": "req-abc"})
    p.get("/v2/images?limit=0", headers={"X-Openstack-Request-Id": "x" * 80})
    for path in ("/v2/info/import", "/v2/info/stores", "/v2/info/usage"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            p.ask(method, path)
        p.get(path, body=b"{}")
    for who in ("demo", "admin", "service", "reader", "boss"):
        p.get("/v2/info/stores/detail", who)
    p.post("/v2/info/stores/detail", {})
    p.get("/v2/info/nowhere")
