# SPDX-License-Identifier: Apache-2.0
"""Deeds of every kind, what a listener hears of them, a broker that goes away, and kill -9 before anything was sent."""

from __future__ import annotations

import json
import os
import urllib.error
from pathlib import Path

from ..session import Cloud, Server, check, equal, openrc, until
from .broker import Broker, Listener
from .keys import KEYS

JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
CONFIGURATION = """
[DEFAULT]
enabled_backends = cheap:file, fast:file
enabled_import_methods = [glance-direct,copy-image]
transport_url = {url}
default_publisher_id = image.session
{disabled}
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {data}/fast
[cheap]
filesystem_store_datadir = {data}/cheap
[oslo_messaging_notifications]
driver = {driver}
topics = notifications, billing
[oslo_messaging_rabbit]
rabbit_interval_max = 2
{rabbit}
"""


class Session:
    def __init__(self, binary, clients, work, broker, listeners):
        self.work, self.broker, self.listeners = Path(work), broker, listeners
        self.data, self.conf = self.work / "data", self.work / "glance.conf"
        self.server = Server(binary, self.data, ["--glance-conf", self.conf])
        self.binary, self.clients, self.cloud = binary, Path(clients), None

    def configure(self, url, driver="messagingv2", rabbit="amqp_durable_queues = True", disabled=""):
        self.conf.write_text(CONFIGURATION.format(data=self.data, url=url, driver=driver, rabbit=rabbit, disabled=disabled))

    def start(self):
        self.server.start()
        self.cloud = Cloud(self.clients, openrc(self.data / "admin-openrc"), self.binary)

    def ask(self, method, path, body=None, headers=None):
        """A request of the Image API; gives its answer, understood if it is JSON."""
        if body is not None and headers is None:
            body, headers = json.dumps(body).encode(), JSON
        answer = self.cloud.request(method, path, body, headers)
        return json.loads(answer) if answer.startswith((b"{", b"[")) else answer

    def image(self, **more):
        wanted = {"name": "told", "disk_format": "raw", "container_format": "bare", "tags": ["x"], "os_distro": "d"} | more
        return self.ask("POST", "/v2/images", wanted)["id"]

    def heard(self, start=0, topic=0):
        return self.listeners[topic].heard()[start:]

    def count(self):
        return len(self.heard())

    def of_image(self, image, start=0):
        """Events of one image, in the order in which they were heard."""
        return [one for one in self.heard(start) if isinstance(one["payload"], dict)
                and image in (one["payload"].get("id"), one["payload"].get("image_id"))]

    def expect(self, image, kinds, start=0):
        """Waits until an image's events are these, in this order."""
        until(lambda: len(self.of_image(image, start)) >= len(kinds), f"{kinds} of image {image}, heard "
              f"{[one['event'] for one in self.of_image(image, start)]}", 90)
        found = self.of_image(image, start)
        equal([one["event"] for one in found], kinds, f"events of image {image}")
        return found


def life_of_an_image(session):
    """From its creation to its deletion; gives what was heard."""
    image, project = session.image(), session.cloud.run(session.clients / "openstack", "token", "issue", "-f", "value",
                                                        "-c", "project_id").stdout.strip()
    content = b"-" + os.urandom(100_000)
    path = f"/v2/images/{image}"
    session.ask("PUT", f"{path}/file", content, BYTES)
    equal(session.ask("GET", f"{path}/file"), content, "downloaded bytes")
    until(lambda: session.of_image(image)[-1:] and session.of_image(image)[-1]["event"] == "image.send", "image.send", 60)
    patch = json.dumps([{"op": "replace", "path": "/name", "value": "renamed"}]).encode()
    session.ask("PATCH", path, patch, PATCH)
    session.ask("POST", f"{path}/members", {"member": "someone"})
    session.ask("PUT", f"{path}/members/someone", {"status": "accepted"})
    session.ask("DELETE", f"{path}/members/someone")
    session.ask("DELETE", path)
    heard = session.expect(image, [
        "image.create", "image.update", "image.prepare", "image.upload", "image.activate", "image.update", "image.send",
        "image.update", "image.member.create", "image.member.update", "image.member.delete", "image.delete"])
    created, saving, prepared, uploaded, activated, _, sent, renamed = heard[:8]
    equal((created["publisher"], created["payload"]["status"], created["payload"]["properties"]),
          ("image.session", "queued", {"os_distro": "d"}), "image.create")
    equal(saving["payload"]["status"], "saving", "status when the upload begins")
    equal(prepared["payload"]["backend"], "fast", "backend of image.prepare")
    equal((uploaded["payload"]["status"], uploaded["payload"]["size"]), ("active", len(content)), "image.upload")
    check(activated["payload"]["checksum"], "image.activate has no checksum")
    equal((sent["payload"]["bytes_sent"], sent["payload"]["receiver_tenant_id"]), (len(content), project), "image.send")
    equal(renamed["payload"]["name"], "renamed", "name in image.update")
    equal((heard[-1]["payload"]["deleted"], heard[-1]["payload"]["status"]), (True, "deleted"), "image.delete")
    check("file://" not in json.dumps(heard), "a location was told")
    return f"{len(heard)} events in Glance's order"


