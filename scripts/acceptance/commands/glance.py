# SPDX-License-Identifier: Apache-2.0
"""Every `glance` command."""

from __future__ import annotations

import hashlib
import json

from ..session import check, equal, until
from .tour import Calls, captured


class Glance:
    def __init__(self):
        import openstack
        from glanceclient.shell import OpenStackImagesShell
        from glanceclient.v2 import shell

        self.shell = OpenStackImagesShell
        self.url = openstack.connect().image.get_endpoint().rstrip("/").removesuffix("/v2")
        self.calls = Calls("glance", {name[3:].replace("_", "-") for name in dir(shell) if name.startswith("do_")})

    def __call__(self, command, *words):
        """Runs a command; gives its output."""
        argv = ["--os-image-url", self.url] if command.startswith("cache") else []
        status, out, err = captured(lambda words: self.shell().main(words), [*argv, command, *words])
        equal(status, 0, f"glance {command} {words}: {out}{err}: status")
        check("Unable" not in err and "not permitted" not in err, f"glance {command} {words}: {err}")
        self.calls.note(command)
        return out

    def table(self, command, *words):
        """The two columns of a command's table as a dictionary."""
        rows = (line.strip("|").split("|", 1) for line in self(command, *words).splitlines() if line.startswith("|"))
        return {row[0].strip(): row[-1].strip() for row in rows}

    def ids(self, command, *words):
        """The first column of a command's table."""
        return list(self.table(command, *words))[1:]


def run(place):
    glance = Glance()
    images(glance, place)
    locations(glance, place)
    imports(glance, place)
    sharing(glance)
    tasks(glance, place)
    namespaces(glance, place)
    definitions(glance, place)
    cache(glance, place)
    glance.calls.finish()


def made(glance, place, *words):
    """Id of a new image."""
    return glance.table("image-create", "--name", place.name("tour"), "--disk-format", "raw",
                        "--container-format", "bare", *words)["id"]


def status(glance, image):
    return glance.table("image-show", image)["status"]


def images(glance, place):
    digest = hashlib.sha512(place.bytes).hexdigest()
    image = made(glance, place, "--file", place.image, "--store", "cheap", "--property", "a=b", "--tags", "x")
    shown = glance.table("image-show", image, "--max-column-width", "200")
    equal((shown["status"], shown["os_hash_value"], shown["stores"]), ("active", digest, "cheap"), "image-show")
    equal(glance.ids("image-list", "--hash", digest, "--tag", "x", "--property-filter", "a=b"), [image], "image-list")
    glance("image-update", image, "--name", "other", "--property", "c=d", "--remove-property", "a", "--min-ram", "5")
    shown = glance.table("image-show", image)
    equal((shown["name"], shown["c"], shown["min_ram"], "a" in shown), ("other", "d", "5", False), "image-update")
    glance("image-tag-update", image, "y")
    glance("image-tag-delete", image, "x")
    check("y" in glance.table("image-show", image)["tags"], "tags after image-tag-update")
    glance("image-download", image, "--file", place.work / "down.img", "--prefer", "cheap")
    check((place.work / "down.img").read_bytes() == place.bytes, "image-download: other bytes")
    glance("image-deactivate", image)
    equal(status(glance, image), "deactivated", "after image-deactivate")
    glance("image-reactivate", image)
    equal(status(glance, image), "active", "after image-reactivate")
    check("image_size_total" in glance("usage"), "usage")
    check("os_hash_value" in glance("explain", "image"), "explain image")
    glance("image-delete", image)
    image = made(glance, place)
    glance("image-upload", image, "--file", place.image, "--size", len(place.bytes))
    equal(status(glance, image), "active", "after image-upload")
    glance("image-delete", image)


