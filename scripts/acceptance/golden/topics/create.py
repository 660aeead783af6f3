# SPDX-License-Identifier: Apache-2.0
"""POST /v2/images: what is taken, what is refused, and how."""

CONFIGURATION = "plain"
LONG = "n" * 256

GOOD = [
    {}, {"name": None}, {"name": ""}, {"name": "n" * 255}, {"name": "ünïcödé"},
    {"disk_format": "raw", "container_format": "bare"}, {"disk_format": None, "container_format": None},
    {"visibility": "private"}, {"visibility": "shared"}, {"visibility": "community"},
    {"protected": True}, {"os_hidden": True}, {"min_disk": 2147483647, "min_ram": 1}, {"min_disk": None},
    {"tags": []}, {"tags": ["b", "a", "b"]}, {"tags": ["x" * 255]}, {"tags": [""]},
    {"hw_disk_bus": "scsi", "any thing": "a b", "x/y~z": ""}, {"kernel_id": None}, {"os_type": "linux"},
    {"architecture": "x86_64", "os_distro": "debian", "instance_uuid": "00000000-0000-0000-0000-000000000000"},
    {"os_hash_algo": "md5", "os_hash_value": "x"},
]
BAD = [
    {"name": LONG}, {"name": 1}, {"name": True}, {"name": "\U0001f600"}, {"tags": ["\U0001f600"]}, {"x": "\U0001f600"},
    {"disk_format": "nope"}, {"container_format": "nope"}, {"disk_format": 1}, {"visibility": "nope"}, {"visibility": None},
    {"protected": "yes"}, {"protected": "True"}, {"protected": None}, {"os_hidden": "no"},
    {"min_disk": -1}, {"min_ram": -1}, {"min_disk": "1"}, {"min_disk": 2147483648}, {"min_ram": 2147483648}, {"min_ram": 1.5},
    {"tags": "a"}, {"tags": [1]}, {"tags": ["x" * 256]}, {"tags": None},
    {"id": "nope"}, {"id": 1}, {"id": ""}, {LONG: "x"}, {"x": 1}, {"x": None}, {"x": ["a"]}, {"x": {}}, {"x": True},
    {"status": "active"}, {"size": 1}, {"checksum": "x"}, {"created_at": "x"}, {"updated_at": "x"}, {"virtual_size": 1},
    {"self": "x"}, {"file": "x"}, {"schema": "x"}, {"direct_url": "x"}, {"stores": "fast"},
    {"location": "x"}, {"deleted": "x"}, {"deleted_at": "x"}, {"locations": []},
    {"os_glance_x": "1"}, {"os_glance_import_task": "1"}, {"owner": 1}, {"kernel_id": "nope"},
]
BODIES = [b"", b"{", b"[]", b"null", b"1", b"\"x\"", b"{\"name\": \"a\", \"name\": \"b\"}", b"\xff\xfe", b"{} x", b"[{}]"]


def play(p):
    for value in GOOD:
        p.post("/v2/images", value)
    for value in BAD:
        p.post("/v2/images", value)
    for body in BODIES:
        p.ask("POST", "/v2/images", body=body, headers={"Content-Type": "application/json"})
    for kind in ("text/plain", "application/octet-stream", "application/json; charset=utf-8", ""):
        p.ask("POST", "/v2/images", body=b"{\"name\": \"k\"}", headers={"Content-Type": kind})
    p.ask("POST", "/v2/images")
    chosen(p)
    owners(p)


def chosen(p):
    first = p.id("chosen")
    p.post("/v2/images", {"id": first})
    p.post("/v2/images", {"id": first}, note="again")
    p.post("/v2/images", {"id": first}, "alt")
    p.delete(f"/v2/images/{first}")
    p.post("/v2/images", {"id": first}, note="deleted")
    upper = p.id("upper")
    p.names.add(upper.upper(), "UPPER")
    p.post("/v2/images", {"id": upper.upper()})
    p.get(f"/v2/images/{upper.upper()}")
    p.get(f"/v2/images/{upper}", note="lower case")


def owners(p):
    for who in ("demo", "admin"):
        for owner in (p.project("demo"), p.project("alt"), "nobody", None, ""):
            p.post("/v2/images", {"owner": owner}, who)
    for who in ("reader", "nobody", "service", "boss", "system", None):
        p.post("/v2/images", {}, who)
    for visibility in ("public", "community"):
        for who in ("demo", "admin", "service"):
            p.post("/v2/images", {"visibility": visibility}, who, note="visibility")