def failures(session):
    """Data that is refused, in an upload and in an import."""
    image = session.image(disk_format="qcow2")
    try:
        session.ask("PUT", f"/v2/images/{image}/file", os.urandom(5000), BYTES)
        check(False, "random bytes were taken for a qcow2 image")
    except urllib.error.HTTPError as error:
        equal(error.code, 415, "status of the refused upload")
    refused = until(lambda: [one for one in session.heard() if one["priority"] == "ERROR"], "the upload's error", 60)
    equal((refused[0]["event"], image in refused[0]["payload"]), ("image.upload", True), "error of an upload")
    session.ask("PUT", f"/v2/images/{image}/stage", os.urandom(5000), BYTES)
    session.ask("POST", f"/v2/images/{image}/import", {"method": {"name": "glance-direct"}})
    until(lambda: [one for one in session.heard() if one["event"] == "task.failure"], "task.failure", 60)
    check(len([one for one in session.heard() if one["priority"] == "ERROR"]) >= 2, "no error of the import")
    session.ask("DELETE", f"/v2/images/{image}")
    return "image.upload at ERROR, task.failure"


def copy(session):
    image = session.image()
    session.ask("PUT", f"/v2/images/{image}/file", b"x" * 70_000, BYTES)
    session.expect(image, ["image.create", "image.update", "image.prepare", "image.upload", "image.activate", "image.update"])
    start = session.count()
    session.ask("POST", f"/v2/images/{image}/import", {"method": {"name": "copy-image"}, "stores": ["cheap"]})
    until(lambda: [one for one in session.heard(start) if one["event"] == "task.success"], "task.success", 90)
    tasks = [one["event"] for one in session.heard(start) if one["event"].startswith("task.")]
    equal(tasks, ["task.create", "task.run", "task.processing", "task.success"], "events of the task")
    kinds = [one["event"] for one in session.of_image(image, start)]
    check("image.upload" in kinds and "image.activate" not in kinds, f"events of a copy: {kinds}")
    backends = [one["payload"]["backend"] for one in session.heard(start) if one["event"] == "image.prepare"]
    equal(backends, ["cheap"], "stores that were prepared")
    return ", ".join(tasks)


def definitions(session):
    start, base = session.count(), "/v2/metadefs/namespaces"
    session.ask("POST", base, {"namespace": "Told", "visibility": "public",
                               "objects": [{"name": "inner", "properties": {"p": {"type": "string", "title": "P"}}}]})
    one = f"{base}/Told"
    session.ask("PUT", one, {"namespace": "Told", "display_name": "told"})
    for part, body in [("objects", {"name": "a"}), ("properties", {"name": "a", "title": "A", "type": "integer"})]:
        session.ask("POST", f"{one}/{part}", body)
        session.ask("PUT", f"{one}/{part}/a", body | {"name": "b"})
        session.ask("DELETE", f"{one}/{part}/b")
    session.ask("POST", f"{one}/tags/a")
    session.ask("PUT", f"{one}/tags/a", {"name": "b"})
    session.ask("DELETE", f"{one}/tags/b")
    session.ask("POST", f"{one}/resource_types", {"name": "OS::Glance::Image", "prefix": "hw_"})
    session.ask("DELETE", f"{one}/resource_types/OS::Glance::Image")
    for part in ("objects", "properties", "tags"):
        session.ask("DELETE", f"{one}/{part}")
    session.ask("DELETE", one)
    expected = ["metadef_namespace.create", "metadef_object.create", "metadef_namespace.update"]
    for part in ("object", "property", "tag"):
        expected += [f"metadef_{part}.{deed}" for deed in ("create", "update", "delete")]
    expected += ["metadef_resource_type.create", "metadef_resource_type.delete", "metadef_namespace.delete_objects",
                 "metadef_namespace.delete_properties", "metadef_namespace.delete_tags", "metadef_namespace.delete"]
    until(lambda: session.count() - start >= len(expected), "the events of the definitions", 60)
    heard = session.heard(start)
    equal([one["event"] for one in heard], expected, "events of definitions")
    updates = [(one["payload"]["name_old"], one["payload"]["name"]) for one in heard
               if one["event"].endswith(".update") and "name" in one["payload"]]
    equal(updates, [("a", "b")] * 3, "names before and after")
    return f"{len(heard)} events"


