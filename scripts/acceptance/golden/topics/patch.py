# SPDX-License-Identifier: Apache-2.0
"""PATCH of images in both media types."""

from ..player import PATCH, PATCH0

CONFIGURATION = "plain"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def one(op, path, *value):
    return [{"op": op, "path": path, **({"value": value[0]} if value else {})}]


CHANGES = [
    one("replace", "/name", "new"), one("replace", "/name", None), one("add", "/name", "added"), one("replace", "/name", 1),
    one("replace", "/name", "n" * 256), one("replace", "/name", "\U0001f600"), one("remove", "/name"), one("replace", "/name"),
    one("add", "/color", "green"), one("add", "/color", "blue"), one("replace", "/color", "red"), one("remove", "/color"),
    one("remove", "/color"), one("replace", "/color", "x"), one("add", "/color", 1), one("add", "/color", None),
    one("add", "/color", ["x"]), one("add", "/color", {"a": 1}), one("add", "/x~1y~0z", "escaped"), one("remove", "/x~1y~0z"),
    one("add", "/x~2y", "bad escape"), one("add", "/x~", "bad escape"), one("add", "/a b", "x"),
    one("add", "/" + "k" * 255, "x"), one("add", "/\U0001f600", "x"), one("add", "/u", "\U0001f600"),
    one("add", "", "x"), one("add", "color", "x"), one("add", "/a/b", "x"), one("add", "/tags/-", "x"),
    one("add", "/tags/0", "x"), one("replace", "/tags/0", "x"), one("remove", "/tags/0"), one("add", 1, "x"),
    one("replace", "/tags", ["b", "a"]), one("replace", "/tags", ["a", "a"]), one("replace", "/tags", "a"), one("replace", "/tags", [1]),
    one("replace", "/tags", []), one("add", "/tags", ["z"]), one("remove", "/tags"), one("replace", "/tags", ["x" * 256]),
    one("replace", "/visibility", "private"), one("replace", "/visibility", "community"), one("replace", "/visibility", "public"),
    one("replace", "/visibility", "nope"), one("replace", "/visibility", None), one("remove", "/visibility"),
    one("replace", "/visibility", "shared"), one("replace", "/protected", True), one("replace", "/protected", "yes"),
    one("replace", "/protected", False), one("replace", "/protected", None), one("replace", "/os_hidden", True),
    one("replace", "/os_hidden", "x"), one("replace", "/os_hidden", False), one("replace", "/min_disk", 5), one("replace", "/min_disk", -1),
    one("replace", "/min_ram", 2147483648), one("replace", "/min_ram", "5"), one("replace", "/min_ram", None), one("remove", "/min_disk"),
    one("replace", "/owner", "nobody"), one("replace", "/owner", None), one("remove", "/owner"),
    one("replace", "/disk_format", "qcow2"), one("replace", "/disk_format", "nope"), one("replace", "/disk_format", None),
    one("add", "/disk_format", "raw"), one("remove", "/disk_format"), one("replace", "/container_format", "ovf"),
    one("replace", "/container_format", "nope"), one("replace", "/kernel_id", NOWHERE), one("add", "/kernel_id", NOWHERE),
    one("replace", "/kernel_id", None), one("add", "/os_distro", "x"), one("add", "/instance_uuid", "x"),
    *[one("replace", "/" + name, "x") for name in ("id", "status", "size", "checksum", "created_at", "updated_at", "virtual_size",
      "self", "file", "schema", "direct_url", "stores", "os_hash_algo", "os_hash_value", "location", "deleted", "deleted_at",
      "locations", "os_glance_x", "os_glance_import_task", "is_public", "properties", "base_image_ref")],
    *[one("remove", "/" + name) for name in ("id", "status", "checksum", "self", "location", "locations", "os_glance_x", "os_hash_algo")],
    *[one("add", "/" + name, "x") for name in ("id", "status", "checksum", "os_glance_x", "deleted", "os_hash_value")],
    one("replace", "/locations", []), one("add", "/locations/-", {"url": "file:///x", "metadata": {}}), one("remove", "/locations/0"),
    one("test", "/name", "x"), one("move", "/name", "x"), one("copy", "/name", "x"), one("nope", "/name", "x"), one("", "/name", "x"),
    one(1, "/name", "x"), [{"path": "/name", "value": "x"}], [{"op": "add", "value": "x"}], [{"op": "add"}], [{}], ["x"], [None], [1], [[]],
    [], {}, None, "x", 1, {"op": "add", "path": "/x", "value": "y"}, [{"op": "add", "path": "/more", "value": "x", "extra": 1}],
    one("add", "/more2", "x") + one("replace", "/nope", "x"), one("add", "/m3", "a") + one("replace", "/m3", "b") + one("remove", "/m3"),
    one("add", "/m4", "a") + one("add", "/m4", "b"), [{"op": "add", "path": "/a", "value": "1"}, {"op": "add", "path": "/b", "value": "2"}],
]
# Some of these make properties that later answers would show.
ODD = [one("add", "//x", "empty part"), one("add", "/" + "k" * 256, "x"), one("add", "/", "x"), one("add", "/stores", "x"),
       one("add", "/ x ", "spaces"), one("add", "/x/", "x")]
