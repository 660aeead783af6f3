# SPDX-License-Identifier: Apache-2.0
"""The JSON schemas of everything."""

CONFIGURATION = "plain"
METADEFS = ("namespace", "namespaces", "resource_type", "resource_types", "property", "properties", "object", "objects",
            "tag", "tags")


def play(p):
    p.names.prose = False
    for name in ("image", "images", "member", "members", "task", "tasks"):
        p.get(f"/v2/schemas/{name}")
    for name in METADEFS:
        p.get(f"/v2/schemas/metadefs/{name}")
    for path in ("/v2/schemas", "/v2/schemas/", "/v2/schemas/nope", "/v2/schemas/metadefs", "/v2/schemas/metadefs/nope"):
        p.get(path)
    for path in ("/v2/schemas/image", "/v2/schemas/tasks", "/v2/schemas/metadefs/tag"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            p.ask(method, path)
        p.get(path, None)
        p.get(path, body=b"{}")
