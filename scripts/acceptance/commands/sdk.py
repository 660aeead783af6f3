# SPDX-License-Identifier: Apache-2.0
"""Every method of openstacksdk's image proxy."""

from __future__ import annotations

import hashlib

from ..session import check, equal
from .tour import Calls


class Sdk:
    """The image proxy; a method counts as called once it has answered."""

    def __init__(self):
        import openstack
        from openstack import proxy
        from openstack.image.v2 import _proxy

        own = [name for name in dir(_proxy.Proxy) if not name.startswith("_") and name not in dir(proxy.Proxy)]
        self.calls = Calls("sdk", [name for name in own if callable(getattr(_proxy.Proxy, name))])
        self.connection = openstack.connect()

    def __getattr__(self, name):
        method = getattr(self.connection.image, name)

        def call(*words, **options):
            answer = method(*words, **options)
            if hasattr(answer, "__next__"):
                answer = list(answer)
            self.calls.note(name)
            return answer

        return call


def run(place):
    sdk = Sdk()
    images(sdk, place)
    imports(sdk, place)
    sharing(sdk, place)
    schemas(sdk)
    tasks(sdk, place)
    metadefs(sdk, place)
    cache(sdk, place)
    sdk.calls.finish()


def images(sdk, place):
    name = place.name("sdk")
    image = sdk.create_image(name, filename=str(place.image), disk_format="raw", container_format="bare",
                             wait=True, tags=["t"], meta={"a": "b"})
    image = sdk.get_image(image.id)
    equal((image.status, image.size), ("active", len(place.bytes)), "create_image")
    equal(sdk.find_image(name).id, image.id, "find_image")
    equal(sdk.get_image(image.id).hash_value, hashlib.sha512(place.bytes).hexdigest(), "get_image")
    equal([one.id for one in sdk.images(name=name, tag="t")], [image.id], "images")
    check(sdk.download_image(image.id).content == place.bytes, "download_image")
    equal(sdk.update_image(image.id, name="renamed", min_disk=2).min_disk, 2, "update_image")
    sdk.update_image_properties(sdk.get_image(image.id), meta={"c": "d"})
    equal(sdk.get_image(image.id).properties.get("c"), "d", "update_image_properties")
    sdk.add_tag(image.id, "u")
    sdk.remove_tag(image.id, "t")
    equal(sdk.get_image(image.id).tags, ["u"], "tags")
    sdk.deactivate_image(image.id)
    equal(sdk.get_image(image.id).status, "deactivated", "deactivate_image")
    sdk.reactivate_image(image.id)
    sdk.wait_for_status(sdk.get_image(image.id), "active", interval=0.2, wait=30)
    check(sdk.image_locations(image.id)[0].url.startswith("file://"), "image_locations")
    gone = sdk.get_image(image.id)
    sdk.delete_image(image.id)
    sdk.wait_for_delete(gone, interval=0.2, wait=30)
    equal(sdk.find_image(name), None, "after delete_image")
    image = sdk.upload_image(name=place.name("up"), container_format="bare", disk_format="raw", data=place.bytes)
    equal(sdk.get_image(image.id).status, "active", "upload_image")
    sdk.delete_image(image.id)


def queued(sdk, place):
    """An image without bytes."""
    return sdk.create_image(place.name("queued"), disk_format="raw", container_format="bare", allow_duplicates=True)


def imports(sdk, place):
    check("web-download" in str(sdk.get_import_info().import_methods), "get_import_info")
    check({"cheap", "fast"} <= {store.id for store in sdk.stores(details=True)}, "stores")
    image = queued(sdk, place)
    sdk.stage_image(sdk.get_image(image.id), data=place.bytes)
    equal(sdk.get_image(image.id).status, "uploading", "stage_image")
    sdk.import_image(sdk.get_image(image.id), method="glance-direct", stores=["fast"])
    sdk.wait_for_status(sdk.get_image(image.id), "active", interval=0.2, wait=60)
    equal([task.status for task in sdk.image_tasks(image.id)], ["success"], "image_tasks")
    sdk.delete_image(image.id)
    image = queued(sdk, place)
    sdk.add_image_location(image.id, f"{place.web}/small.img")
    sdk.wait_for_status(sdk.get_image(image.id), "active", interval=0.2, wait=60)
    sdk.delete_image(image.id)


