# SPDX-License-Identifier: Apache-2.0
"""Where the rig's things are: programs under target/rig, everything else in a work directory."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ..session import ROOT, free_ports

HERE = Path(__file__).resolve().parent
PASSWORD = "rigsecret"
REGION = "RegionOne"
# Volume type, backend, further extra specs.
TYPES = {
    "pure": ("puredriver-1", {}),
    "pure2": ("puredriver-2", {}),
    "pure3": ("puredriver-3", {}),
    "replicated": ("puredriver-1", {"replication_enabled": "<is> True", "replication_type": "<in> sync"}),
}
BACKENDS = ("puredriver-1", "puredriver-2", "puredriver-3")
# The account Scurry runs under: nobody's.
UID = GID = 65534


@dataclass
class Places:
    """Directories, addresses, how volumes are handed out (`local` or `iscsi`), where images for `web` stores are served,
    the default store."""

    work: Path
    transport: str = "local"
    web: int | None = None
    default: str = "pure2"
    programs: Path = field(default_factory=lambda: Path(os.environ.get("SCURRY_RIG", ROOT / "target/rig")))

    def __post_init__(self):
        self.work = Path(self.work).resolve()
        names = ("mysql", "keystone", "cinder", "image", "glance", "rabbit", "erlang", "epmd", "iscsi")
        self.ports = dict(zip(names, free_ports(len(names))))

    def bin(self, venv, program):
        return self.programs / venv / "bin" / program

    def dir(self, name):
        """A directory of the work directory, made when it is not there."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def url(self, service):
        return f"http://127.0.0.1:{self.ports[service]}" + ("/v3" if service == "keystone" else "")

    def database(self, name):
        return f"mysql+pymysql://root@127.0.0.1:{self.ports['mysql']}/{name}?charset=utf8mb4"

    def pool(self, backend):
        return self.work / "pools" / backend

    def openrc(self, user, project):
        """OS_* variables of a user; without a project they are of the whole system."""
        scope = {"OS_PROJECT_NAME": project, "OS_PROJECT_DOMAIN_NAME": "Default"} if project else {"OS_SYSTEM_SCOPE": "all"}
        return scope | {"OS_AUTH_URL": self.url("keystone"), "OS_USERNAME": user, "OS_PASSWORD": PASSWORD,
                        "OS_USER_DOMAIN_NAME": "Default", "OS_REGION_NAME": REGION, "OS_IDENTITY_API_VERSION": "3",
                        "OS_VOLUME_API_VERSION": "3", "no_proxy": "127.0.0.1,127.0.0.2,localhost"}
