# SPDX-License-Identifier: Apache-2.0
"""The cache, its API and the older one of the middleware."""

CONFIGURATION = "wide"
NOWHERE = "00000000-0000-0000-0000-000000000000"
EVERYBODY = ("demo", "reader", "service", None)


def cached(p, image):
    def there():
        rows = p.quiet("GET", "/v2/cache").get("cached_images", [])
        return any(row.get("image_id") == image for row in rows)
    p.settle(image, lambda _: there(), "an image to be in the cache")


def play(p):
    p.delete("/v2/cache", "admin", note="to begin with")
    image, queued = p.image("cached", data=b"0123456789"), p.image("queued")
    for who in EVERYBODY:
        p.get("/v2/cache", who)
        p.put(f"/v2/cache/{image}", who=who)
        p.delete(f"/v2/cache/{image}", who)
        p.delete("/v2/cache", who)
        p.get(f"/v2/cache/nodes/{image}", who)
        p.post("/v2/cache/clean", who=who)
        p.post("/v2/cache/prune", who=who)
        p.get("/v2/cached_images", who)
        p.get("/v2/queued_images", who)
    p.get("/v2/cache", "admin", note="empty")
    p.get(f"/v2/images/{image}/file", note="miss")
    cached(p, image)
    p.get(f"/v2/images/{image}/file", note="hit")
    p.get(f"/v2/images/{image}/file", headers={"Range": "bytes=2-4"}, note="hit")
    p.get(f"/v2/images/{image}/file?prefer=cheap", note="hit")
    p.get(f"/v2/images/{image}/file", "alt", note="hit")
    p.get(f"/v2/images/{image}/file", "nobody", note="hit")
    p.get("/v2/cache", "admin", note="one")
    p.get("/v2/cached_images", "admin", note="one")
    p.get(f"/v2/cache/nodes/{image}", "admin")
    p.get(f"/v2/cache/nodes/{NOWHERE}", "admin")
    for where in (queued, NOWHERE, "nope"):
        p.put(f"/v2/cache/{where}", who="admin")
        p.delete(f"/v2/cache/{where}", "admin")
    p.put(f"/v2/cache/{image}", who="admin", note="is there")
    p.delete(f"/v2/cache/{image}", "admin")
    p.put(f"/v2/cache/{image}", who="admin", note="prefetch")
    cached(p, image)
    p.post("/v2/cache/prune", who="admin")
    p.post("/v2/cache/clean", who="admin")
    for target in ("cache", "queue", "", "nope"):
        p.delete("/v2/cache", "admin", headers={"x-image-cache-clear-target": target})
    p.get("/v2/cache", "admin", note="cleared")
    for method in ("POST", "PUT", "PATCH"):
        p.ask(method, "/v2/cache", "admin")
    for method in ("GET", "POST", "PATCH"):
        p.ask(method, f"/v2/cache/{image}", "admin")
    for method in ("GET", "PUT", "DELETE"):
        p.ask(method, "/v2/cache/clean", "admin")
        p.ask(method, "/v2/cache/prune", "admin")
    for path in ("cached_images", "queued_images"):
        p.get(f"/v2/{path}", "admin")
        p.put(f"/v2/{path}/{NOWHERE}", who="admin")
        p.delete(f"/v2/{path}/{NOWHERE}", "admin")
        p.delete(f"/v2/{path}", "admin")
    p.get("/v2/cache", "admin", body=b"{}")
    deactivated(p)


def deactivated(p):
    image = p.image("to deactivate", data=b"0123456789")
    p.quiet("GET", f"/v2/images/{image}/file", "demo")
    cached(p, image)
    p.post(f"/v2/images/{image}/actions/deactivate")
    p.get(f"/v2/images/{image}/file", note="deactivated")
    p.get(f"/v2/images/{image}/file", "admin", note="deactivated")
    p.post(f"/v2/images/{image}/actions/reactivate")
    p.get(f"/v2/images/{image}/file", note="reactivated")
    p.delete(f"/v2/images/{image}")
    p.get("/v2/cache", "admin", note="deleted")
    p.get(f"/v2/images/{image}/file", note="deleted")
