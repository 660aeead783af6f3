# SPDX-License-Identifier: Apache-2.0
"""The real Glance on the rig, beside Scurry or in its place: the peer that is measured and compared with.

Not named glance.py: serve.py, which stands beside it, imports the package of that name.
"""

from __future__ import annotations

from . import conf
from .install import python

# How Debian's and DevStack's Glance is served: uWSGI's own HTTP router in front of so many processes and threads.
PROCESSES, THREADS = 2, 8
NAME = "glance"


class Glance:
    """Glance with the rig's Keystone, Cinder and MariaDB; `place` is the port it answers on, `image` being Scurry's."""

    def __init__(self, rig, place=NAME):
        self.rig, self.place = rig, place

    @property
    def url(self):
        return self.rig.places.url(self.place)

    @property
    def file(self):
        return self.rig.places.dir("etc/glance") / "glance-api.conf"

    def start(self):
        self.install()
        self._manage("db_load_metadefs", self.rig.places.programs / NAME / "etc/glance/metadefs")
        return self.serve()

    def install(self):
        """Its programs, its configuration, and its tables."""
        places = self.rig.places
        python(places, NAME, ["glance", "glance_store[cinder]", "PyMySQL", "uWSGI"])
        self.rig.create_database(NAME)
        conf.glance(places, self.rig.endpoint, self.place)
        self._manage("db_sync")

    def _manage(self, *words):
        bins, path = self._paths()
        self.rig.processes.run(bins / "glance-manage", "--config-file", self.file, *words, PATH=path)

    def _paths(self):
        """Its programs; and where programs are looked for: what its rootwrap runs is found as Cinder's is, by the rig's own sudo."""
        places = self.rig.places
        bins = places.programs / NAME / "bin"
        return bins, f"{places.dir('etc/bin')}:{bins}:{self.rig.processes.environment['PATH']}"

    def serve(self):
        """Starts the service on what is there."""
        places, processes, (bins, path) = self.rig.places, self.rig.processes, self._paths()
        processes.start(
            NAME, bins / "uwsgi", "--http", f"127.0.0.1:{places.ports[self.place]}", "--listen", 100,
            "--add-header", "Connection: close", "--http-chunked-input", "--http-auto-chunked", "--http-raw-body",
            "--http-timeout", 600, "--socket-timeout", 600, "--module", "glance.wsgi.api:application", "--master",
            "--lazy-apps", "--die-on-term", "--enable-threads", "--processes", PROCESSES, "--threads", THREADS,
            "--disable-logging", "--buffer-size", 65535, PATH=path, OS_GLANCE_CONFIG_DIR=str(self.file.parent))
        processes.wait(NAME, places.ports[self.place], "/versions")
        return self