def locations(glance, place):
    image, url = made(glance, place), f"{place.web}/small.img"
    glance("location-add", image, "--url", url, "--metadata", '{"store": "web"}')
    equal(status(glance, image), "active", "after location-add")
    other = f"{place.web}/small.img?other"
    glance("location-add", image, "--url", other, "--metadata", '{"store": "web"}')
    glance("location-update", image, "--url", other, "--metadata", '{"store": "web", "note": "n"}')
    check("'n'" in str(json.dumps(glance.table("image-show", image))) or "note" in glance("image-show", image),
          "after location-update")
    glance("location-delete", image, "--url", other)
    check(other not in glance("image-show", image), "after location-delete")
    glance("image-delete", image)
    image = made(glance, place)
    glance("add-location", image, "--url", url)
    until(lambda: status(glance, image) == "active", "the image with a location", 60)
    glance("image-delete", image)


def imports(glance, place):
    check("web-download" in glance("import-info"), "import-info")
    check("filesystem" in glance("stores-info", "--detail") or "data_dir" in glance("stores-info", "--detail"),
          "stores-info --detail")
    image = made(glance, place)
    glance("image-stage", image, "--file", place.image)
    glance("image-import", image, "--import-method", "glance-direct", "--stores", "cheap,fast")
    until(lambda: status(glance, image) == "active", "the staged image", 60)
    until(lambda: glance.table("image-show", image)["stores"] == "cheap,fast", "both stores", 60)
    check("success" in glance("image-tasks", image), "image-tasks")
    glance("stores-delete", image, "--store", "cheap")
    equal(glance.table("image-show", image)["stores"], "fast", "after stores-delete")
    glance("image-delete", image)
    shown = glance.table("image-create-via-import", "--name", place.name("url"), "--disk-format", "raw",
                         "--container-format", "bare", "--import-method", "web-download",
                         "--uri", f"{place.web}/small.img")
    until(lambda: status(glance, shown["id"]) == "active", "the downloaded image", 60)
    glance("image-delete", shown["id"])


def sharing(glance):
    import openstack

    demo = openstack.connect().identity.find_project("demo").id
    image = glance.table("image-create", "--disk-format", "raw", "--visibility", "shared")["id"]
    glance("member-create", image, demo)
    check(demo in glance("member-list", "--image-id", image), "member-list")
    check("pending" in glance("member-get", image, demo), "member-get")
    glance("member-update", image, demo, "accepted")
    check("accepted" in glance("member-get", image, demo), "member-update")
    glance("member-delete", image, demo)
    check(demo not in glance("member-list", "--image-id", image), "member-delete")
    glance("image-delete", image)


def tasks(glance, place):
    wanted = {"import_from": f"{place.web}/small.img", "import_from_format": "raw",
              "image_properties": {"disk_format": "raw", "container_format": "bare", "name": place.name("task")}}
    task = glance.table("task-create", "--type", "import", "--input", json.dumps(wanted))["id"]
    until(lambda: glance.table("task-show", task)["status"] == "success", "the task to succeed", 60)
    check(task in glance("task-list", "--type", "import", "--status", "success"), "task-list")
    for image in glance.ids("image-list", "--property-filter", f"name={wanted['image_properties']['name']}"):
        glance("image-delete", image)


def namespaces(glance, place):
    space = place.name("OS::Glance")
    glance("md-namespace-create", space, "--display-name", "N", "--visibility", "private", "--description", "d")
    glance("md-namespace-update", space, "--namespace", space, "--display-name", "M", "--visibility", "public")
    equal(glance.table("md-namespace-show", space)["display_name"], "M", "md-namespace-update")
    check(space in glance("md-namespace-list", "--visibility", "public"), "md-namespace-list")
    check("OS::Nova::Flavor" in glance("md-resource-type-associate", space, "--name", "OS::Nova::Flavor"), "associate")
    check("OS::Nova::Flavor" in glance("md-resource-type-list"), "md-resource-type-list")
    check("OS::Nova::Flavor" in glance("md-namespace-resource-type-list", space), "md-namespace-resource-type-list")
    check(space in glance("md-namespace-list", "--resource-types", "OS::Nova::Flavor"), "list by resource type")
    glance("md-resource-type-deassociate", space, "OS::Nova::Flavor")
    glance("md-namespace-delete", space)
    imported = place.name("OS::Imported")
    file = place.work / "namespace.json"
    file.write_text(json.dumps({
        "namespace": imported, "visibility": "public", "properties": {"p": {"title": "P", "type": "string"}},
        "objects": [{"name": "o", "properties": {"q": {"title": "Q", "type": "integer"}}}], "tags": [{"name": "t"}],
        "resource_type_associations": [{"name": "OS::Cinder::Volume", "prefix": "x_"}]}))
    glance("md-namespace-import", "--file", file)
    check("x_p" in glance("md-namespace-show", imported, "--resource-type", "OS::Cinder::Volume"), "prefixed")
    glance("md-namespace-delete", imported)


