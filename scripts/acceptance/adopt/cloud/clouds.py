# SPDX-License-Identifier: Apache-2.0
"""What Cinder, the pools and the directories hold, read past both image services."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from ...rig.clouds import Clouds
from ...rig.places import BACKENDS
from ...session import Cloud, Failure, check, equal, until
from .content import sent, sha512

STORES = ("fast", "cheap")
# Where the filler puts a volume that never was.
NO_STORE = "cinder://pure/"


class Ground(Clouds):
    """`lost` are names of images whose bytes are nowhere; `tables` and `url` lead to Glance's database."""

    def __init__(self, rig, clients, work, tables, url, lost):
        super().__init__(rig, clients, work)
        self.tables, self.url, self.lost = tables, url, lost
        self.service = Cloud(clients, rig.places.openrc("glance", "service"), rig.binary)

    def rows(self, sql, **values):
        return self.tables.ask("run", self.url, given=[[sql, values]])

    def volume_of(self, image, store=None):
        for (url,) in self.rows("SELECT value FROM image_locations WHERE image_id = :image AND status = 'active'", image=image):
            if url.startswith(f"cinder://{store or ''}"):
                return url.rsplit("/", 1)[1]
        raise Failure(f"image {image} has no volume in {store or 'any store'}")

    def service_volume(self, source, owner, length):
        """A copy of a volume, of the image service's project, marked as an image's."""
        made = self.service.openstack("volume", "create", "--source", source, "--size", 1, "--property", f"image_owner={owner}",
                                      "--property", f"image_size={length}", "of another's making")["id"]
        self.service.volume_ready(made)
        return made

    def object(self, url):
        """The file behind a location; of a volume, the one its backend keeps."""
        if url.startswith("file://"):
            return Path(url.removeprefix("file://"))
        name = f"volume-{url.rsplit('/', 1)[1]}"
        found = [path for backend in BACKENDS if (path := self.rig.places.pool(backend) / name).exists()]
        check(found, f"no pool has {name}")
        return found[0]

    def holds(self, url, length):
        """The sha512 of what an object begins with."""
        with open(self.object(url), "rb") as file:
            return sha512(file.read(length))

    def every_copy(self, call, ids):
        """Downloads each image from each of its stores, reads each copy where it lies, and compares both with what was sent."""
        names, copies, volumes = {image: name for name, image in ids.items()}, 0, 0
        images = [image for (image,) in self.rows("SELECT id FROM images WHERE deleted = 0 AND status IN ('active', 'deactivated')")]
        for image in images:
            name = names.get(image)
            if name in self.lost:
                continue
            shown = call.must("admin", "GET", f"/v2/images/{image}").json
            expected = sha512(sent(name)) if name else shown["os_hash_value"]
            check(expected and shown.get("os_hash_value") in (None, expected), f"sha512 of {name or image}: {shown.get('os_hash_value')}")
            check(shown["locations"] or name == "empty", f"{name or image} has no location")
            for location in shown["locations"]:
                store = location["metadata"]["store"]
                got = call.must("admin", "GET", f"/v2/images/{image}/file?prefer={store}").body
                equal((len(got), sha512(got)), (shown["size"], expected), f"{name or image} downloaded from {store}")
                if not location["url"].startswith("http"):
                    equal(self.holds(location["url"], shown["size"]), expected, f"{name or image} in {location['url']}")
                copies, volumes = copies + 1, volumes + location["url"].startswith("cinder:")
        return f"{len(images)} images, {copies} copies, {volumes} of them volumes"

    def boot(self, image, name, volume_type):
        """A boot volume of the user's own, which must be a clone with the image's bytes; it is removed again."""
        made = self.user.openstack("volume", "create", "--image", image, "--type", volume_type, "--size", 1, "boot")["id"]
        self.user.volume_ready(made)
        equal(self.rig.how(made), "cloned", f"how Cinder made a boot volume of {name} on {volume_type}")
        content = sent(name)
        equal(self.holds(f"cinder://{made}", len(content)), sha512(content), f"bytes of the boot volume of {name}")
        self.admin.plain("volume", "delete", made)
        self.gone(made)

    def gone(self, *volumes):
        until(lambda: not set(volumes) & self.volumes().keys(), f"volumes {', '.join(volumes)} to be gone from Cinder", 60)

    def unknown(self):
        """What no image knows, and locations of volumes that lead to none."""
        urls = [url for (url,) in self.rows("SELECT value FROM image_locations WHERE status != 'deleted'")]
        located = {url.rsplit("/", 1)[1] for url in urls if url.startswith("cinder://") and not url.startswith(NO_STORE)}
        named = {url.removeprefix("file://") for url in urls if url.startswith("file://")}
        staged = {image for (image,) in self.rows("SELECT id FROM images WHERE deleted = 0 AND status = 'uploading'")}
        volumes, data = self.volumes(), self.rig.places.dir("glance")
        pools = {f"volume-{volume}" for volume in located}
        loops = subprocess.run(["losetup", "-n", "-O", "BACK-FILE"], capture_output=True, text=True, check=True).stdout.split()
        held = [Path(file).name for file in loops if file.startswith(f"{self.rig.places.work}/pools/")]
        found = {"volumes": volumes.keys() - located, "volumes that are not there": located - volumes.keys(),
                 "volumes that are not available": {name for name, volume in volumes.items() if volume["status"] != "available"},
                 "attached volumes": {one["volume_id"] for one in self.attachments()}, "devices": set(held),
                 "files in the pools": set(self.rig.leftovers()) - pools,
                 "files in the stores": {str(path) for store in STORES for path in (data / store).rglob("*") if path.is_file()} - named,
                 "staged files": {path.name for path in (data / "staging").iterdir()} - staged,
                 "files of tasks": {path.name for path in (data / "tasks_work_dir").iterdir()}}
        return {what: sorted(names) for what, names in found.items() if names}

    def nothing_left(self, before):
        """No more is unknown than when Glance handed over."""
        deadline = time.monotonic() + 60
        while (now := self.unknown()) != before and time.monotonic() < deadline:
            time.sleep(1)
        equal(now, before, "what no image knows")
        return f"{len(self.volumes())} volumes; as Glance left them: " + ", ".join(f"{len(names)} {what}" for what, names in before.items())
