# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the rig: MariaDB, RabbitMQ, tgtd, Keystone, Cinder with three backends, Scurry."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..session import Failure, check, until
from . import api, conf
from .install import install
from .places import BACKENDS, GID, HERE, PASSWORD, REGION, UID, Places
from .processes import Processes

# Variables of the caller that services on loopback must not see.
HIDDEN = ("http_proxy", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Rig:
    """The services and one Scurry in front of them."""

    def __init__(self, binary, work, transport, web=None, default="pure2"):
        """With `web`, a port images are served on, there are file stores and an http store as well; `default` is the default store."""
        check(os.geteuid() == 0, "the rig mounts file systems and makes loop devices: start it as root")
        self.binary, self.places = binary, Places(work, transport, web, default)
        environment = {name: value for name, value in os.environ.items()
                       if name.lower() not in map(str.lower, HIDDEN) and not name.startswith("OS_")}
        bins = self.places.dir("etc/bin")
        environment |= {"PATH": f"{bins}:{self.places.programs}/cinder/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
                        "no_proxy": "127.0.0.1,127.0.0.2,localhost"}
        self.processes = Processes(self.places.dir("log"), environment)

    def start(self):
        self.start_services()
        self.start_image()
        return self

    def start_services(self):
        """All but the image service."""
        install(self.places)
        # Whoever runs Scurry has to get to its files.
        self.places.work.chmod(0o755)
        self._database()
        self._keystone()
        self._pools()
        self._cinder()

    def _database(self):
        data, port = self.places.dir("mysql"), self.places.ports["mysql"]
        self.processes.run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root",
                           "--auth-root-authentication-method=normal", "--skip-test-db")
        self.processes.start("mariadb", "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}",
                             "--bind-address=127.0.0.1", f"--port={port}", f"--socket={data}/socket",
                             f"--pid-file={data}/pid", "--innodb-flush-log-at-trx-commit=0")
        self.processes.wait("mariadb", port)
        for name in ("keystone", "cinder"):
            self.create_database(name)

    def create_database(self, name):
        socket = self.places.dir("mysql") / "socket"
        self.processes.run("mariadb", "--no-defaults", f"--socket={socket}", "-e", f"CREATE DATABASE {name}")

    def _keystone(self):
        places = self.places
        conf.keystone(places)
        manage = [places.bin("keystone", "keystone-manage"), "--config-file", places.dir("etc") / "keystone.conf"]
        for keys in ("fernet", "credential"):
            places.dir(f"keystone/{keys}").chmod(0o700)
        self.processes.run(*manage, "db_sync")
        for keys in ("fernet_setup", "credential_setup"):
            self.processes.run(*manage, keys, "--keystone-user", "root", "--keystone-group", "root")
        url = places.url("keystone")
        addresses = [word for interface in ("public", "internal", "admin") for word in (f"--bootstrap-{interface}-url", url)]
        self.processes.run(*manage, "bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION, *addresses)
        self.start_keystone()
        self.endpoint, self.internal = api.identity(places)

    def start_keystone(self):
        places, port = self.places, self.places.ports["keystone"]
        self.processes.start("keystone", places.bin("keystone", "python"), HERE / "serve.py", "keystone.wsgi.api", port,
                             OS_KEYSTONE_CONFIG_FILES="keystone.conf", OS_KEYSTONE_CONFIG_DIR=str(places.dir("etc")))
        self.processes.wait("keystone", port, "/v3")

    def _pools(self):
        for backend in BACKENDS:
            pool, disk = self.places.pool(backend), self.places.work / f"{backend}.xfs"
            pool.mkdir(parents=True)
            with open(disk, "xb") as file:
                file.truncate(64 << 30)
            self.processes.run("mkfs.xfs", "-q", "-m", "reflink=1", disk)
            self.processes.run("mount", "-o", "loop", disk, pool)

    def _cinder(self):
        places, start = self.places, self.processes.start
        conf.cinder(places, self.internal)
        epmd, rabbit, iscsi = (places.ports[name] for name in ("epmd", "rabbit", "iscsi"))
        start("epmd", "epmd", "-address", "127.0.0.1", "-port", epmd)
        data = places.dir("rabbit")
        (data / "plugins").write_text("[].\n")
        start("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", HOME=str(data), ERL_EPMD_ADDRESS="127.0.0.1",
              ERL_EPMD_PORT=str(epmd), RABBITMQ_NODENAME=f"rig{rabbit}@localhost", RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
              RABBITMQ_NODE_PORT=str(rabbit), RABBITMQ_DIST_PORT=str(places.ports["erlang"]),
              RABBITMQ_MNESIA_BASE=str(data), RABBITMQ_LOG_BASE=str(data),
              RABBITMQ_ENABLED_PLUGINS_FILE=str(data / "plugins"), RABBITMQ_CONF_ENV_FILE="/dev/null",
              RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}")
        self._programs(1 + iscsi % 30000)
        start("tgtd", "tgtd", "-f", "-C", self.control, "--iscsi", f"portal=127.0.0.1:{iscsi},portal=127.0.0.2:{iscsi}")
        self.processes.wait("rabbitmq", rabbit)
        files = ["--config-file", places.dir("etc") / "cinder.conf"]
        self.processes.run(places.bin("cinder", "cinder-manage"), *files, "db", "sync")
        for program in ("cinder-scheduler", "cinder-volume"):
            start(program, places.bin("cinder", program), *files, "--log-file", places.dir("log") / f"{program}.log")
        self.start_cinder_api()
        api.volume_types(places)

    def start_cinder_api(self):
        places, port = self.places, self.places.ports["cinder"]
        self.processes.start("cinder-api", places.bin("cinder", "python"), HERE / "serve.py", "cinder.wsgi.api", port,
                             "--config-file", places.dir("etc") / "cinder.conf",
                             "--log-file", places.dir("log") / "cinder-api.log")
        self.processes.wait("cinder-api", port, "/")

    def _programs(self, control):
        """tgt's programs for our tgtd, and a sudo that is none: the services run as root."""
        self.control = control
        targets = self.places.dir("etc") / "tgt.conf"
        targets.write_text(f"include {self.places.dir('cinder/volumes')}/*\ndefault-driver iscsi\n")
        for name, words in (("sudo", ""), ("tgtadm", f"/usr/sbin/tgtadm -C {control}"),
                            ("tgt-admin", f"/usr/sbin/tgt-admin -C {control} -c {targets}")):
            path = self.places.dir("etc/bin") / name
            path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            path.chmod(0o755)

    def start_image(self, block=None):
        """Scurry as a user without rights, in Glance's place; `block` is where it finds Cinder instead of the catalogue."""
        file, port = conf.image(self.places, self.endpoint, block), self.places.ports["image"]
        self.processes.start("scurry", *self.unprivileged(), "image-api", "--config-file", file)
        self.processes.wait("scurry", port, "/healthcheck", 60)

    def load_metadefs(self, file):
        """Metadata definitions for Scurry, of a file its user may not get at."""
        readable = self.places.dir("etc") / file.name
        readable.write_text(file.read_text())
        self.processes.run(*self.unprivileged(), "db", "load-metadefs", "--path", readable, "--config-file",
                           self.places.dir("etc") / "glance-api.conf")

    def unprivileged(self):
        """The words that run Scurry as a user without rights."""
        # Wherever the binary was built may be out of that user's reach.
        binary = self.places.dir("etc/bin") / "scurry"
        if not binary.exists():
            binary.write_bytes(Path(self.binary).read_bytes())
            binary.chmod(0o755)
        return ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups", "--no-new-privs",
                "--inh-caps=-all", "--bounding-set=-all", binary]

    def stop_image(self):
        status = self.processes.stop("scurry")
        if status != 0:
            raise Failure(f"scurry ended with {status} after SIGTERM")

    def kill_image(self):
        """SIGKILL, as when the power goes."""
        process = self.processes.running.pop("scurry")
        process.kill()
        process.wait()

    def restart_image(self, block=None):
        self.stop_image()
        self.start_image(block)

    def log_tail(self):
        log = self.places.dir("log") / "scurry.out"
        return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""

    def clear(self):
        """Ends everything; what was written stays."""
        self.processes.stop_all()
        for backend in BACKENDS:
            pool = self.places.pool(backend)
            if not pool.is_mount():
                continue
            attached = subprocess.run(["losetup", "-n", "-O", "NAME,BACK-FILE"], capture_output=True, text=True, check=False)
            for line in attached.stdout.splitlines():
                device, file = line.split(None, 1)
                if file.startswith(f"{pool}/"):
                    subprocess.run(["losetup", "-d", device], check=False)
            # Whoever had files open is gone a moment after it was killed.
            until(lambda pool=pool: subprocess.run(["umount", pool], stderr=subprocess.DEVNULL, check=False).returncode == 0,
                  f"{pool} to be let go of", 20)
            (self.places.work / f"{backend}.xfs").unlink()

    def how(self, volume_id):
        """What Cinder did to make a volume of an image: cloned another one, or copied bytes."""
        log = (self.places.dir("log") / "cinder-volume.log").read_text(errors="replace")
        return "cloned" if f"to volume-{volume_id}" in log else "copied"

    def leftovers(self):
        """Files of volumes that still lie in the pools."""
        return sorted(path.name for backend in BACKENDS for path in self.places.pool(backend).iterdir())
