# SPDX-License-Identifier: Apache-2.0
"""The twelve steps of the acceptance session, each checked by value."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from pathlib import Path

from . import disk
from .session import Cloud, check, equal, until

TYPES = {
    "pure": {"volume_backend_name": "puredriver-1"},
    "pure2": {"volume_backend_name": "puredriver-2"},
    "pure3": {"volume_backend_name": "puredriver-3"},
    "replicated": {"replication_enabled": "<is> True", "replication_type": "<in> sync"},
}
STORES = {"pure1": "pure", "pure2": "pure2", "pure3": "pure3", "pure4": "replicated"}
# A clone writes rows of a database and a file header, never the image.
CLONE_BYTES = 24 << 20


class Walkthrough:
    def __init__(self, admin: Cloud, user: Cloud, work: Path, qcow2: Path, server=None, *, system: Cloud | None = None,
                 rig=None):
        self.admin, self.user, self.work, self.qcow2, self.server = admin, user, work, qcow2, server
        # Whoever may set limits; the real services, where they are on this machine.
        self.system, self.rig = system or admin, rig
        self.raw, self.image_id, self.boots, self.volumes, self.count = None, None, {}, {}, 0

    @contextmanager
    def step(self, text):
        self.count += 1
        begun, facts = time.monotonic(), []
        try:
            yield facts.append
        except Exception:
            print(f"FAIL  {self.count:2}. {text}", flush=True)
            raise
        print(f"ok    {self.count:2}. {text} ({time.monotonic() - begun:.1f} s)"
              + "".join(f"\n          {fact}" for fact in facts), flush=True)

    def run(self):
        self.services()
        self.types()
        self.stores()
        self.make_image()
        self.upload()
        self.image_volume()
        self.boot_here_and_elsewhere()
        self.copy_everywhere()
        self.boot_everywhere()
        self.quota()
        self.delete()
        if not self.rig:
            self.replica()
        self.volume_to_image()
        self.nothing_left()

    def services(self):
        with self.step("openstack volume service list: scheduler and three backends, up") as see:
            services = self.admin.openstack("volume", "service", "list")
            backends = sorted(service["Host"].split("@")[1] for service in services
                              if service["Binary"] == "cinder-volume")
            equal(backends, ["puredriver-1", "puredriver-2", "puredriver-3"], "backends")
            equal([service["Binary"] for service in services].count("cinder-scheduler"), 1, "schedulers")
            for service in services:
                equal((service["Status"], service["State"]), ("enabled", "up"), service["Binary"])
            see(", ".join(sorted(service["Host"] for service in services)))

    def types(self):
        with self.step("openstack volume type list --long: four types and __DEFAULT__") as see:
            listed = {row["Name"]: row["Properties"] for row in self.admin.openstack("volume", "type", "list", "--long")}
            check("__DEFAULT__" in listed, f"__DEFAULT__ is not among {sorted(listed)}")
            for name, specs in TYPES.items():
                check(name in listed, f"volume type {name} is not among {sorted(listed)}")
                for key, value in specs.items():
                    equal(listed[name].get(key), value, f"{key} of volume type {name}")
            see(", ".join(sorted(listed)))

    def stores(self):
        with self.step("glance stores-info: pure1..pure4, default pure2") as see:
            table = self.admin.table("glance", "stores-info")
            stores = {store["id"]: store for store in json.loads(table["stores"].replace("\n", " "))}
            equal(sorted(stores), sorted(STORES), "stores")
            equal([name for name, store in stores.items() if "default" in store], ["pure2"], "default stores")
            equal(stores["pure2"]["default"], "true", "the default mark")
            check("Pure Replicated" in stores["pure4"]["description"], f"description of pure4: {stores['pure4']}")
            listed = self.admin.openstack("image", "stores", "list")
            equal(sorted(row["ID"] if "ID" in row else row["id"] for row in listed), sorted(STORES), "image stores list")
            see(", ".join(f"{name} ({store['description']})" for name, store in stores.items()))

    def make_image(self):
        with self.step("a disk image is made RAW with qemu-img") as see:
            self.raw = disk.make_raw(self.qcow2, self.work / "x.raw")
            self.length = self.raw.stat().st_size
            self.md5, self.sha512 = disk.digests(self.raw)
            see(f"{self.length} bytes, {disk.allocated(self.work)} allocated, md5 {self.md5}")

    def create(self, name, *options):
        created = self.admin.openstack("image", "create", "--public", "--container-format", "bare", "--disk-format",
                                       "raw", "--file", self.raw, *options, name)
        return created["id"]

    def upload(self):
        with self.step("openstack image create --file x.raw: active, with its digests, in pure2") as see:
            self.image_id = self.create("Ubuntu 20.04")
            shown = self.admin.openstack("image", "show", self.image_id)
            equal(shown["status"], "active", "status")
            equal(shown["size"], self.length, "size")
            properties = shown["properties"]
            equal(shown.get("virtual_size", properties.get("virtual_size")), self.length, "virtual_size")
            equal(shown["checksum"], self.md5, "checksum")
            equal(properties["os_hash_algo"], "sha512", "os_hash_algo")
            equal(properties["os_hash_value"], self.sha512, "os_hash_value")
            equal(properties["stores"], "pure2", "stores")
            locations = self.admin.image(self.image_id)["locations"]
            equal(len(locations), 1, "number of locations")
            equal(locations[0]["metadata"], {"store": "pure2"}, "metadata of the location")
            match = re.fullmatch(r"cinder://pure2/([0-9a-f-]{36})", locations[0]["url"])
            check(match, f"location {locations[0]['url']}")
            self.volumes["pure2"] = match[1]
            see(f"{self.image_id} in {locations[0]['url']}")

    def image_volume(self):
        with self.step("cinder show: the image volume") as see:
            volume = self.admin.table("cinder", "show", self.volumes["pure2"])
            equal(volume["name"], f"image-{self.image_id}", "name")
            owner = self.admin.image(self.image_id)["owner"]
            for fact in (f"glance_image_id : {self.image_id}", f"image_owner : {owner}",
                         f"image_size : {self.length}", "readonly : True"):
                check(fact in volume["metadata"], f"{fact!r} is not in metadata {volume['metadata']!r}")
            equal(volume["volume_type"], "pure2", "volume_type")
            check(re.fullmatch(r"[^@]+@puredriver-2#puredriver-2", volume["os-vol-host-attr:host"]),
                  f"host {volume['os-vol-host-attr:host']}")
            equal(int(volume["size"]), -(-self.length // (1 << 30)), "size in GiB")
            equal(volume["status"], "available", "status")
            equal(volume["bootable"].lower(), "false", "bootable")
            check(volume["os-vol-tenant-attr:tenant_id"] not in ("", owner), "the image volume is the user's own")
            see(f"host {volume['os-vol-host-attr:host']}, tenant {volume['os-vol-tenant-attr:tenant_id']}")

    def boot(self, cloud, name, volume_type, clone, see, image_id=None):
        """Makes a boot volume and checks how it came about and what it holds."""
        size = max(5, -(-self.length // (1 << 30)) + 2)
        before = self.server.written() if self.server else None
        begun = time.monotonic()
        volume_id = cloud.openstack("volume", "create", "--image", image_id or self.image_id, "--type", volume_type,
                                    "--size", size, name)["id"]
        volume = cloud.volume_ready(volume_id)
        seconds = time.monotonic() - begun
        written = self.server.written()[1] - before[1] if self.server else None
        found = (volume["size"], str(volume["bootable"]).lower(), volume["type"])
        equal(found, (size, "true", volume_type), f"size, bootable and type of volume {name}")
        equal(volume["volume_image_metadata"]["image_id"], image_id or self.image_id, f"image of volume {name}")
        if self.rig:
            equal(self.rig.how(volume_id), "cloned" if clone else "copied", f"how Cinder made {name}")
        if written is not None:
            if clone:
                check(written < CLONE_BYTES, f"{name}: a clone wrote {written} bytes")
            else:
                check(written > CLONE_BYTES, f"{name}: a copy wrote only {written} bytes")
        self.same_content(cloud, volume_id, name)
        self.boots[name] = (cloud, volume_id)
        how = "cloned" if clone else "copied"
        cost = "" if written is None else f", {written} bytes written"
        see(f"{name} ({volume_type}): {how}, {seconds:.1f} s with the client's starts{cost}")

    def same_content(self, cloud, volume_id, what):
        path = cloud.export_volume(volume_id, self.work / "export")
        _, sha512 = disk.digests(path, self.length)
        path.unlink()
        equal(sha512, self.sha512, f"sha512 of {what}")

    def boot_here_and_elsewhere(self):
        with self.step("boot volumes: an instant clone on the image's backend, a copy on another") as see:
            self.boot(self.user, "boot1", "pure2", True, see)
            self.boot(self.user, "boot-copied", "pure", False, see)

    def copy_image(self, *options):
        self.admin.run(self.admin.clients / "glance", "image-import", self.image_id, *options, "--import-method",
                       "copy-image")

        def done():
            image = self.admin.image(self.image_id)
            failed = image.get("os_glance_failed_import")
            check(not failed, f"copies failed: {failed}")
            lock = image.get("os_glance_import_task")
            return image if not image.get("os_glance_importing_to_stores") and not lock else None
        return until(done, "the copies", 900)

    def copy_everywhere(self):
        with self.step("glance image-import copy-image: to one store, then to all") as see:
            image = self.copy_image("--stores", "pure1")
            equal(sorted(image["stores"].split(",")), ["pure1", "pure2"], "stores")
            image = self.copy_image("--all-stores", "true")
            equal(sorted(image["stores"].split(",")), sorted(STORES), "stores")
            shown = self.admin.table("glance", "image-show", self.image_id)
            equal(shown["os_glance_importing_to_stores"], "", "os_glance_importing_to_stores")
            equal(shown["os_glance_failed_import"], "", "os_glance_failed_import")
            equal(len(image["locations"]), 4, "number of locations")
            for location in image["locations"]:
                store = location["metadata"]["store"]
                self.volumes[store] = location["url"].rsplit("/", 1)[1]
                volume = self.admin.openstack("volume", "show", self.volumes[store])
                equal(volume["type"], STORES[store], f"volume type of the copy in {store}")
                self.same_content(self.admin, self.volumes[store], f"the copy in {store}")
            see(f"stores {image['stores']}, each copy read back: sha512 {self.sha512[:16]}…")

    def boot_everywhere(self):
        with self.step("boot volumes of the other types: instant clones") as see:
            for volume_type in ("pure", "pure3", "replicated"):
                self.boot(self.user, f"boot-{volume_type}", volume_type, True, see)

    def set_limit(self, resource, value):
        limits = self.system.openstack("registered", "limit", "list")
        row = next(row for row in limits if row["Resource Name"] == resource)
        self.system.plain("registered", "limit", "set", "--default-limit", value, row["ID"], "-f", "json")
        return row["Default Limit"]

    def quota(self):
        with self.step("quota: an upload over the registered limit gets 413 with its reason") as see:
            names = {row["Resource Name"] for row in self.admin.openstack("registered", "limit", "list")}
            expected = {"image_size_total", "image_stage_total", "image_count_total", "image_count_uploading"}
            check(expected <= names, f"registered limits {sorted(names)}")
            project = self.admin.openstack("token", "issue")["project_id"]
            usage = 4 * (self.length // (1 << 20))
            limit = usage // 2
            before = self.set_limit("image_size_total", limit)
            small = self.work / "small.raw"
            small.write_bytes(b"x" * 4096)
            try:
                def attempt():
                    text = self.admin.refused("image", "create", "--container-format", "bare", "--disk-format", "raw",
                                              "--file", small, "over-limit")
                    found = re.search(r"Project (\w+) is over a limit for \[Resource image_size_total is over limit "
                                      r"of (\d+) due to current usage (\d+) and delta (\d+)\]", text)
                    check(found and "413" in text, f"the refusal says: {text}")
                    return found if int(found[2]) == limit else None
                found = until(attempt, "the new limit to be known", 90, 1)
                equal(found[1], project, "project in the refusal")
                equal(found[4], "0", "delta in the refusal")
                check(abs(int(found[3]) - usage) <= 4, f"usage in the refusal: about {usage} expected, {found[3]} found")
                see(found[0])
            finally:
                self.set_limit("image_size_total", before)
                small.unlink()
                for row in self.admin.openstack("image", "list", "--name", "over-limit"):
                    self.admin.plain("image", "delete", row["ID"])

    def gone(self, volume_id):
        def probe():
            return self.admin.run(self.admin.clients / "openstack", "volume", "show", volume_id, ok=False).returncode
        until(probe, f"volume {volume_id} to be gone", 120)

    def delete(self):
        with self.step("openstack image delete: its volumes are gone, boot volumes live on") as see:
            self.admin.plain("image", "delete", self.image_id)
            for volume_id in self.volumes.values():
                self.gone(volume_id)
            for name, (cloud, volume_id) in self.boots.items():
                self.same_content(cloud, volume_id, name)
            see(f"{len(self.volumes)} image volumes gone, {len(self.boots)} boot volumes unharmed")

    def replica(self):
        with self.step("one image in pure4, instant clones on both backends that hold the replica") as see:
            image_id = self.admin.table("glance", "image-create", "--name", "replicated image", "--visibility", "public",
                                        "--container-format", "bare", "--disk-format", "raw", "--store", "pure4",
                                        "--file", self.raw)["id"]
            equal(self.admin.image(image_id)["stores"], "pure4", "stores")
            self.boot(self.user, "boot-primary", "pure3", True, see, image_id)
            self.boot(self.user, "boot-replica", "pure2", True, see, image_id)
            self.admin.plain("image", "delete", image_id)

    def volume_to_image(self):
        with self.step("a volume becomes an image by a clone, in the store of its own backend") as see:
            _, volume_id = self.boots["boot-pure"]
            image_id = self.user.table("cinder", "upload-to-image", "--disk-format", "raw", volume_id,
                                       "from volume")["image_id"]
            image = until(lambda: self.active(image_id), "the image to be active", 300)
            equal(image["stores"], "pure1", "stores")
            clone = image["locations"][0]["url"].rsplit("/", 1)[1]
            # Active at once, hashed in the background: until then the image service has the volume attached.
            until(lambda: self.admin.image(image_id)["os_hash_value"], "the image to be hashed", 300)
            self.same_content(self.admin, clone, "the image volume")
            self.user.plain("image", "delete", image_id)
            self.gone(clone)
            see(f"{image_id} in {image['locations'][0]['url']}, {image['size']} bytes")

    def active(self, image_id):
        image = self.admin.image(image_id)
        check(image["status"] in ("queued", "saving", "importing", "active"), f"image {image_id}: {image['status']}")
        return image if image["status"] == "active" else None

    def nothing_left(self):
        with self.step("nothing is left over when everything is deleted") as see:
            for cloud, volume_id in self.boots.values():
                cloud.plain("volume", "delete", volume_id)
            until(lambda: not self.admin.openstack("volume", "list", "--all-projects"), "all volumes to be gone", 120)
            equal(self.admin.openstack("image", "list"), [], "images")
            attachments = json.loads(self.admin.request("GET", "/attachments?all_tenants=1", service="block-storage",
                                                        headers={"OpenStack-API-Version": "volume 3.54"}))
            equal(attachments["attachments"], [], "attachments")
            if self.server or self.rig:
                left = self.rig.leftovers() if self.rig else leftovers(self.server.data_dir)
                equal(left, [], "files of images and volumes")
            see("no volume, attachment, image or file")


def leftovers(data_dir):
    """Files of volumes, images, stages and temporaries that still lie in a data directory."""
    data_dir = Path(data_dir)
    keep = re.compile(r"\.(db|db-wal|db-shm|conf|yaml|json|lock|log|key)$|openrc$|^\.lock$|^lock$")
    return sorted(str(path.relative_to(data_dir)) for path in data_dir.rglob("*")
                  if path.is_file() and not keep.search(path.name))


