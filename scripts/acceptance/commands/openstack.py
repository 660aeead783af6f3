# SPDX-License-Identifier: Apache-2.0
"""Every `openstack image …` and `openstack cached image …` command."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import entry_points

from ..session import check, equal, until
from .tour import Calls, captured


class OpenStack:
    def __init__(self):
        from openstackclient.shell import main

        self.main = main
        names = {point.name.replace("_", " ") for point in entry_points(group="openstack.image.v2")}
        self.calls = Calls("openstack", names)

    def __call__(self, command, *words, listed=True):
        """Runs a command; gives its JSON, or its output where `listed` is false."""
        status, out, err = captured(self.main, [*command.split(), *words, *(["-f", "json"] if listed else [])])
        equal(status, 0, f"openstack {command} {words}: {out}{err}: status")
        if command in self.calls.known:
            self.calls.note(command)
        return json.loads(out) if listed else out

    def do(self, command, *words):
        return self(command, *words, listed=False)


def run(place):
    osc = OpenStack()
    images(osc, place)
    sharing(osc, place)
    imports(osc, place)
    metadefs(osc, place)
    cache(osc, place)
    osc.calls.finish()


def images(osc, place):
    name = place.name("tour")
    made = osc("image create", name, "--file", place.image, "--disk-format", "raw", "--container-format", "bare",
               "--property", "os_distro=tour", "--tag", "one", "--min-disk", "1", "--protected")
    shown = osc("image show", name)
    equal((shown["id"], shown["status"], shown["size"]), (made["id"], "active", len(place.bytes)), "image show")
    equal(shown["checksum"], hashlib.md5(place.bytes, usedforsecurity=False).hexdigest(), "checksum")
    equal(shown["properties"]["stores"], "fast", "stores")
    equal((shown["protected"], shown["tags"], shown["min_disk"]), (True, ["one"], 1), "protected, tags, min_disk")
    listed = osc("image list", "--name", name, "--long")
    equal([row["ID"] for row in listed], [made["id"]], "image list --name")
    equal([row["ID"] for row in osc("image list", "--tag", "one", "--property", "os_distro=tour",
                                    "--status", "active", "--sort", "name:asc")], [made["id"]], "image list filters")
    osc.do("image set", name, "--unprotected", "--property", "a=b", "--tag", "two", "--min-ram", "64", "--hidden")
    equal(osc("image list", "--name", name), [], "a hidden image is not listed")
    equal([row["ID"] for row in osc("image list", "--hidden", "--name", name)], [made["id"]], "image list --hidden")
    osc.do("image unset", name, "--tag", "one", "--property", "a")
    shown = osc("image show", made["id"])
    equal((shown["tags"], "a" in shown["properties"], shown["min_ram"]), (["two"], False, 64), "after image unset")
    osc.do("image save", made["id"], "--file", place.work / "saved.img")
    check((place.work / "saved.img").read_bytes() == place.bytes, "image save: other bytes")
    osc.do("image set", made["id"], "--deactivate")
    equal(osc("image show", made["id"])["status"], "deactivated", "after --deactivate")
    osc.do("image set", made["id"], "--activate")
    osc.do("image delete", made["id"])
    equal(osc("image list", "--hidden", "--name", name), [], "after image delete")


def sharing(osc, place):
    image = osc("image create", place.name("shared"), "--disk-format", "raw", "--shared")["id"]
    demo = osc("project show", "demo")["id"]
    member = osc("image add project", image, demo)
    equal((member["member_id"], member["status"]), (demo, "pending"), "image add project")
    equal([row["Member ID"] for row in osc("image member list", image)], [demo], "image member list")
    equal(osc("image member get", image, demo)["status"], "pending", "image member get")
    osc.do("image remove project", image, demo)
    equal(osc("image member list", image), [], "after image remove project")
    osc.do("image delete", image)


def imports(osc, place):
    info = osc("image import info")
    check("web-download" in str(info), f"image import info: {info}")
    stores = {row["ID"]: row for row in osc("image stores list")}
    check({"cheap", "fast", "pure1", "web"} <= stores.keys(), f"image stores list: {stores}")
    image = osc("image create", place.name("staged"), "--disk-format", "raw", "--container-format", "bare")["id"]
    osc.do("image stage", image, "--file", place.image)
    equal(osc("image show", image)["status"], "uploading", "after image stage")
    osc.do("image import", image, "--method", "glance-direct", "--store", "fast", "--store", "cheap")
    until(lambda: osc("image show", image)["status"] == "active", "the staged image to be imported", 60)
    tasks = osc("image task list")
    task = next(row for row in tasks if image in str(osc("image task show", row["ID"])))
    equal(osc("image task show", task["ID"])["status"], "success", "image task show")
    osc.do("image delete", image)
    image = osc("image create", place.name("web"), "--disk-format", "raw", "--container-format", "bare")["id"]
    osc.do("image import", image, "--method", "web-download", "--uri", f"{place.web}/small.img")
    until(lambda: osc("image show", image)["status"] == "active", "the image to be downloaded", 60)
    osc.do("image import", image, "--method", "copy-image", "--store", "pure1")
    until(lambda: "pure1" in osc("image show", image)["properties"]["stores"], "the copy to pure1", 60)
    osc.do("image delete", "--store", "pure1", image)
    equal(osc("image show", image)["properties"]["stores"], "fast", "after image delete --store")
    osc.do("image delete", image)


def metadefs(osc, place):
    space = place.name("OS::Tour")
    made = osc("image metadef namespace create", space, "--display-name", "Tour", "--private", "--description", "d")
    equal((made["namespace"], made["visibility"]), (space, "private"), "namespace create")
    osc.do("image metadef namespace set", space, "--display-name", "Tour 2", "--public", "--tag", "t")
    equal(osc("image metadef namespace show", space)["display_name"], "Tour 2", "namespace set")
    check(space in [row["namespace"] for row in osc("image metadef namespace list")], "namespace list")
    osc.do("image metadef namespace unset", space, "--all-tags")
    equal(osc("image metadef object create", "--namespace", space, "box")["name"], "box", "object create")
    osc.do("image metadef object update", space, "box", "--name", "crate")
    equal(osc("image metadef object show", space, "crate")["name"], "crate", "object show")
    equal([row["name"] for row in osc("image metadef object list", space)], ["crate"], "object list")
    osc("image metadef property create", space, "--name", "p", "--title", "P", "--type", "string", "--schema", "{}")
    osc.do("image metadef property set", space, "p", "--title", "Q")
    equal(osc("image metadef property show", space, "p")["title"], "Q", "property show")
    equal([row["name"] for row in osc("image metadef property list", space)], ["p"], "property list")
    with_property(osc, space)
    osc("image metadef resource type association create", space, "OS::Nova::Flavor")
    kinds = [row["Name"] for row in osc("image metadef resource type association list", space)]
    equal(kinds, ["OS::Nova::Flavor"], "association list")
    check("OS::Nova::Flavor" in str(osc("image metadef resource type list")), "resource type list")
    osc.do("image metadef resource type association delete", space, "OS::Nova::Flavor")
    osc.do("image metadef property delete", space, "p")
    osc.do("image metadef object delete", space, "crate")
    osc.do("image metadef namespace delete", space)


def with_property(osc, space):
    """The client makes objects without properties: one is given by hand, as Horizon does."""
    import openstack

    connection = openstack.connect()
    schema = {"name": "crate", "properties": {"lid": {"title": "Lid", "type": "boolean"}}}
    answer = connection.image.put(f"/metadefs/namespaces/{space}/objects/crate", json=schema)
    equal(answer.status_code, 200, f"PUT of an object: {answer.text}")
    shown = osc("image metadef object property show", space, "crate", "lid")
    equal((shown["name"], shown["type"]), ("lid", "boolean"), "object property show")


def cache(osc, place):
    image = osc("image create", place.name("cached"), "--disk-format", "raw", "--container-format", "bare",
                "--file", place.image)["id"]
    osc.do("cached image queue", image)
    state = lambda: {row["ID"]: row["State"] for row in osc("cached image list")}
    until(lambda: state().get(image) == "cached", "the image to be cached", 60)
    osc.do("cached image delete", image)
    check(image not in state(), "after cached image delete")
    osc.do("cached image queue", image)
    until(lambda: state().get(image) == "cached", "the image to be cached again", 60)
    osc.do("cached image clear", "--cache")
    equal(state(), {}, "after cached image clear")
    osc.do("image delete", image)