def sharing(sdk, place):
    image, demo = queued(sdk, place), sdk.connection.identity.find_project("demo").id
    sdk.update_image(image.id, visibility="shared")
    sdk.add_member(image.id, member_id=demo)
    equal(sdk.get_member(demo, image.id).status, "pending", "get_member")
    sdk.update_member(demo, image.id, status="accepted")
    equal(sdk.find_member(demo, image.id).status, "accepted", "find_member")
    equal([member.member_id for member in sdk.members(image.id)], [demo], "members")
    sdk.remove_member(demo, image.id)
    equal(sdk.members(image.id), [], "after remove_member")
    sdk.delete_image(image.id)


def schemas(sdk):
    for name in [name for name in sdk.calls.known if name.endswith("_schema")]:
        schema = getattr(sdk, name)()
        check(schema.name and schema.properties, f"{name}: {schema}")


def tasks(sdk, place):
    task = sdk.create_task(type="import", input={
        "import_from": f"{place.web}/small.img", "import_from_format": "raw",
        "image_properties": {"disk_format": "raw", "container_format": "bare", "name": place.name("task")}})
    task = sdk.wait_for_task(task, interval=0.2, wait=60)
    equal(sdk.get_task(task.id).status, "success", "get_task")
    check(task.id in [one.id for one in sdk.tasks()], "tasks")
    sdk.delete_image(sdk.get_task(task.id).result["image_id"])


def metadefs(sdk, place):
    space = place.name("OS::Sdk")
    sdk.create_metadef_namespace(namespace=space, visibility="public", display_name="A")
    sdk.update_metadef_namespace(space, namespace=space, display_name="B")
    equal(sdk.get_metadef_namespace(space).display_name, "B", "update_metadef_namespace")
    check(space in [one.namespace for one in sdk.metadef_namespaces()], "metadef_namespaces")
    sdk.create_metadef_object(space, name="o", description="d")
    sdk.update_metadef_object("o", space, name="o", description="e")
    equal(sdk.get_metadef_object("o", space).description, "e", "update_metadef_object")
    equal([one.name for one in sdk.metadef_objects(space)], ["o"], "metadef_objects")
    sdk.delete_metadef_object("o", space)
    sdk.create_metadef_object(space, name="o2")
    sdk.delete_all_metadef_objects(space)
    equal(sdk.metadef_objects(space), [], "delete_all_metadef_objects")
    sdk.create_metadef_property(space, name="p", title="P", type="string")
    sdk.update_metadef_property("p", space, name="p", title="Q", type="string")
    equal(sdk.get_metadef_property("p", space).title, "Q", "update_metadef_property")
    equal([one.name for one in sdk.metadef_properties(space)], ["p"], "metadef_properties")
    sdk.delete_metadef_property("p", space)
    sdk.create_metadef_property(space, name="r", title="R", type="string")
    sdk.delete_all_metadef_properties(space)
    equal(sdk.metadef_properties(space), [], "delete_all_metadef_properties")
    sdk.create_metadef_resource_type_association(space, name="OS::Glance::Image")
    check("OS::Glance::Image" in [one.name for one in sdk.metadef_resource_types()], "metadef_resource_types")
    equal([one.name for one in sdk.metadef_resource_type_associations(space)], ["OS::Glance::Image"], "associations")
    sdk.delete_metadef_resource_type_association("OS::Glance::Image", space)
    sdk.add_tag_to_metadef_namespace(space, "t")
    sdk.remove_tag_from_metadef_namespace(space, "t")
    sdk.add_tag_to_metadef_namespace(space, "u")
    sdk.remove_tags_from_metadef_namespace(space)
    equal(sdk.connection.image.get(f"/metadefs/namespaces/{space}/tags").json()["tags"], [], "tags")
    sdk.delete_metadef_namespace(space)


def cache(sdk, place):
    from ..session import until

    image = sdk.upload_image(name=place.name("cached"), container_format="bare", disk_format="raw", data=place.bytes)
    cached = lambda: [one["image_id"] for one in sdk.get_image_cache().cached_images or []]
    sdk.queue_image(image.id)
    until(lambda: image.id in cached(), "the image to be cached", 60)
    check(sdk.cached_image_nodes(image.id), "cached_image_nodes")
    sdk.clean_cache()
    equal(sdk.prune_cache()["total_files_pruned"], 0, "prune_cache")
    sdk.cache_delete_image(image.id)
    check(image.id not in cached(), "cache_delete_image")
    sdk.queue_image(image.id)
    until(lambda: image.id in cached(), "the image to be cached again", 60)
    sdk.clear_cache("both")
    equal(cached(), [], "clear_cache")
    sdk.delete_image(image.id)
