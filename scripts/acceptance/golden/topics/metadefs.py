# SPDX-License-Identifier: Apache-2.0
"""Metadata definitions: namespaces and what is in them."""

from urllib.parse import quote

CONFIGURATION = "plain"
ROOT = "/v2/metadefs/namespaces"
EVERYBODY = ("demo", "reader", "nobody", "alt", "service", "admin", None)
BAD_NAMES = ("x" * 81, "", "a/b", "a b", "\u00fc", "\U0001f600", None, 1)


def play(p):
    namespaces(p)
    listing(p)
    objects(p)
    properties(p)
    tags(p)
    resource_types(p)
    whole(p)
    for name in BAD_NAMES:
        p.post(ROOT, {"namespace": name}, "admin", note="name")
    for namespace in [row["namespace"] for row in p.quiet("GET", ROOT + "?limit=1000").get("namespaces", [])]:
        p.quiet("PUT", f"{ROOT}/{quote(namespace, safe='')}", "admin", {"namespace": namespace, "protected": False})
        p.quiet("DELETE", f"{ROOT}/{quote(namespace, safe='')}")


def namespaces(p):
    for who in EVERYBODY:
        p.post(ROOT, {"namespace": "of-" + (who or "none")}, who)
    p.post(ROOT, {"namespace": "pub", "display_name": "Public", "description": "seen by all", "visibility": "public"}, "admin")
    p.post(ROOT, {"namespace": "prot", "protected": True, "visibility": "public"}, "admin")
    p.post(ROOT, {"namespace": "theirs", "owner": p.project("demo")}, "admin")
    p.post(ROOT, {"namespace": "pub"}, "admin", note="again")
    for value in ({}, {"namespace": "v", "visibility": "shared"}, {"namespace": "p", "protected": "yes"}, {"namespace": "n", "nope": 1},
                  {"namespace": "d", "display_name": "x" * 81}, {"namespace": "e", "description": "x" * 501}, {"namespace": "s", "schema": "x"},
                  {"namespace": "c", "created_at": "x"}, [], None, "x"):
        p.post(ROOT, value, "admin")
    for body in (b"", b"{"):
        p.ask("POST", ROOT, "admin", body=body, headers={"Content-Type": "application/json"})
    for namespace in ("pub", "of-admin", "theirs", "nope", "prot"):
        for who in EVERYBODY:
            p.get(f"{ROOT}/{namespace}", who)
    p.get(f"{ROOT}/pub", body=b"{}")
    for who in EVERYBODY[:-2]:
        p.put(f"{ROOT}/pub", {"namespace": "pub", "display_name": "by " + who}, who)
        p.put(f"{ROOT}/of-admin", {"namespace": "of-admin"}, who)
        p.delete(f"{ROOT}/pub", who)
    for value in ({"namespace": "pub", "display_name": "new"}, {"namespace": "renamed", "visibility": "public"}, {}, {"namespace": "x" * 81},
                  {"namespace": "pub", "visibility": "nope"}, [], {"namespace": "of-admin"}):
        p.put(f"{ROOT}/pub", value, "admin")
    p.put(f"{ROOT}/renamed", {"namespace": "prot"}, "admin")
    p.get(f"{ROOT}/pub", "admin", note="after rename")
    p.get(f"{ROOT}/renamed", note="after rename")
    p.put(f"{ROOT}/renamed", {"namespace": "pub", "visibility": "public", "description": "back", "owner": p.project("demo")}, "admin")
    p.put(f"{ROOT}/nope", {"namespace": "nope"}, "admin")
    p.delete(f"{ROOT}/prot", "admin")
    p.delete(f"{ROOT}/nope", "admin")
    p.delete(f"{ROOT}/of-admin", "admin")
    p.delete(f"{ROOT}/of-admin", "admin", note="again")
    for method in ("POST", "PATCH", "OPTIONS"):
        p.ask(method, f"{ROOT}/pub", "admin")
    for method in ("PUT", "PATCH", "DELETE"):
        p.ask(method, ROOT, "admin")


