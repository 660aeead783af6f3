# SPDX-License-Identifier: Apache-2.0
"""Fills a Glance with everything there can be: through its API, and by SQL what only an accident leaves behind."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta

from ..session import until

MIB = 1 << 20


def data(word, length=MIB // 4):
    """Bytes that are no disk format."""
    block = hashlib.sha512(word.encode()).digest()
    return (block * (length // len(block) + 1))[:length]


class Filler:
    """Images by what they are for; their ids are in `ids`."""

    # Those of `late`, and the stores they are in.
    LATE = {"late legacy": "fast", "late renamed": "fast"}
    content = staticmethod(data)

    def __init__(self, services, databases, url, web):
        self.call, self.services = services.caller(), services
        self.databases, self.url, self.web = databases, url, web
        self.ids, self.sql = {}, []

    def fill(self):
        self._images()
        self._shared()
        self._imports()
        self._locations()
        self._tasks()
        self._metadefs()
        self._accidents()
        self.databases.ask("run", self.url, given=self.sql)
        return self.ids

    def _new(self, name, who="demo", upload=None, store=None, **more):
        image = self.ids[name] = self.call.create(who, name, **more)
        if upload is not None:
            extra = {"X_Image_Meta_Store": store} if store else {}
            self.call.must(who, "PUT", f"/v2/images/{image}/file", upload, **extra)
        return image

    def _images(self):
        self._new("queued")
        self._new("plain", upload=data("plain"))
        self._new("cheap", upload=data("cheap"), store="cheap")
        self._new("empty", upload=b"")
        self._new("public", "admin", upload=data("public"), visibility="public", tags=["blue", "caf\u00e9"])
        self._new("community", upload=data("community"), visibility="community")
        self._new("private", "alt", upload=data("private"), visibility="private")
        self._new("hidden", upload=data("hidden"), os_hidden=True)
        self._new("protected", upload=data("protected"), protected=True, min_disk=3, min_ram=512)
        self._new("described", upload=data("described"), flavour="caf\u00e9", long="x" * 3000, empty="", tags=["blue", "red"],
                  os_distro="debian", architecture="x86_64")
        self._new("no formats", disk_format=None, container_format=None)
        self._new("renamed", upload=data("renamed"))
        self.call.patch("demo", self.ids["renamed"], {"op": "replace", "path": "/name", "value": "\u540d\u524d"},
                        {"op": "add", "path": "/note", "value": "1"})
        self.call.patch("demo", self.ids["renamed"], {"op": "remove", "path": "/note"})
        deactivated = self._new("deactivated", upload=data("deactivated"))
        self.call.must("admin", "POST", f"/v2/images/{deactivated}/actions/deactivate")
        deleted = self._new("deleted", upload=data("deleted"), tags=["gone"], gone="yes")
        self.call.must("demo", "DELETE", f"/v2/images/{deleted}")
        tagged = self._new("tagged")
        for method, tag in (("PUT", "one"), ("PUT", "two"), ("DELETE", "one")):
            self.call.must("demo", method, f"/v2/images/{tagged}/tags/{tag}")

    def _shared(self):
        for name, status in (("shared pending", None), ("shared accepted", "accepted"), ("shared rejected", "rejected")):
            image = self._new(name, upload=data(name))
            self.call.must("demo", "POST", f"/v2/images/{image}/members", {"member": self.call.projects["alt"]})
            if status:
                self.call.must("alt", "PUT", f"/v2/images/{image}/members/{self.call.projects['alt']}", {"status": status})
        image = self._new("unshared", upload=data("unshared"))
        self.call.must("demo", "POST", f"/v2/images/{image}/members", {"member": self.call.projects["alt"]})
        self.call.must("demo", "DELETE", f"/v2/images/{image}/members/{self.call.projects['alt']}")

    def _imports(self):
        direct = self._new("imported")
        self.call.must("demo", "PUT", f"/v2/images/{direct}/stage", data("imported"))
        self.call.must("demo", "POST", f"/v2/images/{direct}/import",
                       {"method": {"name": "glance-direct"}, "stores": ["fast", "cheap"], "all_stores_must_succeed": False})
        self.call.settle(direct)
        web = self._new("downloaded")
        self.call.must("demo", "POST", f"/v2/images/{web}/import",
                       {"method": {"name": "web-download", "uri": f"http://127.0.0.1:{self.web}/file"}})
        self.call.settle(web)
        copied = self._new("copied", upload=data("copied"))
        self.call.must("admin", "POST", f"/v2/images/{copied}/import", {"method": {"name": "copy-image"}, "stores": ["cheap"]})
        self.call.settle(copied)
        staged = self._new("staged")
        self.call.must("demo", "PUT", f"/v2/images/{staged}/stage", data("staged"))

    def _locations(self):
        web = f"http://127.0.0.1:{self.web}/file"
        patched = self._new("web location")
        self.call.patch("demo", patched, {"op": "add", "path": "/locations/-", "value": {"url": web, "metadata": {"note": "mine"}}})
        posted = self._new("posted location")
        self.call.must("service", "POST", f"/v2/images/{posted}/locations", {"url": web + "?2"})
        self.call.settle(posted)

    def _tasks(self):
        for name, address in (("good", "file"), ("bad", "nowhere")):
            task = {"import_from": f"http://127.0.0.1:{self.web}/{address}", "import_from_format": "raw",
                    "image_properties": {"name": "task " + name, "disk_format": "raw", "container_format": "bare"}}
            made = self.call.must("admin", "POST", "/v2/tasks", {"type": "import", "input": task}).get("id")
            # Glance on SQLite has no patience with two writers.
            until(lambda made=made: self.call.must("admin", "GET", f"/v2/tasks/{made}").get("status") in ("success", "failure"), "a task")

    def _metadefs(self):
        space = {"namespace": "Adopt::One", "display_name": "One", "description": "of the session", "visibility": "public",
                 "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}, {"name": "OS::Nova::Server"}],
                 "properties": {"cores": {"title": "Cores", "type": "integer", "minimum": 1, "default": 2, "operators": ["<or>"]},
                                "names": {"title": "Names", "type": "array", "items": {"type": "string", "enum": ["a", "b"]}}},
                 "objects": [{"name": "Thing", "description": "a thing", "required": ["a"], "properties": {"a": {"title": "A", "type": "string"}}}],
                 "tags": [{"name": "good"}, {"name": "better"}]}
        self.call.must("admin", "POST", "/v2/metadefs/namespaces", space)
        self.call.must("admin", "POST", "/v2/metadefs/namespaces", {"namespace": "Adopt::Two", "visibility": "private", "protected": True})

    def _row(self, table, **columns):
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        self.sql.append([f"INSERT INTO {table} ({names}) VALUES ({marks})", columns])

    def accident(self, name, status, properties=(), locations=(), size=None, deleted=False, who="demo", **columns):
        """An image as a row."""
        image, then = str(uuid.uuid4()), _time(-3)
        self.ids[name] = image
        gone = {"deleted": deleted, "deleted_at": then if deleted else None}
        whole = {"disk_format": "raw", "container_format": "bare", "min_disk": 0, "min_ram": 0, "protected": False, "size": size,
                 "visibility": "shared", "os_hidden": False, "owner": self.call.projects[who]}
        self._row("images", id=image, name=name, status=status, created_at=then, updated_at=then, **gone, **(whole | columns))
        for key, value in properties:
            self._row("image_properties", image_id=image, name=key, value=value, created_at=then, updated_at=then, **gone)
        for value, metadata, state in locations:
            self._row("image_locations", image_id=image, value=value, meta_data=metadata, status=state, created_at=then, updated_at=then, **gone)
        return image

    def task(self, image, status, kind="api_image_import"):
        """A task as rows."""
        task, then = str(uuid.uuid4()), _time(-3)
        self._row("tasks", id=task, type=kind, status=status, owner=self.call.projects["demo"], created_at=then, updated_at=then, deleted=False,
                  image_id=image, user_id="u", request_id="req-" + str(uuid.uuid4()))
        what = {"image_id": image, "import_req": {"method": {"name": "glance-direct"}}, "backend": ["fast"]}
        self._row("task_info", task_id=task, input=json.dumps(what), result=None, message="")
        return task

    def file(self, store, content):
        """A file in a store's directory, as Glance would have written it."""
        path = self.services.work / store / str(uuid.uuid4())
        path.write_bytes(content)
        return path

    def _accidents(self):
        self.accident("stuck saving", "saving")
        lock = str(uuid.uuid4())
        importing = self.accident("stuck importing", "importing", [("os_glance_import_task", lock), ("os_glance_importing_to_stores", "fast")])
        self.sql.append(["SELECT 1", {}])
        task = self.task(importing, "processing")
        self.sql.append(["UPDATE image_properties SET value = :task WHERE value = :lock", {"task": task, "lock": lock}])
        self.task(None, "pending", "import")
        self.accident("uploading, nothing staged", "uploading")
        volume = f"cinder://pure/{uuid.uuid4()}"
        self.accident("on a volume of no store", "active", locations=[(volume, '{"store": "pure"}', "active")], size=10)
        self.accident("in a store that is gone", "active", locations=[("file:///nowhere/x", '{"store": "gone"}', "active")], size=10)
        lost = self.services.work / "fast" / str(uuid.uuid4())
        self.accident("file that is gone", "active", locations=[(f"file://{lost}", '{"store": "fast"}', "active")], size=10)
        self.accident("killed", "killed")
        self.accident("ownerless", "queued", owner=None, visibility="public")
        path = self.file("fast", data("pending"))
        self.accident("waits for the scrubber", "pending_delete", locations=[(f"file://{path}", '{"store": "fast"}', "pending_delete")],
                      size=path.stat().st_size, deleted=True)
        self.legacy("legacy file")
        self.accident("legacy web", "active", locations=[(f"http://127.0.0.1:{self.web}/file", "{}", "active")], size=MIB)

    def legacy(self, name, metadata="{}"):
        """An image of a Glance that had one store."""
        content = data(name)
        path = self.file("fast", content)
        return self.accident(name, "active", locations=[(f"file://{path}", metadata, "active")], size=len(content),
                             checksum=hashlib.md5(content).hexdigest())

    def late(self):
        """Locations of which Glance has not read the stores any more."""
        self.legacy("late legacy")
        self.legacy("late renamed", '{"store": "old name"}')


def _time(days):
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.000000")
