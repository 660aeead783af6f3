# SPDX-License-Identifier: Apache-2.0
"""GET and DELETE of one image, tags, activation, members, and what each may do."""

from urllib.parse import quote

CONFIGURATION = "plain"
EVERYBODY = ("demo", "mate", "reader", "nobody", "alt", "service", "admin", "boss", "system", None)
NOWHERE = "00000000-0000-0000-0000-000000000000"


def play(p):
    seen(p)
    deleted(p)
    tags(p)
    activation(p)


def seen(p):
    for visibility in ("private", "shared", "community"):
        image = p.image(visibility, data=b"0123456789", visibility=visibility, color="green")
        for who in EVERYBODY:
            p.get(f"/v2/images/{image}", who)
    image = p.image("bare of all", disk_format=None, container_format=None)
    p.get(f"/v2/images/{image}")
    p.get(f"/v2/images/{image}", body=b"{}")
    for path in (NOWHERE, "nope", "%20", "a/b", f"{NOWHERE}/", f"{image}/", f"{image}/nope", quote("ü")):
        p.get(f"/v2/images/{path}")
    for method in ("POST", "PUT", "OPTIONS"):
        p.ask(method, f"/v2/images/{image}")
        p.ask(method, f"/v2/images/{image}/nope")
    for rest in ("file", "stage", "import", "tasks", "locations", "actions/deactivate", "actions/reactivate", "actions/nope",
                 "tags/x", "tags", "members", "members/x", "actions"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            p.ask(method, f"/v2/images/{NOWHERE}/{rest}")
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        p.ask(method, "/v2/images")


def deleted(p):
    image = p.image("to go", data=b"x")
    for who in ("alt", "reader", "nobody", "service", None):
        p.delete(f"/v2/images/{image}", who)
    p.delete(f"/v2/images/{image}", body=b"{}")
    p.delete(f"/v2/images/{image}")
    p.delete(f"/v2/images/{image}", note="gone")
    p.get(f"/v2/images/{image}", note="gone")
    p.get(f"/v2/images/{image}", "admin", note="gone")
    p.get(f"/v2/images/{image}/file", note="gone")
    p.delete(f"/v2/images/{p.image('of demo')}", "mate")
    p.delete(f"/v2/images/{p.image('of demo too')}", "admin")
    p.delete(f"/v2/images/{p.image('seen by alt', visibility='community')}", "alt")
    keep = p.image("protected", protected=True)
    p.delete(f"/v2/images/{keep}")
    p.delete(f"/v2/images/{keep}", "admin")
    for nowhere in (NOWHERE, "nope"):
        p.delete(f"/v2/images/{nowhere}")


def tags(p):
    image = p.image("tagged", tags=["a"])
    for tag in ("b", "a", "x" * 255, "x" * 256, "a%20b", "%C3%BC", "%F0%9F%98%80", "a%2Fb", ".", "%22", "a;b"):
        p.put(f"/v2/images/{image}/tags/{tag}")
    p.get(f"/v2/images/{image}")
    for who in ("alt", "reader", "mate", "service", "admin", None):
        p.put(f"/v2/images/{image}/tags/{who or 'none'}", who=who)
        p.delete(f"/v2/images/{image}/tags/{who or 'none'}", who)
    for tag in ("b", "b", "nope", "%C3%BC"):
        p.delete(f"/v2/images/{image}/tags/{tag}")
    p.put(f"/v2/images/{image}/tags/c", {})
    p.get(f"/v2/images/{image}", note="at last")
    shown = p.image("tags of all", visibility="community")
    p.put(f"/v2/images/{shown}/tags/x", who="alt")


def activation(p):
    image, queued = p.image("active", data=b"0123456789"), p.image("queued")
    for action in ("deactivate", "reactivate"):
        p.post(f"/v2/images/{queued}/actions/{action}")
        p.post(f"/v2/images/{image}/actions/{action}", {})
        for who in ("alt", "reader", "service", None):
            p.post(f"/v2/images/{image}/actions/{action}", who=who)
    for action in ("deactivate", "deactivate", "reactivate", "reactivate"):
        p.post(f"/v2/images/{image}/actions/{action}")
        for who in ("demo", "reader", "admin"):
            p.get(f"/v2/images/{image}", who, note=action)
            p.get(f"/v2/images/{image}/file", who, note=action)
    p.post(f"/v2/images/{image}/actions/deactivate", who="admin")
    p.upload(image, note="deactivated")
    p.patch(image, [{"op": "replace", "path": "/name", "value": "new"}], note="deactivated")
    p.delete(f"/v2/images/{image}", note="deactivated")