def listing(p):
    for number in range(4):
        p.quiet("POST", ROOT, "admin", {"namespace": f"list-{number}", "visibility": "public" if number % 2 else "private"})
        p.quiet("POST", f"{ROOT}/list-{number}/resource_types", "admin", {"name": f"OS::Type::{number}"})
    for query in ("", "limit=2", "limit=0", "limit=-1", "limit=x", "marker=list-1", "marker=nope", "sort_key=namespace", "sort_key=nope",
                  "sort_dir=asc", "sort_dir=up", "sort_key=namespace&sort_dir=asc&limit=2", "visibility=public", "visibility=private",
                  "visibility=nope", "resource_types=OS::Type::1", "resource_types=OS::Type::1,OS::Type::2", "resource_types=nope",
                  "resource_types=", "nope=1", "visibility=public&resource_types=OS::Type::3", "sort_key=created_at&limit=1"):
        more = "" if "sort" in query else ("&" if query else "") + "sort_key=namespace&sort_dir=asc"
        for who in ("admin", "demo"):
            p.get(f"{ROOT}?{query}{more}", who)
    where = f"{ROOT}?sort_key=namespace&sort_dir=asc&limit=3"
    for _ in range(3):
        where = p.get(where, "admin", note="page").get("next")
        if not where:
            break
    for who in ("reader", "nobody", "service", None):
        p.get(f"{ROOT}?sort_key=namespace", who)
    p.get(ROOT, body=b"{}")


def objects(p):
    where = f"{ROOT}/pub/objects"
    full = {"name": "o1", "description": "an object", "required": ["size"],
            "properties": {"size": {"type": "integer", "title": "Size", "minimum": 1, "maximum": 9, "default": 3},
                           "kind": {"type": "string", "title": "Kind", "enum": ["a", "b"]}}}
    for who in EVERYBODY:
        p.post(where, {"name": "of-" + (who or "none")}, who)
    p.post(where, full, "admin")
    p.post(where, full, "admin", note="again")
    for value in ({}, {"name": "x", "nope": 1}, {"name": "x", "properties": []}, {"name": "x", "properties": {"p": {}}},
                  {"name": "x", "properties": {"p": {"type": "nope", "title": "P"}}}, {"name": "x", "required": "size"}, [], None,
                  {"name": "x" * 81}, {"name": "y", "properties": {"p": {"type": "string"}}}):
        p.post(where, value, "admin")
    p.post(f"{ROOT}/nope/objects", {"name": "x"}, "admin")
    p.post(f"{ROOT}/theirs/objects", {"name": "x"}, "demo")
    for who in EVERYBODY:
        p.get(where, who)
        p.get(f"{where}/o1", who)
    for query in ("limit=1", "limit=0", "limit=x", "marker=o1", "marker=nope", "sort_key=name&sort_dir=asc", "sort_key=nope", "sort_dir=x"):
        p.get(f"{where}?{query}")
    p.get(f"{where}/nope")
    p.get(f"{ROOT}/nope/objects")
    p.get(f"{ROOT}/nope/objects/o1")
    p.put(f"{where}/o1", {"name": "o2", "description": "renamed"}, "admin")
    p.put(f"{where}/o2", {"name": "of-admin"}, "admin")
    p.put(f"{where}/o2", {}, "admin")
    p.put(f"{where}/nope", {"name": "x"}, "admin")
    p.put(f"{where}/o2", {"name": "o2"}, "demo")
    p.get(f"{where}/o2")
    p.delete(f"{where}/o2")
    p.delete(f"{where}/o2", "admin", body=b"{}")
    p.delete(f"{where}/o2", "admin")
    p.delete(f"{where}/o2", "admin", note="again")
    p.ask("POST", f"{where}/x", "admin")
    p.ask("PUT", where, "admin")
    p.delete(where)
    p.delete(where, "admin")
    p.get(where, "admin", note="none left")


