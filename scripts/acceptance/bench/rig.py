# SPDX-License-Identifier: Apache-2.0
"""The real Keystone and Cinder with Scurry and the real Glance in front of them, for the works that compare the two."""

from __future__ import annotations

from pathlib import Path

from ..credentials import issue
from ..rig import api
from ..rig.peer import Glance
from ..rig.services import Rig
from .service import Service

# Nothing is fetched from there: it brings the file stores.
NOWHERE = 9
STORES = {"file": "fast", "first": "pure1", "second": "pure2", "third": "pure3", "twin": "pure4"}
# MiB and counts: no work meets them.
LIMIT = 1_000_000


class Compared:
    """The services, started for one run of the harness."""

    def __init__(self, binary: Path, work: Path):
        self.rig = Rig(binary, work, "local", NOWHERE)

    def start(self) -> Compared:
        api.LIMITS.update(dict.fromkeys(api.LIMITS, LIMIT))
        self.rig.start()
        glance = Glance(self.rig).start()
        places = self.rig.places
        token, _ = issue(places.ports["keystone"], places.openrc("admin", "admin"))
        self.scurry = Service(places.url("image"), token, STORES, self.rig.processes.running["scurry"].pid)
        self.glance = Service(glance.url, token, STORES)
        return self

    def stop(self) -> None:
        self.rig.clear()
