# SPDX-License-Identifier: Apache-2.0
"""Stage, import, copies to other stores, and removal from a store."""

from ..player import BYTES

CONFIGURATION = "plain"
NOWHERE = "00000000-0000-0000-0000-000000000000"
BAD = [
    {}, None, [], "x", {"method": {}}, {"method": None}, {"method": "glance-direct"}, {"method": {"name": "nope"}}, {"method": {"name": 1}},
    {"method": {"name": ""}}, {"method": {"name": "web-download"}}, {"method": {"name": "web-download", "uri": "http://127.0.0.1/x"}},
    {"method": {"name": "glance-download"}}, {"method": {"name": "glance-direct"}, "stores": ["nope"]},
    {"method": {"name": "glance-direct"}, "stores": "fast"}, {"method": {"name": "glance-direct"}, "stores": []},
    {"method": {"name": "glance-direct"}, "all_stores": "x"}, {"method": {"name": "glance-direct"}, "all_stores": True, "stores": ["fast"]},
    {"method": {"name": "glance-direct"}, "all_stores_must_succeed": "x"}, {"method": {"name": "copy-image"}},
    {"method": {"name": "copy-image"}, "stores": ["fast"]}, {"method": {"name": "glance-direct"}},
    {"method": {"name": "glance-direct"}, "stores": ["os_glance_staging_store"]}, {"method": {"name": "glance-direct"}, "nope": 1},
]


def stage(p, image, data=b"0123456789", who="demo", **more):
    headers = {"Content-Type": BYTES} | more.pop("headers", {})
    return p.ask("PUT", f"/v2/images/{image}/stage", who, body=data, headers=headers, **more)


def imported(p, image, value, who="demo", **more):
    return p.post(f"/v2/images/{image}/import", value, who, **more)


def active(p, image):
    p.settle(image, lambda found: found.get("status") == "active" and not found.get("os_glance_import_task"), "an import")


def play(p):
    staging(p)
    refused(p)
    direct(p)
    copies(p)
    removal(p)


def staging(p):
    image = p.image("staged")
    for kind in ("application/json", "text/plain", ""):
        p.ask("PUT", f"/v2/images/{image}/stage", body=b"x", headers={"Content-Type": kind})
    for who in ("alt", "reader", "service", None):
        stage(p, image, who=who)
    stage(p, image, headers={"X-OpenStack-Image-Size": "many"})
    stage(p, p.image("staged short"), headers={"X-OpenStack-Image-Size": "50"})
    stage(p, image)
    stage(p, image, note="again")
    p.get(f"/v2/images/{image}")
    p.get(f"/v2/images/{image}/file")
    p.upload(image, note="staged")
    p.patch(image, [{"op": "replace", "path": "/disk_format", "value": "qcow2"}], note="staged")
    stage(p, NOWHERE)
    stage(p, p.image("staged active", data=b"x"))
    stage(p, p.image("staged without formats", disk_format=None, container_format=None))
    stage(p, p.image("staged chunked"), chunked=True)
    for method in ("GET", "POST", "DELETE"):
        p.ask(method, f"/v2/images/{image}/stage")
    p.delete(f"/v2/images/{image}", note="staged")
    keep = p.image("staged, protected", protected=True)
    stage(p, keep)
    p.delete(f"/v2/images/{keep}")


def refused(p):
    queued, staged = p.image("only queued"), p.image("staged for refusals")
    done, formless = p.image("done", data=b"x"), p.image("no formats", disk_format=None, container_format=None)
    stage(p, staged)
    for value in BAD:
        imported(p, queued, value)
    for body in (b"", b"{"):
        p.ask("POST", f"/v2/images/{queued}/import", body=body, headers={"Content-Type": "application/json"})
    for who in ("alt", "reader", "service", None):
        imported(p, staged, {"method": {"name": "glance-direct"}}, who)
    imported(p, done, {"method": {"name": "glance-direct"}}, note="active")
    imported(p, formless, {"method": {"name": "glance-direct"}}, note="no formats")
    imported(p, NOWHERE, {"method": {"name": "glance-direct"}}, note="nowhere")
    for headers in ({"X-Image-Meta-Store": "nope"}, {"X-Image-Meta-Store": "cheap"}):
        p.post(f"/v2/images/{queued}/import", {"method": {"name": "glance-direct"}, "all_stores": True}, headers=headers)
        p.post(f"/v2/images/{queued}/import", {"method": {"name": "glance-direct"}, "stores": ["fast"]}, headers=headers)
        p.post(f"/v2/images/{queued}/import", {"method": {"name": "glance-direct"}}, headers=headers)
    for method in ("GET", "PUT", "DELETE"):
        p.ask(method, f"/v2/images/{queued}/import")