def properties(p):
    where = f"{ROOT}/pub/properties"
    full = {"name": "p1", "title": "One", "type": "string", "description": "first", "operators": ["<or>"], "enum": ["a", "b"], "default": "a",
            "minLength": 1, "maxLength": 8, "pattern": "^[ab]$", "readonly": False}
    for who in EVERYBODY:
        p.post(where, {"name": "of-" + (who or "none"), "title": "T", "type": "string"}, who)
    p.post(where, full, "admin")
    p.post(where, full, "admin", note="again")
    p.post(where, {"name": "list", "title": "L", "type": "array", "items": {"type": "string", "enum": ["x"]}, "uniqueItems": True,
                   "minItems": 0, "maxItems": 4, "additionalItems": False}, "admin")
    p.post(where, {"name": "num", "title": "N", "type": "number", "minimum": 0, "maximum": 1}, "admin")
    for value in ({}, {"name": "x"}, {"name": "x", "title": "X"}, {"name": "x", "title": "X", "type": "nope"}, {"name": "x", "type": "string"},
                  {"name": "x", "title": "X", "type": "string", "nope": 1}, {"name": "x", "title": "X", "type": "string", "minLength": -1},
                  {"name": "x" * 81, "title": "X", "type": "string"}, [], None, {"name": 1, "title": "X", "type": "string"}):
        p.post(where, value, "admin")
    for who in EVERYBODY:
        p.get(where, who)
        p.get(f"{where}/p1", who)
    p.get(f"{where}/nope")
    p.get(f"{ROOT}/nope/properties")
    p.get(f"{ROOT}/nope/properties/p1")
    p.get(f"{where}/p1?resource_type=nope")
    p.put(f"{where}/p1", {"name": "p2", "title": "Two", "type": "integer"}, "admin")
    p.put(f"{where}/p2", {"name": "list", "title": "Two", "type": "integer"}, "admin")
    p.put(f"{where}/p2", {"name": "p2"}, "admin")
    p.put(f"{where}/nope", {"name": "x", "title": "X", "type": "string"}, "admin")
    p.put(f"{where}/p2", {"name": "p2", "title": "Two", "type": "integer"})
    p.get(f"{where}/p2")
    p.delete(f"{where}/p2")
    p.delete(f"{where}/p2", "admin")
    p.delete(f"{where}/p2", "admin", note="again")
    p.ask("POST", f"{where}/x", "admin")
    p.ask("PUT", where, "admin")
    p.delete(where)
    p.delete(where, "admin")
    p.get(where, "admin", note="none left")


def tags(p):
    where = f"{ROOT}/pub/tags"
    for who in EVERYBODY:
        p.post(f"{where}/of-{who or 'none'}", who=who)
    p.post(f"{where}/of-admin", who="admin", note="again")
    p.post(f"{where}/body", {"name": "body"}, "admin")
    p.post(f"{where}/{'x' * 81}", who="admin")
    p.post(f"{ROOT}/nope/tags/x", who="admin")
    for who in EVERYBODY:
        p.get(where, who)
        p.get(f"{where}/of-admin", who)
    p.post(where, {"tags": [{"name": "a"}, {"name": "b"}]}, "admin")
    p.get(where, note="replaced")
    p.post(where, {"tags": [{"name": "c"}]}, "admin", headers={"X-Openstack-Append": "true"})
    p.get(where + "?sort_key=name&sort_dir=asc", note="appended")
    p.post(where, {"tags": [{"name": "d"}]}, "admin", headers={"X-Openstack-Append": "nope"})
    p.post(where, {"tags": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}, "admin", headers={"X-Openstack-Append": "false"})
    for value in ({}, {"tags": []}, {"tags": [{"name": "x"}, {"name": "x"}]}, {"tags": [{}]}, {"tags": "x"}, [], None,
                  {"tags": [{"name": "x" * 81}]}, {"tags": [{"name": "y", "nope": 1}]}):
        p.post(where, value, "admin")
    p.post(where, {"tags": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}, "admin", note="once more")
    p.post(where, {"tags": [{"name": "z"}]})
    for query in ("limit=1", "limit=0", "limit=x", "marker=a", "marker=nope", "sort_key=name&sort_dir=desc", "sort_key=nope", "sort_dir=x",
                  "limit=2&sort_key=name&sort_dir=asc"):
        p.get(f"{where}?{query}" + ("" if "sort" in query else "&sort_key=name&sort_dir=asc"))
    p.put(f"{where}/a", {"name": "renamed"}, "admin")
    p.put(f"{where}/renamed", {"name": "b"}, "admin")
    p.put(f"{where}/renamed", {}, "admin")
    p.put(f"{where}/nope", {"name": "x"}, "admin")
    p.put(f"{where}/b", {"name": "b"})
    p.get(f"{where}/renamed")
    p.get(f"{where}/nope")
    p.delete(f"{where}/renamed")
    p.delete(f"{where}/renamed", "admin")
    p.delete(f"{where}/renamed", "admin", note="again")
    p.ask("PUT", where, "admin")
    p.delete(where)
    p.delete(where, "admin")
    p.get(where, "admin", note="none left")


