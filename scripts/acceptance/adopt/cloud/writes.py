# SPDX-License-Identifier: Apache-2.0
"""What Scurry writes to volumes, of images it adopted and of its own; and what Glance then does with those."""

from __future__ import annotations

from ...session import check, equal
from .content import large
from .fill import copy, put_chunked


def write(call, clouds, ids):
    """New ids go into `ids`."""
    for store in ("pure1", "pure4"):
        image = ids[f"ours on {store}"] = call.create("demo", f"ours on {store}", tags=["ours"])
        call.must("demo", "PUT", f"/v2/images/{image}/file", large(f"ours on {store}"), X_Image_Meta_Store=store)
    image = ids["ours chunked on pure2"] = call.create("demo", "ours chunked on pure2")
    put_chunked(call, "demo", image, large("ours chunked on pure2"), "pure2")
    image = ids["ours everywhere"] = call.create("demo", "ours everywhere")
    call.must("demo", "PUT", f"/v2/images/{image}/stage", large("ours everywhere"))
    call.must("demo", "POST", f"/v2/images/{image}/import", {"method": {"name": "glance-direct"}, "all_stores": True})
    call.settle(image)
    image = ids["ours copied out"] = call.create("demo", "ours copied out")
    call.must("demo", "PUT", f"/v2/images/{image}/file", large("ours copied out"), X_Image_Meta_Store="cheap")
    copy(call, image, "pure2", "pure3")
    copy(call, ids["on pure1"], "pure2", "fast")
    copy(call, ids["described on pure2"], "pure1")
    copy(call, ids["hidden"], "pure3")
    copy(call, ids["legacy file"], "pure1")
    _removed(call, clouds, ids)
    _described(call, ids)
    call.must("demo", "POST", f"/v2/images/{ids['staged for pure2']}/import", {"method": {"name": "glance-direct"}, "stores": ["pure2"]})
    call.settle(ids["staged for pure2"])
    # What was stuck can be used again.
    call.must("demo", "PUT", f"/v2/images/{ids['killed on pure2']}/file", large("killed on pure2"), X_Image_Meta_Store="pure2")


def _removed(call, clouds, ids):
    """Images and single copies that Glance had put on volumes."""
    for name, count in (("copied over", 2), ("on pure3", 1), ("chunked on pure3", 1), ("located on pure1", 1)):
        volumes = drop(call, clouds, ids[name])
        equal(len(volumes), count, f"volumes of {name}")
    image, volume = ids["copied out"], clouds.volume_of(ids["copied out"], "pure1")
    call.must("admin", "DELETE", f"/v2/stores/pure1/{image}")
    clouds.gone(volume)
    equal(set(call.must("demo", "GET", f"/v2/images/{image}").get("stores").split(",")), {"fast", "pure2"}, "stores of what lost a copy")


def drop(call, clouds, image):
    """Deletes an image; its volumes, which must be gone from Cinder."""
    volumes = [location["url"].rsplit("/", 1)[1] for location in call.must("admin", "GET", f"/v2/images/{image}").get("locations")
               if location["url"].startswith("cinder://")]
    check(set(volumes) <= clouds.volumes().keys(), f"volumes {volumes} of image {image}")
    call.must("demo", "DELETE", f"/v2/images/{image}")
    clouds.gone(*volumes)
    return volumes


def _described(call, ids):
    image, alt = ids["described on pure2"], call.projects["alt"]
    call.patch("demo", image, {"op": "replace", "path": "/flavour", "value": "other"}, {"op": "remove", "path": "/os_distro"},
               {"op": "add", "path": "/new", "value": "\u540d"}, {"op": "replace", "path": "/protected", "value": False})
    call.must("demo", "PUT", f"/v2/images/{image}/tags/three")
    call.must("demo", "DELETE", f"/v2/images/{image}/tags/blue")
    call.must("demo", "DELETE", f"/v2/images/{image}/members/{alt}")
    call.must("demo", "POST", f"/v2/images/{ids['on pure2']}/members", {"member": alt})
    call.must("admin", "POST", f"/v2/images/{ids['deactivated on pure3']}/actions/reactivate")


def go_on(call, clouds, ids):
    """Glance changes and removes what Scurry put on volumes."""
    equal(len(drop(call, clouds, ids["ours on pure1"])), 1, "volumes of Scurry's image")
    equal(len(drop(call, clouds, ids["ours copied out"])), 2, "volumes of Scurry's copies")
    volume = clouds.volume_of(ids["ours everywhere"], "pure2")
    call.must("admin", "DELETE", f"/v2/stores/pure2/{ids['ours everywhere']}")
    clouds.gone(volume)
    copy(call, ids["ours chunked on pure2"], "pure1")
    image = ids["on pure1 again"] = call.create("demo", "on pure1 again")
    call.must("demo", "PUT", f"/v2/images/{image}/file", large("on pure1 again"), X_Image_Meta_Store="pure1")
