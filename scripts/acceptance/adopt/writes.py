# SPDX-License-Identifier: Apache-2.0
"""What Scurry writes into the adopted database, of every kind a client can."""

from __future__ import annotations

from .fill import data


def write(call, ids, web):
    """Changes what Glance made, and makes more of it. New ids go into `ids`."""
    _new(call, ids, web)
    _old(call, ids)
    _metadefs(call)


def _new(call, ids, web):
    for name, store in (("ours", None), ("ours cheap", "cheap")):
        image = ids[name] = call.create("demo", name, tags=["ours", "caf\u00e9"], flavour="caf\u00e9")
        call.must("demo", "PUT", f"/v2/images/{image}/file", data(name), **({"X_Image_Meta_Store": store} if store else {}))
    ids["ours queued"] = call.create("alt", "ours queued", min_disk=1)
    image = ids["ours imported"] = call.create("demo", "ours imported")
    call.must("demo", "PUT", f"/v2/images/{image}/stage", data("ours imported"))
    call.must("demo", "POST", f"/v2/images/{image}/import", {"method": {"name": "glance-direct"}, "stores": ["fast", "cheap"]})
    call.settle(image)
    image = ids["ours web"] = call.create("demo", "ours web")
    call.must("demo", "POST", f"/v2/images/{image}/import", {"method": {"name": "web-download", "uri": f"http://127.0.0.1:{web}/file"}})
    call.settle(image)
    image = ids["ours located"] = call.create("demo", "ours located")
    call.must("service", "POST", f"/v2/images/{image}/locations", {"url": f"http://127.0.0.1:{web}/file?3"})
    call.settle(image)
    image = ids["ours shared"] = call.create("demo", "ours shared")
    call.must("demo", "PUT", f"/v2/images/{image}/file", data("ours shared"))
    call.must("demo", "POST", f"/v2/images/{image}/members", {"member": call.projects["alt"]})
    call.must("alt", "PUT", f"/v2/images/{image}/members/{call.projects['alt']}", {"status": "accepted"})
    image = ids["ours deleted"] = call.create("demo", "ours deleted", tags=["x"])
    call.must("demo", "PUT", f"/v2/images/{image}/file", data("ours deleted"))
    call.must("demo", "DELETE", f"/v2/images/{image}")
    task = {"import_from": f"http://127.0.0.1:{web}/file", "import_from_format": "raw",
            "image_properties": {"name": "our task", "disk_format": "raw", "container_format": "bare"}}
    call.must("admin", "POST", "/v2/tasks", {"type": "import", "input": task})


def _old(call, ids):
    call.must("admin", "POST", f"/v2/images/{ids['plain']}/import", {"method": {"name": "copy-image"}, "stores": ["cheap"]})
    call.settle(ids["plain"])
    call.must("admin", "DELETE", f"/v2/stores/fast/{ids['copied']}")
    call.must("demo", "PUT", f"/v2/images/{ids['queued']}/file", data("queued"))
    call.must("demo", "POST", f"/v2/images/{ids['staged']}/import", {"method": {"name": "glance-direct"}})
    call.settle(ids["staged"])
    call.patch("demo", ids["described"], {"op": "replace", "path": "/flavour", "value": "other"}, {"op": "remove", "path": "/os_distro"},
               {"op": "add", "path": "/new", "value": "\u540d"}, {"op": "replace", "path": "/tags", "value": ["green"]})
    call.patch("admin", ids["described"], {"op": "replace", "path": "/visibility", "value": "public"})
    for method, tag in (("PUT", "three"), ("DELETE", "two"), ("PUT", "one")):
        call.must("demo", method, f"/v2/images/{ids['tagged']}/tags/{tag}")
    call.must("alt", "PUT", f"/v2/images/{ids['shared pending']}/members/{call.projects['alt']}", {"status": "accepted"})
    call.must("demo", "DELETE", f"/v2/images/{ids['shared rejected']}/members/{call.projects['alt']}")
    call.must("demo", "POST", f"/v2/images/{ids['unshared']}/members", {"member": call.projects["alt"]})
    call.must("admin", "POST", f"/v2/images/{ids['deactivated']}/actions/reactivate")
    call.must("admin", "POST", f"/v2/images/{ids['cheap']}/actions/deactivate")
    call.must("demo", "DELETE", f"/v2/images/{ids['community']}")
    # What was stuck can be used again.
    call.must("demo", "PUT", f"/v2/images/{ids['stuck saving']}/file", data("stuck saving"))
    call.must("demo", "DELETE", f"/v2/images/{ids['stuck importing']}")


def _metadefs(call):
    root = "/v2/metadefs/namespaces"
    call.must("admin", "POST", root, {"namespace": "Adopt::Ours", "visibility": "public", "tags": [{"name": "t"}],
                                      "resource_type_associations": [{"name": "OS::Cinder::Volume"}],
                                      "properties": {"p": {"title": "P", "type": "boolean"}}})
    call.must("admin", "PUT", f"{root}/Adopt::One/objects/Thing", {"name": "Other", "properties": {"b": {"title": "B", "type": "number"}}})
    call.must("admin", "DELETE", f"{root}/Adopt::One/properties/names")
    call.must("admin", "POST", f"{root}/Adopt::One/tags/best")
    call.must("admin", "PUT", f"{root}/Adopt::Two", {"namespace": "Adopt::Two", "protected": False})
    call.must("admin", "DELETE", f"{root}/Adopt::Two")