OLD = [
    [{"add": "/old", "value": "x"}], [{"add": "/old", "value": "y"}], [{"replace": "/old", "value": "y"}], [{"remove": "/old"}],
    [{"remove": "/old"}], [{"replace": "/nope", "value": "y"}], [{"replace": "/name", "value": "old"}], [{"add": "/name", "value": "x"}],
    [{"op": "add", "path": "/x", "value": "y"}], [{"add": "/x"}], [{"value": "x"}], [{}], [], {}, [{"add": "/a", "remove": "/b", "value": "x"}],
    [{"test": "/name", "value": "x"}], [{"add": "x", "value": "y"}], [{"add": "/a/b", "value": "y"}], [{"replace": "/status", "value": "x"}],
    [{"add": "/x~1y", "value": "y"}], [{"replace": "/tags", "value": ["old"]}], [{"remove": "/name"}],
]
KINDS = ["application/json", "application/json-patch+json", "application/openstack-images-v2.2-json-patch", "text/plain",
         "application/octet-stream", PATCH + "; charset=utf-8", PATCH.upper()]


def play(p):
    queued, active = p.image("queued", tags=["t"]), p.image("active", data=b"0123456789")
    for change in CHANGES:
        p.patch(queued, change)
    odd = p.image("odd")
    for change in ODD:
        p.patch(odd, change)
    for change in OLD:
        p.patch(queued, change, kind=PATCH0)
    p.get(f"/v2/images/{queued}")
    for body in (b"", b"{", b"[", b"\xff"):
        p.ask("PATCH", f"/v2/images/{queued}", body=body, headers={"Content-Type": PATCH})
    for kind in KINDS:
        p.patch(queued, one("replace", "/name", "k"), kind=kind)
    p.ask("PATCH", f"/v2/images/{queued}", body=b"[]", note="no media type")
    for change in (one("replace", "/disk_format", "qcow2"), one("replace", "/container_format", "ovf"), one("replace", "/name", "a"),
                   one("replace", "/checksum", "x"), one("replace", "/locations", []), one("replace", "/disk_format", "raw"),
                   one("replace", "/min_ram", 1), one("replace", "/visibility", "community")):
        p.patch(active, change, note="active")
    for who in ("alt", "reader", "nobody", "mate", "service", "admin", "boss", None):
        p.patch(queued, one("add", "/of", who), who)
        p.patch(active, one("replace", "/name", who), who)
    p.patch(active, one("replace", "/visibility", "public"), "admin")
    p.patch(active, one("replace", "/owner", p.project("alt")), "admin")
    p.get(f"/v2/images/{active}", note="new owner")
    p.patch(active, one("replace", "/name", "not mine any more"))
    p.patch(NOWHERE, one("replace", "/name", "x"))
    p.patch("nope", one("replace", "/name", "x"))