def direct(p):
    for name, value, headers in (
            ("to default", {}, {}), ("to cheap", {"stores": ["cheap"]}, {}), ("to both", {"stores": ["cheap", "fast"]}, {}),
            ("to all", {"all_stores": True}, {}), ("to all that can", {"all_stores": True, "all_stores_must_succeed": False}, {}),
            ("to header", {}, {"X-Image-Meta-Store": "cheap"}), ("to one twice", {"stores": ["cheap", "cheap"]}, {})):
        image = p.image(f"import {name}")
        stage(p, image, note=name)
        p.post(f"/v2/images/{image}/import", {"method": {"name": "glance-direct"}} | value, headers=headers)
        active(p, image)
        p.get(f"/v2/images/{image}")
        p.get(f"/v2/images/{image}/file")
        tasks = p.get(f"/v2/images/{image}/tasks").get("tasks") or [{}]
        p.named(tasks[0].get("id"), f"task {name}")
    for who in ("alt", "reader", "mate", "admin", "service", None):
        p.get(f"/v2/images/{image}/tasks", who)
    p.get(f"/v2/images/{p.image('no tasks')}/tasks")
    p.get(f"/v2/images/{image}/tasks", body=b"{}")


def copies(p):
    image = p.image("to copy", data=b"0123456789")
    copy = {"method": {"name": "copy-image"}}
    for who in ("demo", "alt", "reader", "service", None):
        imported(p, image, copy | {"stores": ["cheap"]}, who)
    imported(p, image, copy, "admin")
    imported(p, image, copy | {"stores": ["nope"]}, "admin")
    imported(p, image, copy | {"stores": ["fast"]}, "admin")
    imported(p, image, copy | {"stores": ["cheap"]}, "admin")
    p.settle(image, lambda found: "cheap" in str(found.get("stores")) and not found.get("os_glance_import_task"), "a copy")
    p.get(f"/v2/images/{image}")
    imported(p, image, copy | {"all_stores": True}, "admin")
    p.settle(image, lambda found: not found.get("os_glance_import_task"), "a copy of nothing")
    p.get(f"/v2/images/{image}", note="nothing left to copy")
    p.get(f"/v2/images/{image}/file?prefer=cheap", "admin")
    everywhere = p.image("to copy everywhere", data=b"0123456789")
    imported(p, everywhere, copy | {"all_stores": True, "all_stores_must_succeed": False}, "admin")
    p.settle(everywhere, lambda found: "cheap" in str(found.get("stores")) and not found.get("os_glance_import_task"), "a copy")
    p.get(f"/v2/images/{everywhere}")
    p.get(f"/v2/images/{everywhere}/tasks")


def removal(p):
    image, queued = p.image("in two stores", data=b"0123456789"), p.image("in none")
    p.quiet("POST", f"/v2/images/{image}/import", "admin", {"method": {"name": "copy-image"}, "stores": ["cheap"]})
    p.settle(image, lambda found: "cheap" in str(found.get("stores")) and not found.get("os_glance_import_task"), "a copy")
    for who in ("demo", "alt", "reader", "service", None):
        p.delete(f"/v2/stores/cheap/{image}", who)
    for store in ("nope", "os_glance_staging_store"):
        p.delete(f"/v2/stores/{store}/{image}", "admin")
    p.delete(f"/v2/stores/fast/{NOWHERE}", "admin")
    p.delete(f"/v2/stores/fast/{queued}", "admin")
    p.delete(f"/v2/stores/cheap/{image}", "admin", body=b"{}")
    p.delete(f"/v2/stores/cheap/{image}", "admin")
    p.get(f"/v2/images/{image}")
    p.delete(f"/v2/stores/cheap/{image}", "admin", note="again")
    p.delete(f"/v2/stores/fast/{image}", "admin", note="the last")
    for method in ("GET", "POST", "PUT"):
        p.ask(method, f"/v2/stores/fast/{image}", "admin")
    p.get("/v2/stores", "admin")
    p.get("/v2/stores/fast", "admin")
