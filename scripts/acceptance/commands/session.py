# SPDX-License-Identifier: Apache-2.0
"""Starts a scurry up with every feature on, and the tour of the clients' commands in the clients' interpreter."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..session import ROOT, Server, equal, openrc
from ..tempest.session import serve_images

CONF = """[DEFAULT]
enabled_backends = cheap:file,fast:file,pure1:cinder,web:http
enabled_import_methods = [glance-direct,web-download,copy-image,glance-download]
use_keystone_limits = True
show_image_direct_url = True
show_multiple_locations = True
image_cache_dir = {work}/cache
[paste_deploy]
flavor = keystone+cachemanagement
[import_filtering_opts]
allowed_ports = []
allowed_hosts = [127.0.0.1,localhost]
[glance_store]
default_backend = fast
[cheap]
filesystem_store_datadir = {work}/cheap
[fast]
filesystem_store_datadir = {work}/fast
[pure1]
cinder_volume_type = pure
[web]
store_description = http, read only
"""


def run(binary, clients, work):
    """Runs the three tours; raises Failure when one of them fails."""
    images = serve_images(work / "images")
    conf = work / "glance-api.conf"
    conf.write_text(CONF.format(work=work))
    server = Server(binary, work / "data", ["--glance-conf", conf])
    try:
        server.start()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        environment |= openrc(work / "data/admin-openrc") | {
            "PYTHONPATH": str(ROOT / "scripts"), "PYTHONWARNINGS": "ignore", "COLUMNS": "200",
            "TOUR_WORK": str(work), "TOUR_WEB": f"http://127.0.0.1:{images.server_port}",
        }
        done = subprocess.run([Path(clients) / "python", "-m", "acceptance.commands.tour"], env=environment,
                              cwd=work, timeout=900, check=False)
        equal(done.returncode, 0, "exit status of the tour")
        server.stop()
    finally:
        images.shutdown()
        if server.process and server.process.poll() is None:
            server.kill()