def resource_types(p):
    where = f"{ROOT}/pub/resource_types"
    for who in EVERYBODY:
        p.post(where, {"name": "OS::Golden::" + (who or "none")}, who)
    p.post(where, {"name": "OS::Golden::Volume", "prefix": "vol_", "properties_target": "image"}, "admin")
    p.post(where, {"name": "OS::Golden::Volume"}, "admin", note="again")
    for value in ({}, {"name": 1}, {"name": "x" * 81}, {"name": "x", "prefix": "p" * 81}, {"name": "x", "nope": 1}, [], None):
        p.post(where, value, "admin")
    p.post(f"{ROOT}/nope/resource_types", {"name": "x"}, "admin")
    for who in EVERYBODY:
        p.get(where, who)
        p.get("/v2/metadefs/resource_types", who)
    p.get(f"{ROOT}/nope/resource_types")
    p.quiet("POST", f"{ROOT}/pub/properties", "admin", {"name": "size", "title": "Size", "type": "integer"})
    p.quiet("POST", f"{ROOT}/pub/objects", "admin", {"name": "o", "properties": {"k": {"type": "string", "title": "K"}}})
    p.get(f"{ROOT}/pub?resource_type=OS::Golden::Volume")
    p.get(f"{ROOT}/pub?resource_type=nope")
    for name in ("vol_size", "size"):
        p.get(f"{ROOT}/pub/properties/{name}?resource_type=OS::Golden::Volume")
    p.get(f"{ROOT}?resource_types=OS::Golden::Volume")
    for who in EVERYBODY[:-2]:
        p.delete(f"{where}/OS::Golden::Volume", who)
    p.delete(f"{where}/OS::Golden::Volume", "admin", body=b"{}")
    p.delete(f"{where}/OS::Golden::Volume", "admin")
    p.delete(f"{where}/OS::Golden::Volume", "admin", note="again")
    for method in ("POST", "PUT", "DELETE"):
        p.ask(method, "/v2/metadefs/resource_types", "admin")
    for method in ("GET", "PUT", "POST"):
        p.ask(method, f"{where}/OS::Golden::admin", "admin")
    p.get("/v2/metadefs")
    p.get("/v2/metadefs/nope")


def whole(p):
    value = {"namespace": "whole", "visibility": "public", "display_name": "All of it",
             "objects": [{"name": "o", "properties": {"k": {"type": "string", "title": "K"}}}],
             "properties": {"q": {"type": "boolean", "title": "Q"}}, "tags": [{"name": "t"}],
             "resource_type_associations": [{"name": "OS::Golden::Whole", "prefix": "w_"}]}
    p.post(ROOT, value, "admin")
    p.get(f"{ROOT}/whole")
    p.post(ROOT, value | {"namespace": "broken", "objects": [{"name": "o"}, {"name": "o"}]}, "admin")
    p.get(f"{ROOT}/broken", "admin")
    p.post(ROOT, value | {"namespace": "broken2", "tags": [{"name": "t"}, {"name": "t"}]}, "admin")
    p.get(f"{ROOT}/broken2", "admin")
    p.delete(f"{ROOT}/whole", "admin")
    p.get(f"{ROOT}/whole/objects", note="gone")
