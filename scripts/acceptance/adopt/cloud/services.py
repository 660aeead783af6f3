# SPDX-License-Identifier: Apache-2.0
"""The two services on the rig, with one configuration, one database, and tokens of the real Keystone."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket

from ...credentials import issue
from ...golden.wire import Answer
from ...rig import api
from ...rig.peer import NAME, Glance
from ...rig.places import GID, PASSWORD, UID
from ...session import until
from ..caller import CAST, Caller

# Who of the cast is which user, of which project.
USERS = {"admin": ("admin", "admin"), "demo": ("demo", "demo"), "alt": ("alt", "alt"), "reader": ("reader", "demo"),
         "service": ("glance", "service")}
assert USERS.keys() == CAST.keys()


class Tokens(Caller):
    """Asks as users of the real Keystone."""

    def __init__(self, services):
        super().__init__(services.base)
        self.services, self.projects = services, services.projects

    def headers(self, who):
        return {"X-Auth-Token": self.services.tokens[who]}

    def ask(self, who, method, path, body=None, **more):
        try:
            return super().ask(who, method, path, body, **more)
        except http.client.RemoteDisconnected:
            # uWSGI hangs up where Glance raises what it has no answer for; other servers make that a 500.
            if self.services.running != NAME:
                raise
            return Answer(500, {}, b"")


class Beside:
    """Whichever image service runs on the rig, in the place the catalogue names; files of the stores are in `work`."""

    def __init__(self, rig):
        self.rig, self.server = rig, Glance(rig, "image")
        self.base, self.work, self.conf = self.server.url, rig.places.dir("glance"), self.server.file
        self.running, self.tokens, self.projects = None, {}, {}

    def install(self):
        self.server.install()
        keystone = api.Api(self.rig.places.url("keystone"))
        keystone.login({"system": {"all": True}})
        alt = keystone.make("project", name="alt", domain_id="default")
        for user, project, roles in (("alt", alt, ("member", "reader")), ("reader", keystone.find("project", "demo"), ("reader",))):
            made = keystone.make("user", name=user, domain_id="default", password=PASSWORD)
            for role in roles:
                keystone.call("PUT", f"/projects/{project}/users/{made}/roles/{keystone.find('role', role)}")
        places = self.rig.places
        for who, (user, project) in USERS.items():
            self.tokens[who], self.projects[who] = issue(places.ports["keystone"], places.openrc(user, project))

    def caller(self):
        return Tokens(self)

    def scurry_words(self):
        """The words that run Scurry, as a user without rights; the files are that user's from now on."""
        for folder, _, names in os.walk(self.work):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                shutil.chown(path, UID, GID)
        return self.rig.unprivileged()

    def glance(self):
        until(self._free, "the port to be free", 30)
        self.server.serve()
        self.running = NAME
        return self

    def scurry(self):
        processes, places = self.rig.processes, self.rig.places
        until(self._free, "the port to be free", 30)
        processes.start("scurry", *self.scurry_words(), "image-api", "--config-file", self.conf)
        processes.wait("scurry", places.ports["image"], "/healthcheck", 60)
        self.running = "scurry"
        return self

    def stop(self):
        running, self.running = self.running, None
        if running == "scurry":
            self.rig.stop_image()
        elif running:
            self.rig.processes.stop(running)

    def kill(self):
        """SIGKILL to the service and its workers, as when the power goes."""
        process = self.rig.processes.running.pop(self.running)
        self.running = None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _free(self):
        """Whether nobody listens: Glance's helpers that run as root have groups of their own, and hold its port until they notice."""
        try:
            socket.create_connection(("127.0.0.1", self.rig.places.ports["image"]), 2).close()
        except ConnectionRefusedError:
            return True
        return False
