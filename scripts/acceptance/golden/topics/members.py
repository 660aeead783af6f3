# SPDX-License-Identifier: Apache-2.0
"""Members of shared images."""

CONFIGURATION = "plain"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def play(p):
    image = p.image("shared")
    where, alt = f"/v2/images/{image}/members", p.project("alt")
    p.get(where)
    p.get(f"{where}/{alt}")
    for who in ("alt", "reader", "service", "nobody", None):
        p.post(where, {"member": "x"}, who)
    p.post(where, {"member": alt})
    p.post(where, {"member": alt}, note="again")
    p.post(where, {"member": "anything"}, "mate")
    p.post(where, {"member": "by admin"}, "admin")
    odd = f"/v2/images/{p.image('with odd members')}/members"
    for value in ({}, {"member": None}, {"member": 1}, {"member": ""}, {"member": "x" * 255}, {"member": "x" * 256}, [], ["x"],
                  {"member": ["x"]}, {"nope": "x"}, {"member": "own", "status": "accepted"}, {"member": "\U0001f600"},
                  {"member": p.project("demo")}):
        p.post(odd, value)
    for body in (b"", b"{", b"null", b"\"x\""):
        p.ask("POST", odd, body=body, headers={"Content-Type": "application/json"})
    for who in ("demo", "mate", "reader", "alt", "service", "admin", "boss", None):
        p.get(where, who)
        p.get(f"{where}/{alt}", who)
        p.get(f"{where}/nope", who)
        p.get(f"/v2/images/{image}", who)
    p.get(where, body=b"{}")
    changes(p, where, alt, image)
    kinds(p, alt)
    removal(p, where, alt)


def changes(p, where, alt, image):
    for who in ("demo", "reader", "service", None):
        p.put(f"{where}/{alt}", {"status": "accepted"}, who)
    for value in ({}, {"status": "nope"}, {"status": None}, {"status": 1}, {"member": "x"}, [], {"status": "accepted", "x": 1}):
        p.put(f"{where}/{alt}", value, "alt")
    p.ask("PUT", f"{where}/{alt}", "alt", body=b"{", headers={"Content-Type": "application/json"})
    p.put(f"{where}/{alt}", None, "alt")
    for status in ("accepted", "rejected", "pending", "accepted"):
        p.put(f"{where}/{alt}", {"status": status}, "alt")
        p.get("/v2/images?sort=name:asc", "alt", note=status)
    p.put(f"{where}/{alt}", {"status": "rejected"}, "admin")
    p.put(f"{where}/anything", {"status": "accepted"}, "alt")
    p.put(f"{where}/nope", {"status": "accepted"}, "admin")
    p.get(f"/v2/images/{image}/file", "alt")
    p.patch(image, [{"op": "replace", "path": "/name", "value": "x"}], "alt")
    p.put(f"/v2/images/{image}/tags/x", who="alt")
    p.delete(f"/v2/images/{image}", "alt")


def kinds(p, alt):
    for visibility in ("private", "community", "public"):
        image = p.image(visibility, "admin" if visibility == "public" else "demo", visibility=visibility)
        where = f"/v2/images/{image}/members"
        for who in ("demo", "alt", "admin"):
            p.get(where, who)
            p.post(where, {"member": alt}, who)
            p.get(f"{where}/{alt}", who)
            p.put(f"{where}/{alt}", {"status": "accepted"}, who)
            p.delete(f"{where}/{alt}", who)
    turned = p.image("turned")
    p.quiet("POST", f"/v2/images/{turned}/members", "demo", {"member": alt})
    p.patch(turned, [{"op": "replace", "path": "/visibility", "value": "private"}])
    p.get(f"/v2/images/{turned}", "alt", note="turned private")
    p.get(f"/v2/images/{turned}/members", "alt", note="turned private")
    p.patch(turned, [{"op": "replace", "path": "/visibility", "value": "shared"}])
    p.get(f"/v2/images/{turned}/members", note="shared again")


def removal(p, where, alt):
    for who in ("alt", "reader", "service", None):
        p.delete(f"{where}/{alt}", who)
    p.delete(f"{where}/{alt}", body=b"{}")
    p.delete(f"{where}/{alt}")
    p.delete(f"{where}/{alt}", note="again")
    p.delete(f"{where}/nope", "admin")
    p.get(where, "alt", note="no member any more")
    for method in ("GET", "POST", "DELETE"):
        p.ask(method, f"/v2/images/{NOWHERE}/members/{alt}")
    p.post(f"/v2/images/{NOWHERE}/members", {"member": "x"})
    p.post(f"/v2/images/{where.split('/')[3]}/members/x", {})
