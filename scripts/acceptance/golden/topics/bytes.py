# SPDX-License-Identifier: Apache-2.0
"""Upload, download, ranges."""

from ..player import BYTES

CONFIGURATION = "plain"
NOWHERE = "00000000-0000-0000-0000-000000000000"
RANGES = ["bytes=0-4", "bytes=5-", "bytes=-3", "bytes=-100", "bytes=0-100", "bytes=-0", "bytes=10-", "bytes=9-", "bytes=9-9", "bytes=4-2",
          "items=0-4", "bytes=", "bytes=a-b", "bytes 0-4", "bytes=0-1,3-4", "nonsense", "bytes= 0-4", "BYTES=0-4", "bytes=0-4 ", "bytes=0--1",
          "bytes=99999999999999999999-", "bytes=-", ""]
CONTENT_RANGES = ["bytes 1-4/*", "bytes 1-4/10", "bytes 0-9/10", "bytes 1-4/20", "bytes 4-1/10", "bytes */10", "bytes 5-20/*", "nonsense",
                  "bytes 10-12/*", "bytes=1-4"]


def play(p):
    uploads(p)
    refusals(p)
    downloads(p)
    formats(p)


def uploads(p):
    image = p.image("plain upload")
    p.upload(image)
    p.get(f"/v2/images/{image}")
    p.get(f"/v2/images/{image}/file")
    p.upload(image, note="again")
    empty = p.image("empty")
    p.upload(empty, b"", note="empty")
    p.get(f"/v2/images/{empty}")
    p.get(f"/v2/images/{empty}/file")
    chunked = p.image("chunked")
    p.upload(chunked, b"c" * 100000, chunked=True)
    p.get(f"/v2/images/{chunked}")
    for name, headers in (
            ("to cheap", {"X-Image-Meta-Store": "cheap"}), ("to fast", {"X-Image-Meta-Store": "fast"}),
            ("sized", {"X-OpenStack-Image-Size": "10"}), ("to cheap, sized", {"x-image-meta-store": "cheap", "x-openstack-image-size": "10"}),
            ("to nowhere", {"X-Image-Meta-Store": "nope"}), ("to reserved", {"X-Image-Meta-Store": "os_glance_staging_store"}),
            ("too long", {"X-OpenStack-Image-Size": "5"}), ("too short", {"X-OpenStack-Image-Size": "50"}),
            ("no number", {"X-OpenStack-Image-Size": "many"}), ("negative", {"X-OpenStack-Image-Size": "-1"}),
            ("size empty", {"X-OpenStack-Image-Size": ""}), ("store empty", {"X-Image-Meta-Store": ""}),
            ("zero", {"X-OpenStack-Image-Size": "0"})):
        image = p.image(name)
        p.upload(image, headers=headers)
        p.get(f"/v2/images/{image}")


def refusals(p):
    image = p.image("refused")
    for kind in ("application/json", "text/plain", "", "application/octet-stream; charset=utf-8", "application/x-www-form-urlencoded"):
        p.ask("PUT", f"/v2/images/{p.image('kind ' + kind)}/file", body=b"0123456789", headers={"Content-Type": kind})
    p.ask("PUT", f"/v2/images/{image}/file", body=b"0123456789", note="no media type")
    for who in ("alt", "reader", "nobody", "service", None):
        p.upload(image, who=who)
    p.upload(p.image("by mate"), who="mate")
    p.upload(p.image("by admin"), who="admin")
    p.upload(NOWHERE)
    p.upload("nope")
    for disk, container in ((None, None), ("raw", None), (None, "bare")):
        p.upload(p.image(f"formats {disk} {container}", disk_format=disk, container_format=container))
    for method in ("POST", "PATCH", "DELETE", "OPTIONS"):
        p.ask(method, f"/v2/images/{image}/file")
    p.get(f"/v2/images/{image}")


def downloads(p):
    image, queued = p.image("ten bytes", data=b"0123456789"), p.image("queued")
    for value in RANGES:
        p.get(f"/v2/images/{image}/file", headers={"Range": value})
    for value in CONTENT_RANGES:
        p.get(f"/v2/images/{image}/file", headers={"Content-Range": value})
    p.get(f"/v2/images/{image}/file", headers={"Range": "bytes=0-1", "Content-Range": "bytes 2-3/*"})
    p.get(f"/v2/images/{image}/file", headers={"If-None-Match": "781e5e245d69b566979b86e28d23f2c7"})
    p.get(f"/v2/images/{image}/file", headers={"Accept": "application/json"})
    p.get(f"/v2/images/{image}/file", body=b"x")
    for who in ("mate", "reader", "nobody", "alt", "service", "admin", None):
        p.get(f"/v2/images/{image}/file", who)
    for prefer in ("fast", "cheap", "fast,cheap", "nope", "", "fast,nope", "os_glance_staging_store"):
        for who in ("demo", "admin"):
            p.get(f"/v2/images/{image}/file?prefer={prefer}", who)
    p.get(f"/v2/images/{queued}/file")
    p.get(f"/v2/images/{queued}/file", headers={"Range": "bytes=0-4"})
    p.get(f"/v2/images/{queued}/file", headers={"Content-Range": "bytes 0-4/*"})
    for nowhere in (NOWHERE, "nope"):
        p.get(f"/v2/images/{nowhere}/file")
    big = p.image("big", data=bytes(range(256)) * 1024)
    for value in ("bytes=0-99999", "bytes=262143-", "bytes=65535-65536"):
        p.get(f"/v2/images/{big}/file", headers={"Range": value})
    shared = p.image("community bytes", data=b"01234", visibility="community")
    for who in ("alt", "reader", "service"):
        p.get(f"/v2/images/{shared}/file", who)


def formats(p):
    qcow2 = b"QFI\xfb\x00\x00\x00\x03" + bytes(16) + (1 << 20).to_bytes(8, "big") + bytes(1024)
    gpt = bytes(446) + b"\x00\x00\x02\x00\xee\xff\xff\xff\x01\x00\x00\x00\xff\xff\x00\x00" + bytes(48) + b"\x55\xaa" + b"EFI PART" + bytes(2048)
    samples = {"zeros": bytes(2048), "qcow2": qcow2, "gpt": gpt, "text": b"not a disk at all\n" * 200, "short": b"x"}
    for disk in ("raw", "qcow2", "vmdk", "iso", "ami", "vhd", "vhdx", "vdi", "ploop"):
        for name, data in samples.items():
            image = p.image(f"{name} as {disk}", disk_format=disk)
            p.upload(image, data, note=name)
            p.get(f"/v2/images/{image}")
    for container in ("ovf", "docker", "compressed", "ami"):
        image = p.image(f"text in {container}", disk_format="raw", container_format=container)
        p.upload(image, samples["text"])
        p.get(f"/v2/images/{image}")
    p.ask("PUT", f"/v2/images/{p.image('media type')}/file", body=b"x", headers={"Content-Type": BYTES + "; x=y"})
