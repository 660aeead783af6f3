# SPDX-License-Identifier: Apache-2.0
"""Fills the Glance of the rig: what a Glance without volumes can hold, and images on volumes by every way there."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from ...golden import wire
from ...session import check, equal, until
from ..fill import Filler
from .content import large, sent


class CloudFiller(Filler):
    """`clouds` asks Cinder."""

    LATE = Filler.LATE | {"late legacy volume": "pure3"}
    content = staticmethod(sent)

    def __init__(self, services, databases, url, web, clouds):
        super().__init__(services, databases, url, web)
        self.clouds = clouds

    def fill(self):
        self._volumes()
        self._copies()
        self._volume_locations()
        return super().fill()

    def upload(self, name, store, who="demo", **more):
        return self._new(name, who, upload=large(name), store=store, **more)

    def _volumes(self):
        for store in ("pure1", "pure2", "pure3", "pure4"):
            self.upload(f"on {store}", store)
        described = self.upload("described on pure2", "pure2", tags=["blue", "volume"], flavour="caf\u00e9", os_distro="debian",
                                protected=True, min_disk=1, min_ram=64)
        self.call.must("demo", "POST", f"/v2/images/{described}/members", {"member": self.call.projects["alt"]})
        self.call.must("alt", "PUT", f"/v2/images/{described}/members/{self.call.projects['alt']}", {"status": "accepted"})
        self.upload("hidden on pure1", "pure1", who="admin", os_hidden=True, visibility="public")
        deactivated = self.upload("deactivated on pure3", "pure3")
        self.call.must("admin", "POST", f"/v2/images/{deactivated}/actions/deactivate")
        chunked = self._new("chunked on pure3")
        put_chunked(self.call, "demo", chunked, large("chunked on pure3"), "pure3")

    def _copies(self):
        everywhere = self._new("everywhere")
        self.call.must("demo", "PUT", f"/v2/images/{everywhere}/stage", large("everywhere"))
        self.call.must("demo", "POST", f"/v2/images/{everywhere}/import", {"method": {"name": "glance-direct"}, "all_stores": True})
        self.call.settle(everywhere)
        for name, source, targets in (("copied out", "fast", ["pure1", "pure2"]), ("copied over", "pure1", ["pure3"]),
                                      ("copied back", "pure2", ["cheap"])):
            copy(self.call, self.upload(name, source), *targets)
        web = self._new("web on pure2")
        uri = f"http://127.0.0.1:{self.web}/file"
        self.call.must("demo", "POST", f"/v2/images/{web}/import", {"method": {"name": "web-download", "uri": uri}, "stores": ["pure2"]})
        self.call.settle(web)
        staged = self._new("staged for pure2")
        self.call.must("demo", "PUT", f"/v2/images/{staged}/stage", large("staged for pure2"))

    def _volume_locations(self):
        """A volume that Cinder made and Glance was told of; one whose location is from before there were several stores."""
        name = "located on pure1"
        source = self.upload(name, "pure1")
        volume = self.clouds.service_volume(self.clouds.volume_of(source), self.call.projects["demo"], len(large(name)))
        self.call.must("demo", "DELETE", f"/v2/images/{source}")
        located = self._new(name)
        self.call.must("service", "POST", f"/v2/images/{located}/locations", {"url": f"cinder://pure1/{volume}"})
        self.call.settle(located)
        self.upload("legacy volume", "pure2")
        self._forget_store("legacy volume")
        self.upload("late legacy volume", "pure3")

    def late(self):
        super().late()
        self._forget_store("late legacy volume")

    def _forget_store(self, name):
        """Locates an image on a volume as a Glance with one store wrote it."""
        image = self.ids[name]
        self.sql.append(["UPDATE image_locations SET value = :value, meta_data = '{}' WHERE image_id = :image",
                         {"value": f"cinder://{self.clouds.volume_of(image)}", "image": image}])

    def cut_short(self):
        """An upload in which Glance is killed; gives the volume it leaves attached."""
        name = "killed on pure2"
        content, image = large(name), self._new(name)
        place = urlsplit(self.call.base)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        connection.putrequest("PUT", f"/v2/images/{image}/file")
        given = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content)), "X-Image-Meta-Store": "pure2"}
        for header, value in (self.call.headers("demo") | given).items():
            connection.putheader(header, value)
        connection.endheaders(content[:len(content) // 2])

        def attached():
            return [volume["id"] for volume in self.clouds.volumes().values()
                    if volume["name"] == f"image-{image}" and volume["status"] == "in-use"]
        (volume,) = until(attached, "the volume of the upload to be attached", 60)
        equal(self.call.must("admin", "GET", f"/v2/images/{image}").get("status"), "saving", "status of the upload")
        self.services.kill()
        connection.close()
        return volume


def put_chunked(call, who, image, content, store):
    """An upload that does not say how long it is."""
    given = call.headers(who) | {"Content-Type": "application/octet-stream", "X-Image-Meta-Store": store}
    # uWSGI takes no chunk of more than 1 MiB.
    pieces = (content[at:at + (64 << 10)] for at in range(0, len(content), 64 << 10))
    answer = wire.send(call.base, "PUT", f"/v2/images/{image}/file", given, pieces, chunked=True)
    check(answer.status < 300, f"upload of unknown length: {answer.status} {answer.body[:400]!r}")


def copy(call, image, *stores):
    call.must("admin", "POST", f"/v2/images/{image}/import", {"method": {"name": "copy-image"}, "stores": list(stores)})
    call.settle(image)
