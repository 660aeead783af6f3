# SPDX-License-Identifier: Apache-2.0
"""What a service with everything switched on answers otherwise: versions, stores, locations shown, quotas, no limits."""

from ..player import PATCH, PATCH0

CONFIGURATION = "wide"


def play(p):
    for path in ("/", "/versions", "/v2.14/images?limit=0", "/v2.16/images?limit=0", "/v2.18/images?limit=0", "/v2.19/images?limit=0"):
        p.get(path)
    for path in ("/v2/info/import", "/v2/info/stores", "/v2/info/usage"):
        p.get(path)
    for who in ("demo", "admin", "service"):
        p.get("/v2/info/stores/detail", who)
    p.names.prose = False
    p.get("/v2/schemas/image")
    p.names.prose = True
    shown(p)
    quotas(p)
    locations(p)


def shown(p):
    image = p.image("shown", data=b"0123456789")
    for who in ("demo", "reader", "nobody", "service", "admin"):
        p.get(f"/v2/images/{image}", who)
    p.get("/v2/images?name=shown")
    made = p.post("/v2/images", {"name": "headers"})
    p.named(made.get("id"), "made")
    both = p.image("in both", data=b"0123456789")
    p.quiet("POST", f"/v2/images/{both}/import", "admin", {"method": {"name": "copy-image"}, "stores": ["cheap"]})
    p.settle(both, lambda found: "cheap" in str(found.get("stores")) and not found.get("os_glance_import_task"), "a copy")
    p.get(f"/v2/images/{both}")
    p.get(f"/v2/images/{both}/locations", "service")
    p.upload(p.image("to the web"), headers={"X-Image-Meta-Store": "web"})


def quotas(p):
    image = p.image("quotas", tags=["a", "b", "c"])
    p.put(f"/v2/images/{image}/tags/d")
    p.put(f"/v2/images/{image}/tags/a")
    p.patch(image, [{"op": "replace", "path": "/tags", "value": ["a", "b", "c", "d"]}])
    p.post("/v2/images", {"tags": ["a", "b", "c", "d"]})
    p.post("/v2/images", {"a": "1", "b": "2", "c": "3", "d": "4"})
    p.patch(image, [{"op": "add", "path": f"/p{number}", "value": "x"} for number in range(4)])
    p.patch(image, [{"op": "add", "path": f"/p{number}", "value": "x"} for number in range(3)], note="three")
    p.patch(image, [{"op": "add", "path": "/p4", "value": "x"}, {"op": "remove", "path": "/p1"}], note="one for one")
    p.patch(image, [{"op": "add", "path": "/p9", "value": "x"}], note="one more")
    for member in "abcd":
        p.post(f"/v2/images/{image}/members", {"member": member})
    p.upload(p.image("over the cap"), b"x" * (2 << 20) + b"y")
    p.upload(p.image("over the cap, chunked"), b"x" * (2 << 20) + b"y", chunked=True)
    p.upload(p.image("at the cap"), b"x" * (2 << 20))
    p.get(f"/v2/images/{image}")


def locations(p):
    image, queued = p.image("has data", data=b"0123456789"), p.image("has none")
    url = (p.quiet("GET", f"/v2/images/{image}", "demo").get("locations") or [{}])[0].get("url", "file:///nowhere")
    for who in ("demo", "alt", "reader", "service", "admin", None):
        p.get(f"/v2/images/{image}/locations", who)
        p.get(f"/v2/images/{queued}/locations", who)
    for method in ("PUT", "DELETE", "PATCH"):
        p.ask(method, f"/v2/images/{image}/locations")
    for value in ({}, {"url": ""}, {"url": 1}, {"url": "nope"}, {"url": "file:///etc/passwd"}, {"url": "swift+config://x"}, {"url": "ftp://x"},
                  {"url": "http://127.0.0.1:1/x", "validation_data": {"os_hash_algo": "crc"}},
                  {"url": "http://127.0.0.1:1/x", "validation_data": {"os_hash_algo": "sha512", "os_hash_value": "xyz"}},
                  {"url": "http://169.254.169.254/x"}, [], None):
        p.post(f"/v2/images/{queued}/locations", value)
    for name, value in (("empty validation", {"validation_data": {}}), ("unknown member", {"nope": 1})):
        p.post(f"/v2/images/{p.image(name)}/locations", {"url": "http://127.0.0.1:1/x"} | value)  # nobody listens there
    for who in ("alt", "reader", "service"):
        p.post(f"/v2/images/{queued}/locations", {"url": "file:///etc/passwd"}, who)
    p.post(f"/v2/images/{image}/locations", {"url": "http://127.0.0.1:1/x"}, note="active")
    p.post("/v2/images/nope/locations", {"url": "http://127.0.0.1:1/x"})
    for change in ([{"op": "replace", "path": "/locations", "value": []}], [{"op": "remove", "path": "/locations"}],
                   [{"op": "remove", "path": "/locations/0"}], [{"op": "remove", "path": "/locations/7"}],
                   [{"op": "add", "path": "/locations/-", "value": {"url": "nope", "metadata": {}}}],
                   [{"op": "add", "path": "/locations/-", "value": {"url": url}}],
                   [{"op": "add", "path": "/locations/-", "value": {"metadata": {}}}],
                   [{"op": "add", "path": "/locations/-", "value": {"url": "file:///etc/passwd", "metadata": {}}}],
                   [{"op": "add", "path": "/locations/-", "value": {"url": "swift+config://x", "metadata": {}}}],
                   [{"op": "add", "path": "/locations/x", "value": {"url": "http://127.0.0.1:1/x", "metadata": {}}}],
                   [{"op": "add", "path": "/locations", "value": "x"}], [{"op": "replace", "path": "/locations/0", "value": {"url": url, "metadata": {}}}],
                   [{"op": "replace", "path": "/locations", "value": [{"url": url, "metadata": {}}]}],
                   [{"op": "add", "path": "/locations/-/x", "value": "x"}]):
        for where, note in ((image, "active"), (queued, "queued")):
            p.patch(where, change, note=note)
    p.patch(image, [{"op": "remove", "path": "/locations/0"}], "alt")
    p.patch(image, [{"remove": "/locations/0"}], kind=PATCH0)
    p.patch(image, [{"op": "remove", "path": "/locations/0"}], "reader", kind=PATCH)
    p.get(f"/v2/images/{image}", note="at last")
    p.get(f"/v2/images/{queued}", note="at last")
