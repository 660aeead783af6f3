# SPDX-License-Identifier: Apache-2.0
"""Starts the services and puts the odd cases to them."""

from __future__ import annotations

from pathlib import Path

from . import full, sources
from .service import serve
from .sizes import LARGE, SMALL, Sizes

CONF = """[DEFAULT]
enabled_backends = fast:file, cheap:file, pure1:cinder, pure2:cinder
show_multiple_locations = True
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {work}/fast
[cheap]
filesystem_store_datadir = {work}/cheap
[pure1]
cinder_volume_type = pure
[pure2]
cinder_volume_type = pure2
[import_filtering_opts]
allowed_ports = []
allowed_hosts = [127.0.0.1]
"""


def run(binary: Path, work: Path, *, small: bool) -> None:
    """`small` leaves out the sizes that take minutes."""
    service = serve(binary, work, CONF.format(work=work), folders=[work / "fast", work / "cheap"])
    try:
        sources.run(service, work)
        Sizes(service, work, SMALL if small else SMALL + LARGE).run()
        service.server.stop()
    finally:
        if service.server.process.poll() is None:
            service.server.kill()
    full.run(binary, work)