def definitions(glance, place):
    space = place.name("OS::Definitions")
    glance("md-namespace-create", space)
    schema = '{"description": "d"}'
    glance("md-property-create", space, "--name", "p", "--title", "P", "--type", "integer", "--schema", schema)
    glance("md-property-update", space, "p", "--title", "P2", "--schema", '{"minimum": 3, "type": "integer"}')
    equal(glance.table("md-property-show", space, "p")["title"], "P2", "md-property-update")
    equal(glance.ids("md-property-list", space), ["p"], "md-property-list")
    glance("md-property-delete", space, "p")
    glance("md-property-create", space, "--name", "r", "--title", "R", "--type", "string", "--schema", "{}")
    glance("md-namespace-properties-delete", space)
    equal(glance.ids("md-property-list", space), [], "md-namespace-properties-delete")
    fields = '{"properties": {"q": {"title": "Q", "type": "string"}}}'
    glance("md-object-create", space, "--name", "o", "--schema", fields)
    glance("md-object-update", space, "o", "--name", "o2", "--schema", fields)
    equal(glance.table("md-object-show", space, "o2")["name"], "o2", "md-object-update")
    equal(glance.table("md-object-property-show", space, "o2", "q")["title"], "Q", "md-object-property-show")
    equal(glance.ids("md-object-list", space), ["o2"], "md-object-list")
    glance("md-object-delete", space, "o2")
    glance("md-object-create", space, "--name", "o3", "--schema", "{}")
    glance("md-namespace-objects-delete", space)
    equal(glance.ids("md-object-list", space), [], "md-namespace-objects-delete")
    glance("md-tag-create", space, "--name", "a")
    glance("md-tag-update", space, "a", "--name", "b")
    equal(glance.table("md-tag-show", space, "b")["name"], "b", "md-tag-update")
    # Not with --append: the client cannot encode the header it makes of it.
    glance("md-tag-create-multiple", space, "--names", "c,d")
    equal(sorted(glance.ids("md-tag-list", space)), ["c", "d"], "md-tag-create-multiple")
    glance("md-tag-delete", space, "c")
    glance("md-tag-create-multiple", space, "--names", "e")
    equal(glance.ids("md-tag-list", space), ["e"], "md-tag-create-multiple")
    glance("md-namespace-tags-delete", space)
    equal(glance.ids("md-tag-list", space), [], "md-namespace-tags-delete")
    glance("md-namespace-delete", space)


def cache(glance, place):
    image = made(glance, place, "--file", place.image)
    glance("cache-queue", image)
    until(lambda: "cached" in glance.table("cache-list").get(image, ""), "the image to be cached", 60)
    check("http" in glance("cache-nodes-list", image), "cache-nodes-list")
    glance("cache-clean")
    check("Pruned 0 file(s)" in glance("cache-prune"), "cache-prune")
    glance("cache-delete", image)
    check(image not in glance("cache-list"), "cache-delete")
    glance("cache-queue", image)
    until(lambda: "cached" in glance.table("cache-list").get(image, ""), "the image to be cached again", 60)
    glance("cache-clear", "--target", "both")
    check(image not in glance("cache-list"), "cache-clear")
    glance("image-delete", image)
