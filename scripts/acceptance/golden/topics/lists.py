# SPDX-License-Identifier: Apache-2.0
"""GET /v2/images: filters, order, pages."""

from urllib.parse import quote

CONFIGURATION = "plain"

QUERIES = [
    "", "limit=0", "limit=1", "limit=3", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1.5",
    "marker=nope", "marker=00000000-0000-0000-0000-000000000000",
    "sort=name", "sort=name:asc", "sort=name:desc,id:asc", "sort=size:desc,name:asc", "sort=nope", "sort=name:up", "sort=",
    "sort=name:asc,", "sort_key=name", "sort_key=name&sort_dir=asc", "sort_key=status&sort_key=name&sort_dir=asc",
    "sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc", "sort_key=name&sort_dir=asc&sort_dir=desc",
    "sort_key=nope", "sort_dir=asc", "sort_dir=up", "sort_dir=", "sort=name:asc&sort_key=id", "sort=name&sort_dir=asc",
    "sort=disk_format,container_format:asc,name:asc", "sort=virtual_size", "sort=min_disk", "sort=owner",
    "visibility=public", "visibility=private", "visibility=shared", "visibility=community", "visibility=all", "visibility=nope",
    "visibility=", "visibility=private&visibility=shared",
    "member_status=pending", "member_status=accepted", "member_status=rejected", "member_status=all", "member_status=nope",
    "visibility=shared&member_status=pending", "visibility=shared&member_status=all",
    "owner={demo}", "owner={alt}", "owner=nope", "owner=",
    "tag=red", "tag=red&tag=blue", "tag=nope", "tag=", "tag=red&limit=1", "tag=red&tag=blue&limit=1",
    "os_hidden=true", "os_hidden=True", "os_hidden=false", "os_hidden=nope", "os_hidden=",
    "protected=true", "protected=false", "protected=TRUE", "protected=1", "protected=",
    "size_min=5", "size_max=5", "size_min=5&size_max=10", "size_min=x", "size_max=", "size_min=-1", "min_ram_max=64", "min_disk_min=1",
    "foo_min=1", "size=10", "size=gt:5", "size=x", "virtual_size=10", "min_ram=64", "min_ram=x", "min_disk=nope",
    "name=beta", "name=in:beta,alpha", "name=in:%22beta%22,alpha", "name=in:%22beta", "name=gt:a", "name=eq:beta", "name=neq:beta",
    "name=in:", "name=", "name=%F0%9F%98%80", "name=nope", "name=BETA", "name=%00",
    "status=active", "status=queued", "status=in:active,queued", "status=nope", "status=in:nope",
    "disk_format=raw", "disk_format=in:raw,qcow2", "container_format=bare", "container_format=in:ovf,%22bare%22", "disk_format=gt:raw",
    "id=in:{a},{b}", "id={a}", "id=nope", "id=gt:{a}",
    "checksum=781e5e245d69b566979b86e28d23f2c7", "checksum=x", "os_hash_algo=sha512", "os_hash_value=x",
    "created_at=gt:2020-01-01T00:00:00Z", "created_at=lt:2020-01-01T00:00:00Z", "created_at=gte:2020-01-01", "created_at=nope",
    "created_at=gt:nope", "created_at=foo:2020-01-01T00:00:00Z", "created_at=2020-01-01T00:00:00Z", "created_at=",
    "updated_at=lte:2020-01-01T00:00:00", "updated_at=neq:2020-01-01T00:00:00Z", "updated_at=gt:2020-01-01T00:00:00%2B02:00",
    "created_at=in:2020-01-01T00:00:00Z", "created_at=gt:2015-01-01T00:00:00Z&created_at=lt:2016-01-01T00:00:00Z",
    "color=green", "color=red", "color=", "any%20thing=a%20b", "is_public=true", "color=green&shape=round", "color=in:green,red",
    "deleted=true", "deleted=nope", "changes-since=2020-01-01", "changes-since=nope", "nope", "&&", "limit=2&limit=3",
    "owner_is_public=1", "kernel_id=x", "instance_uuid=x", "os_glance_x=1", "schema=x", "self=x", "tags=red", "visibility=public&owner={demo}",
    "visibility=private&owner={alt}", "status=active&sort=name:asc&limit=2",
]


def play(p):
    ids = scenery(p)
    for query in QUERIES:
        where = query.format(demo=p.project("demo"), alt=p.project("alt"), **ids)
        where += ("&" if where else "") + "sort=name:asc" if "sort" not in where and "limit" not in where else ""
        p.get(f"/v2/images?{where}")
    for who in ("alt", "admin", "reader", "nobody", "service", "boss", "system", None):
        p.get("/v2/images?sort=name:asc", who)
        p.get("/v2/images?sort=name:asc&visibility=community", who)
    for query in ("visibility=all", "owner=" + p.project("demo"), "member_status=all", "visibility=private", "visibility=shared",
                  "visibility=shared&member_status=pending", "visibility=public&owner=" + p.project("alt"), "os_hidden=true"):
        for who in ("alt", "admin"):
            p.get(f"/v2/images?{query}&sort=name:asc", who)
    pages(p)


def scenery(p):
    ids = {
        "a": p.image("alpha", data=b"0123456789", tags=["red", "blue"], color="green", shape="round", min_ram=64),
        "b": p.image("beta", data=b"01234", tags=["red"], color="red", visibility="private", protected=True),
        "c": p.image("gamma", tags=["red", "blue"], disk_format="qcow2", container_format="ovf", visibility="community"),
        "d": p.image("delta", disk_format=None, container_format=None, min_disk=3, os_hidden=True),
        "e": p.image("epsilon \"quoted\", comma", **{"any thing": "a b"}),
    }
    p.image("pub", "admin", data=b"public", visibility="public")
    p.image("boss private", "admin", visibility="private")
    p.image("alt private", "alt", visibility="private")
    p.image("alt community", "alt", visibility="community")
    for name, status in (("alt pending", None), ("alt accepted", "accepted"), ("alt rejected", "rejected")):
        image = p.image(name, "alt")
        p.quiet("POST", f"/v2/images/{image}/members", "alt", {"member": p.project("demo")})
        if status:
            p.quiet("PUT", f"/v2/images/{image}/members/{p.project('demo')}", "demo", {"status": status})
    return ids


def pages(p):
    for query in ("sort=name:asc&limit=2", "sort=status:desc,name:asc&limit=2", "sort_key=name&sort_dir=asc&limit=3&visibility=shared",
                  "tag=red&limit=1&sort=name:asc", "name=" + quote("in:alpha,beta,gamma") + "&limit=1&sort=name:asc"):
        where = f"/v2/images?{query}"
        for _ in range(4):
            where = p.get(where, note="page").get("next")
            if not where:
                break
    where = p.get("/v2/images?limit=2&sort=size:asc,name:asc").get("next")  # some have no size
    p.get(where or "/v2/images?limit=0")
    p.get("/v2/images?marker=" + p.image("hidden from alt", visibility="private"), "alt")
