# SPDX-License-Identifier: Apache-2.0
"""Tempest beside the real Keystone and Cinder: image tests, and those of volumes that touch images, with Scurry in Glance's place."""

from __future__ import annotations

from collections import Counter

from ..rig import api
from ..rig.peer import Glance
from ..rig.services import Rig
from ..session import Cloud
from . import session, settings

TESTS = r"^tempest\.api\.image|^tempest\.api\.volume\..*([iI]mage|bootable)|^cinder_tempest_plugin\.api\..*[iI]mage"
CONFIGURATION = "rig"


def run(binary, clients, work, options):
    tempest, here = session.install(), work / CONFIGURATION
    here.mkdir()
    images = session.serve_images(here / "images")
    # So many images as the tests make at once are within no operator's usual limit of stored ones.
    api.LIMITS["image_count_total"] = 1000
    rig = Rig(binary, work / "cloud", options.transport, images.server_port)
    try:
        rig.start_services()
        if options.record:
            Glance(rig, "image").start()
        else:
            rig.start_image()
            rig.load_metadefs(session.DEFINITIONS)
        admin = Cloud(clients, rig.places.openrc("admin", "admin"), binary)
        reference = session.reference_image(admin, here)
        web = f"http://127.0.0.1:{images.server_port}"
        variables = rig.places.openrc("admin", "admin")
        conf = settings.tempest_conf("defaults", here, variables["OS_AUTH_URL"], variables["OS_PASSWORD"], web, None)
        (here / "tempest.conf").write_text(f"{conf}[compute]\nimage_ref = {reference}\nimage_ref_alt = {reference}\n")
        found = session.run_tempest(tempest, here, options.regex or TESTS)
        if options.record:
            session.expected(CONFIGURATION).write_text("".join(f"{name} {result}\n" for name, result in sorted(found.items())))
            print(f"Glance: {dict(Counter(found.values()))}", flush=True)
        else:
            session.compare(CONFIGURATION, found, options.regex is None)
            rig.stop_image()
    finally:
        images.shutdown()
        rig.clear()
