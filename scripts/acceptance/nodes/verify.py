# SPDX-License-Identifier: Apache-2.0
"""What must hold when nothing goes on any more."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

from ..crash import Crash
from ..session import Cloud, check, equal, until
from ..walkthrough import leftovers
from .cluster import FILE_STORES

# What is under way, by table.
BUSY = {
    "jobs": "SELECT id, kind, state, image_id, attempts, last_error FROM scurry_jobs WHERE state IN ('pending', 'running')",
    "writes": "SELECT id, image_id, store_id, url, node, purpose FROM scurry_writes",
    "tasks": "SELECT id, status, image_id FROM tasks WHERE status IN ('pending', 'processing')",
    "images": "SELECT id, status FROM images WHERE status IN ('saving', 'importing', 'uploading')",
    "holds": "SELECT image_id, name, value FROM image_properties WHERE {live} AND ("
             "name = 'os_glance_import_task' OR (name = 'os_glance_importing_to_stores' AND value <> ''))",
    "staged": "SELECT image_id, node FROM scurry_staged",
}


def busy(database):
    """Rows of what is under way; nothing when all is quiet."""
    live = "NOT deleted"
    found = {name: database.rows("glance", sql.format(live=live)) for name, sql in BUSY.items()}
    return {name: rows for name, rows in found.items() if rows}


def quiet(database, seconds):
    last = {}

    def probe():
        last.clear()
        last.update(busy(database))
        return not last
    try:
        until(probe, "all to come to its end", seconds, 1)
    except Exception:
        print("still under way:\n" + json.dumps(last, indent=1), flush=True)
        raise


class Verification:
    def __init__(self, cluster, client, work, clients, binary):
        self.cluster, self.client, self.work = cluster, client, work
        self.cloud = Cloud(clients, cluster.variables, binary)
        self.ends, self.reasons, self.located = Counter(), Counter(), {}

    def run(self):
        for image_id, sha512 in self.work.wanted.items():
            self.image(image_id, sha512)
        for image_id in self.work.deleted:
            equal(self.client.image(image_id), None, f"deleted image {image_id}")
        self.stores()

    def image(self, image_id, sha512):
        image = self.client.image(image_id)
        check(image, f"image {image_id} is gone although nobody deleted it")
        self.ends[image["status"]] += 1
        tasks = self.client.tasks(image_id)
        for task in tasks:
            check(task["status"] in ("success", "failure"), f"task of {image_id}: {task}")
            if task["status"] == "failure":
                check(task["message"], f"a task of image {image_id} failed without a reason: {task}")
                self.reasons[task["message"][:160]] += 1
        if image["status"] != "active":
            failed = [task for task in tasks if task["status"] == "failure"]
            check(image["status"] == "queued" and failed, f"image {image_id} is {image['status']} without a reason")
            equal((image["locations"], image["checksum"]), ([], None), f"locations and checksum of {image_id}")
            return
        equal(image["os_hash_value"], sha512, f"os_hash_value of {image_id}")
        check(image["locations"], f"active image {image_id} has no location")
        for node in self.cluster.nodes:
            status, body = node.request("GET", f"/v2/images/{image_id}/file", headers=self.client.headers())
            equal((status, hashlib.sha512(body).hexdigest()), (200, sha512), f"image {image_id} by node {node.number}")
        for location in image["locations"]:
            self.copy(image, location["url"], sha512)

    def copy(self, image, url, sha512):
        check(url not in self.located, f"{url} is of two images: {image['id']} and {self.located.get(url)}")
        self.located[url] = image["id"]
        if url.startswith("file://"):
            found = Path(url.removeprefix("file://")).read_bytes()
        else:
            found = self.volume(url.rsplit("/", 1)[1], image["size"])
        equal(hashlib.sha512(found).hexdigest(), sha512, f"sha512 of {url} of image {image['id']}")

    def let_go(self):
        volumes, attachments = self.cluster.volumes()
        return not attachments and set(volumes.values()) <= {"available"}

    def volume(self, volume_id, length):
        """The beginning of a volume: of its file where that is all of it, else as a connector reads it."""
        flat = list(self.cluster.up.data_dir.glob(f"pools/*/volume-{volume_id}"))
        if flat:
            with open(flat[0], "rb") as file:
                return file.read(length)
        path = self.cloud.export_volume(volume_id, self.cluster.work / "export")
        with open(path, "rb") as file:
            path.unlink()
            return file.read(length)

    def stores(self):
        """Every object is a location's, nothing is attached, nothing staged."""
        volumes = {url.rsplit("/", 1)[1] for url in self.located if url.startswith("cinder://")}
        equal(set(self.cluster.volumes()[0]), volumes, "volumes, and those of the images")
        # A reader lets go of its volume a moment after the last byte.
        until(self.let_go, "all volumes to be available", 60, 1)
        files = {url.removeprefix("file://") for url in self.located if url.startswith("file://")}
        found = {str(path) for store in FILE_STORES for path in (self.cluster.work / store).rglob("*") if path.is_file()}
        equal(found, files, "files in the stores, and those of the images")
        staged = [str(path) for area in self.cluster.work.glob("staging-*") for path in area.rglob("*")]
        equal(staged, [], "files in the staging areas")
        for name in leftovers(self.cluster.up.data_dir):
            path = self.cluster.up.data_dir / name
            used = Crash.layer_used(path) if path.name.startswith("layer-") else any(
                volume_id in path.name for volume_id in volumes)
            check(used, f"{name} belongs to no image")
