# SPDX-License-Identifier: Apache-2.0
"""What real Cinder does with images besides cloning them, with Scurry as its image service."""

from __future__ import annotations

import json
import subprocess

from .. import disk
from ..session import check, equal, until
from .ground import MIB, Ground
from .services import Rig


class Volumes(Ground):
    def run(self):
        self.step("cinder_img_volume_type of an image is the type of its boot volumes", self.type_of_an_image)
        self.step("a volume becomes a qcow2 image: its bytes come through the API", self.uploaded)
        self.step("the same into the store of image_service:store_id", self.uploaded_into_a_store)
        self.step("a raw volume becomes an image by a clone, in the store of image_service:store_id", self.cloned_into_a_store)
        self.step("Cinder's image-volume cache: the second boot volume is a clone, the cache outlives the image", self.cached)
        self.step("a location cinder://<volume> of older releases is served and cloned", self.legacy_location)

    def boot(self, image_id, volume_type=None):
        """A boot volume; what Cinder did to make it."""
        words = ["--type", volume_type] if volume_type else []
        volume_id = self.user.openstack("volume", "create", "--image", image_id, *words, "--size", 1, "boot")["id"]
        self.user.volume_ready(volume_id)
        self.same_content(volume_id, "the boot volume")
        return volume_id, self.rig.how(volume_id)

    def drop(self, *volumes):
        for volume_id in volumes:
            self.admin.plain("volume", "delete", volume_id)
        until(lambda: not set(volumes) & set(self.volumes()), "the volumes to be gone", 60)

    def type_of_an_image(self):
        image_id, _ = self.upload("typed", "pure2", visibility="public", cinder_img_volume_type="pure2")
        volume_id, how = self.boot(image_id)
        equal((self.volume(volume_id)["volume_type"], how), ("pure2", "cloned"), "type of the boot volume, and how it came")
        self.drop(volume_id)
        self.delete(image_id)

    def to_image(self, volume_id, disk_format):
        """`cinder upload-to-image` of a volume; the active image."""
        made = self.admin.table("cinder", "upload-to-image", "--disk-format", disk_format, volume_id, "from a volume")
        image_id = made["image_id"]

        def active():
            image = self.admin.image(image_id)
            check(image["status"] in ("queued", "saving", "importing", "active"), f"image {image_id}: {image['status']}")
            return image if image["status"] == "active" and image["os_hash_value"] else None
        image = until(active, "the image to be active and hashed", 300)
        until(lambda: self.volume(volume_id)["status"] == "available", "the volume to be available again", 60)
        return image

    def source(self, volume_type):
        """A volume with the image's content."""
        image_id, _ = self.upload("source", "pure2", visibility="public")
        volume_id = self.admin.openstack("volume", "create", "--image", image_id, "--type", volume_type, "--size", 1,
                                         "source")["id"]
        self.admin.volume_ready(volume_id)
        self.admin.request("DELETE", f"/v2/images/{image_id}")
        return volume_id

    def holds_qcow2(self, image):
        path = self.work / "from-volume.qcow2"
        path.write_bytes(self.admin.request("GET", f"/v2/images/{image['id']}/file"))
        equal(path.stat().st_size, image["size"], "size of the download")
        subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, self.work / "back.raw"], check=True)
        equal(disk.digests(self.work / "back.raw", self.length)[1], self.sha512, "sha512 of what the qcow2 image holds")
        path.unlink()
        (self.work / "back.raw").unlink()

    def uploaded(self):
        volume_id = self.source("pure")
        image = self.to_image(volume_id, "qcow2")
        equal((image["stores"], image["disk_format"]), ("pure2", "qcow2"), "store and format")
        self.holds_qcow2(image)
        self.drop(volume_id)
        self.delete(image["id"])
        return f"{image['size'] // MIB} MiB"

    def typed(self, store):
        """A volume with the image's content, of a type whose images go to `store`."""
        self.admin.plain("volume", "type", "create", "--property", "volume_backend_name=puredriver-1",
                         "--property", f"image_service:store_id={store}", f"into-{store}")
        return self.source(f"into-{store}")

    def uploaded_into_a_store(self):
        refused = self.admin.refused("volume", "type", "set", "--property", "image_service:store_id=none-such", "pure")
        check("none-such" in refused, f"a store that does not exist: {refused}")
        volume_id = self.typed("pure3")
        image = self.to_image(volume_id, "qcow2")
        equal(image["stores"], "pure3", "store")
        self.holds_qcow2(image)
        self.drop(volume_id)
        self.delete(image["id"])
        self.admin.plain("volume", "type", "delete", "into-pure3")

    def cloned_into_a_store(self):
        volume_id = self.typed("pure1")
        image = self.to_image(volume_id, "raw")
        check(image["locations"][0]["url"].startswith("cinder://pure1/"), f"locations {image['locations']}")
        clone = self.volume_of(image["id"])
        equal((image["stores"], self.rig.how(clone)), ("pure1", "cloned"), "store, and how the image came")
        self.same_content(clone, "the image volume")
        self.drop(volume_id)
        self.delete(image["id"])
        self.admin.plain("volume", "type", "delete", "into-pure1")

    def cached(self):
        qcow2 = self.work / "cached.qcow2"
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", self.raw, qcow2], check=True)
        image_id = self.new_image("cached", disk_format="qcow2", visibility="public")
        self.admin.request("PUT", f"/v2/images/{image_id}/file", qcow2.read_bytes(),
                           {"Content-Type": "application/octet-stream", "x-image-meta-store": "pure3"})
        qcow2.unlink()
        located = self.volume_of(image_id)
        first, how = self.boot(image_id, "pure3")
        equal(how, "copied", "how the first boot volume came")

        def entries():
            found = self.volumes().values()
            return [volume["id"] for volume in found if volume["name"] == f"image-{image_id}" and volume["id"] != located]
        (entry,) = until(entries, "the cache to have a volume of the image", 60)
        until(lambda: self.volume(entry)["status"] == "available", "the cache's volume", 60)
        second, how = self.boot(image_id, "pure3")
        equal(how, "cloned", "how the second boot volume came")
        # What is Cinder's is not Scurry's to remove, although the name and the project are the same.
        self.rig.restart_image()
        self.admin.request("DELETE", f"/v2/images/{image_id}")
        until(lambda: located not in self.volumes(), "the image's volume to be gone", 60)
        equal(self.volume(entry)["status"], "available", "the cache's volume after the delete")
        self.drop(first, second, entry)
        self.consistent()

    def legacy_location(self):
        first, volume_id = self.upload("first", "pure2")
        owner = self.admin.image(first)["owner"]
        copy = self.admin.openstack("volume", "create", "--source", volume_id, "--size", 1, "--property", f"image_owner={owner}",
                                    "--property", f"image_size={self.length}", "of an older release")["id"]
        self.admin.volume_ready(copy)
        self.admin.request("DELETE", f"/v2/images/{first}")
        image_id = self.new_image("legacy", visibility="public")
        patch = [{"op": "add", "path": "/locations/-", "value": {"url": f"cinder://{copy}", "metadata": {}}}]
        self.admin.request("PATCH", f"/v2/images/{image_id}", json.dumps(patch).encode(),
                           {"Content-Type": "application/openstack-images-v2.1-json-patch"})
        image = self.admin.image(image_id)
        equal((image["status"], image["stores"], image["size"]), ("active", "pure2", self.length), "the image")
        self.downloaded(image_id)
        boot, how = self.boot(image_id, "pure2")
        equal(how, "cloned", "how the boot volume came")
        self.drop(boot)
        self.delete(image_id)
        return image["locations"][0]["url"]


def run(binary, clients, work, transport):
    rig = Rig(binary, work / "rig", transport)
    try:
        rig.start()
        Volumes(rig, clients, work).run()
        rig.stop_image()
    finally:
        rig.clear()