def every_key(session):
    """What was heard so far: every event there is, each with Glance's keys, at both topics."""
    heard = session.heard()
    missing = set(KEYS) - {one["event"] for one in heard}
    equal(missing, set(), "events nobody heard")
    for one in heard:
        if one["priority"] == "INFO":
            equal(set(one["payload"]), KEYS[one["event"]], f"keys of {one['event']}")
        equal([name for name, value in one["context"].items() if value is not None], [], "context")
    ids = [one["message_id"] for one in heard]
    equal(len(ids), len(set(ids)), "different messages")
    until(lambda: {one["message_id"] for one in session.heard(topic=1)} == set(ids), "the same at the other topic", 60)
    return f"{len(heard)} messages, {len(KEYS)} kinds"


def deeds_of(session, rounds):
    """An image with so many changes and its deletion; gives its id and what must be heard."""
    image = session.image()
    for number in range(rounds):
        body = [{"op": "replace", "path": "/name", "value": f"name {number}"}]
        session.ask("PATCH", f"/v2/images/{image}", json.dumps(body).encode(), PATCH)
    session.ask("DELETE", f"/v2/images/{image}")
    return image, ["image.create"] + ["image.update"] * rounds + ["image.delete"]


def broker_away(session):
    """The broker stops; requests go on; Scurry is killed and starts without it; all is heard when it is back."""
    start = session.count()
    session.broker.stop()
    told = [deeds_of(session, 3) for _ in range(5)]
    session.server.kill()
    session.server.start()
    told.append(deeds_of(session, 3))
    equal(session.count(), start, "events heard without a broker")
    session.broker.start()
    for image, kinds in told:
        heard = session.expect(image, kinds, start)
        names = [one["payload"]["name"] for one in heard if one["event"] == "image.update"]
        equal(names, [f"name {number}" for number in range(3)], "order of the changes")
    return f"{sum(len(kinds) for _, kinds in told)} events of {len(told)} images, in order"


def killed_at_once(session, rounds=5):
    """kill -9 right after the answer: the event is heard after the restart."""
    start = session.count()
    images = []
    for _ in range(rounds):
        images.append(session.image())
        session.server.kill()
        session.server.start()
    for image in images:
        until(lambda: session.of_image(image, start), f"the creation of image {image}", 60)
    # One that was sent but not yet forgotten is sent again; its listener knows it by its unique id, unless it was
    # restarted in between.
    ids = [one["message_id"] for one in session.heard(start)]
    equal(len(ids), len(set(ids)), "different messages")
    return f"{rounds} of {rounds} heard"


def otherwise(session):
    """TLS, no envelope, events turned off, and queues others have made otherwise."""
    session.server.stop()
    session.configure(session.broker.url(session.broker.tls_port, host="localhost"), "messaging",
                      f"ssl = True\nssl_ca_file = {session.broker.authority}",
                      "disabled_notifications = image.update, image.member")
    session.start()
    start, image = session.count(), session.image()
    session.ask("POST", f"/v2/images/{image}/members", {"member": "someone"})
    session.ask("PUT", f"/v2/images/{image}/file", b"y" * 1000, BYTES)
    session.ask("DELETE", f"/v2/images/{image}")
    session.expect(image, ["image.create", "image.prepare", "image.upload", "image.activate", "image.delete"], start)
    return "heard over TLS, without an envelope, without what is turned off"


def run(binary, clients, work):
    venv = os.environ["SCURRY_BUS"]
    broker = Broker(Path(work) / "broker")
    listeners, session = [], None
    try:
        broker.start()
        listeners = [Listener(venv, broker, work, topic) for topic in ("notifications", "billing")]
        session = Session(binary, clients, work, broker, listeners)
        # The first of two brokers is not there.
        session.configure(broker.url(broker.dead_port, broker.port))
        session.start()
        for what, step in [("an image's life", life_of_an_image), ("data that is refused", failures), ("a copy", copy),
                           ("metadata definitions", definitions), ("every event has Glance's keys", every_key),
                           ("a broker that goes away", broker_away), ("kill -9 after the answer", killed_at_once),
                           ("another configuration", otherwise)]:
            print(f"ok    {what}: {step(session)}", flush=True)
        session.server.stop()
    finally:
        if session and session.server.process and session.server.process.poll() is None:
            session.server.kill()
        for listener in listeners:
            listener.stop()
        broker.end()
