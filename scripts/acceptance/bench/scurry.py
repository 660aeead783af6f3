# SPDX-License-Identifier: Apache-2.0
"""The `scurry up` that is measured: two kinds of stores, conversion on import, and what /proc says about it."""

from __future__ import annotations

from pathlib import Path

from ..credentials import issue
from ..session import Server, openrc
from .service import Service

CONF = """[DEFAULT]
enabled_backends = fast:file, pure1:cinder, pure2:cinder, pure3:cinder, twin:cinder
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {data}/fast
filesystem_thin_provisioning = True
[pure1]
cinder_volume_type = pure
[pure2]
cinder_volume_type = pure2
[pure3]
cinder_volume_type = pure3
[twin]
cinder_volume_type = pure
[image_import_opts]
image_import_plugins = ['image_conversion']
[image_conversion]
output_format = raw
"""
# embedded.conf has the credentials of the stores it knows; the twin's are those of pure1.
STORES = {"file": "fast", "first": "pure1", "second": "pure2", "third": "pure3", "twin": "twin"}


class Scurry(Service):
    def __init__(self, binary: Path, work: Path):
        self.binary, self.data = binary, work / "data"
        self.data.mkdir(parents=True)
        conf = work / "glance-api.conf"
        conf.write_text(CONF.format(data=self.data))
        self.server = Server(binary, self.data, ["--glance-conf", conf]).start()
        variables = openrc(self.data / "admin-openrc")
        token, self.project = issue(self.server.ports[0], variables)
        super().__init__(f"http://127.0.0.1:{self.server.ports[2]}", token, STORES, self.server.process.pid)

    def pools(self) -> Path:
        return self.data / "pools"

    def pid_now(self) -> int:
        """The process, which a restart changes."""
        return self.server.process.pid

    def stop(self) -> None:
        self.server.stop()

    def forget_peak(self) -> None:
        """Lets VmHWM begin anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def written(self) -> int:
        """Bytes this process has dirtied or written on file systems so far."""
        return self.server.written()[0]


def memory(pid: int) -> tuple[float, float]:
    """Resident memory now and at its peak, in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["VmHWM"].split()[0]) / 1024
