# SPDX-License-Identifier: Apache-2.0
"""Glance on files and volumes beside the real Keystone and Cinder; Scurry takes over its database and stores; Glance takes them back."""

from __future__ import annotations

import subprocess

from ...rig.peer import NAME
from ...rig.services import Rig
from ...session import ROOT, equal, until
from .. import writes as files
from ..databases import Tables
from ..session import Adoption
from . import writes as volumes
from .clouds import Ground
from .fill import CloudFiller
from .services import Beside

# Images of the filler whose bytes are nowhere.
LOST = ("on a volume of no store", "in a store that is gone", "file that is gone")
# What is booted from, and on which type of volume.
BOOTS = {"on pure2": "pure2", "copied out": "pure", "everywhere": "pure3", "legacy volume": "pure2"}


class CloudAdoption(Adoption):
    # To read a volume takes a while: the others' downloads are those of `every_copy`.
    READERS = ("demo", "alt")
    UNFINISHED = (*Adoption.UNFINISHED, "staged for pure2", "killed on pure2")

    def __init__(self, binary, work, say):
        super().__init__("rig", None, binary, work, say, Tables("mysql", None))
        self.clients = subprocess.run([ROOT / "scripts/clients"], capture_output=True, text=True, check=True).stdout.strip()
        # A Glance beside it needs the kernel's initiator for volumes over iSCSI.
        self.rig = Rig(binary, self.work / "rig", "local", self.web, "fast")
        self.venv = self.databases.venv = self.rig.places.programs / NAME

    def clear(self):
        self.rig.clear()
        self.server.shutdown()

    def adoption(self):
        self.rig.start_services()
        self.services = Beside(self.rig)
        self.services.install()
        self.url = self.rig.places.database("glance")
        self.ground = Ground(self.rig, self.clients, self.work, self.databases, self.url, LOST)
        step, services, call = self.ground.step, self.services, self.services.caller()
        services.glance()
        self.filler = CloudFiller(services, self.databases, self.url, self.web, self.ground)
        step("Glance fills files and volumes", self._fill)
        ids = self.filler.ids
        cut = self.filler.cut_short()
        services.glance()
        step("every copy before the adoption", lambda: self.ground.every_copy(call, ids))
        step("boot volumes from what Glance wrote: clones", lambda: self._boots(BOOTS, ids))
        before = self._answers(services, ids.values())
        services.stop()
        left = self.ground.unknown()
        equal((left["volumes"], left["attached volumes"]), ([cut], [cut]), "volumes that Glance lost")
        self.say(f"rig: {len(ids)} images, {len(before)} questions")

        self._adopt(self.url, ids)
        services.scurry()
        self._compare("Scurry after the adoption", before, self._answers(services, ids.values()), ids)
        step("every copy through Scurry", lambda: self.ground.every_copy(call, ids))
        step("boot volumes through Scurry: clones", lambda: self._boots(BOOTS, ids))
        services.stop()
        late = dict(ids)
        self._late(self.url, late)
        services.scurry()
        step("locations without a store are read", lambda: self._late_are_read(call, late))
        ids |= late
        step("Scurry writes to files", lambda: files.write(call, ids, self.web))
        step("Scurry writes to volumes", lambda: volumes.write(call, self.ground, ids))
        until(self._tasks_ended, "the tasks to end", 60)
        step("every copy after Scurry's writes", lambda: self.ground.every_copy(call, ids))
        step("no volume, attachment or file that no image knows", lambda: self.ground.nothing_left(left))
        said = self._answers(services, ids.values())
        services.stop()

        services.glance()
        self._compare("Glance after Scurry's writes", said, self._answers(services, ids.values()), ids, back=True)
        step("every copy through Glance", lambda: self.ground.every_copy(call, ids))
        step("boot volumes through Glance: clones", lambda: self._boots({"ours chunked on pure2": "pure2", "ours on pure4": "replicated"}, ids))
        step("Glance goes on with Scurry's files", lambda: self._glance_goes_on(call, ids))
        step("Glance goes on with Scurry's volumes", lambda: volumes.go_on(call, self.ground, ids))
        step("every copy in the end", lambda: self.ground.every_copy(call, ids))
        step("no volume, attachment or file that no image knows", lambda: self.ground.nothing_left(left))
        services.stop()

    def _fill(self):
        ids = self.filler.fill()
        until(self._tasks_ended, "the tasks to end", 60)
        # Glance puts the stores of old locations right when it reads them.
        for image in ids.values():
            self.services.caller().ask("admin", "GET", f"/v2/images/{image}")
        return f"{len(ids)} images, {len(self.ground.volumes())} volumes"

    def _boots(self, wanted, ids):
        for name, volume_type in wanted.items():
            self.ground.boot(ids[name], name, volume_type)
        return ", ".join(f"{name} on {volume_type}" for name, volume_type in wanted.items())
