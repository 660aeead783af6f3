# SPDX-License-Identifier: Apache-2.0
"""Keystone's limits: usage, and what is over one."""

CONFIGURATION = "plain"
MIB = 1 << 20


def play(p):
    p.get("/v2/info/usage", "small")
    first = p.id("first")
    body = {"disk_format": "raw", "container_format": "bare"}
    p.post("/v2/images", body | {"id": first}, "small")
    p.upload(first, b"x" * (MIB // 2), "small")
    p.get("/v2/info/usage", "small")
    second = p.id("second")
    p.post("/v2/images", body | {"id": second}, "small")
    p.post("/v2/images", body, "small", note="one too many")
    p.post("/v2/images", body, "small", note="as JSON", headers={"Accept": "application/json"})
    p.get("/v2/info/usage", "small", note="two images")
    p.upload(second, b"x" * 2 * MIB, "small")
    p.get(f"/v2/images/{second}", "small")
    p.ask("PUT", f"/v2/images/{second}/stage", "small", body=b"x" * (2 * MIB), headers={"Content-Type": "application/octet-stream"})
    p.get(f"/v2/images/{second}", "small", note="after stage")
    p.get("/v2/info/usage", "small", note="after stage")
    p.delete(f"/v2/images/{first}", "small")
    p.get("/v2/info/usage", "small", note="first is gone")
    p.get("/v2/info/usage", "nobody")
    p.get("/v2/info/usage", None)
