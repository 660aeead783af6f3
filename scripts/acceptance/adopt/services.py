# SPDX-License-Identifier: Apache-2.0
"""The two services on one configuration and one database: the real Glance, and `scurry image-api`."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from ..session import check, free_ports, until
from .caller import Caller

HERE = Path(__file__).parent
# Callers are named by headers, as a proxy in front names them: no Keystone is needed.
PASTE = """[pipeline:glance-api]
pipeline = versionnegotiation context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
"""


class Services:
    """A directory with configuration and stores, and whichever service runs on it."""

    def __init__(self, work, url, venv, binary, web):
        self.work, self.venv, self.binary = Path(work), venv, binary
        self.process, self.log = None, None
        self.port = free_ports(1)[0]
        self.base = f"http://127.0.0.1:{self.port}"
        for part in ("etc", "fast", "cheap", "staging", "tasks", "locks"):
            (self.work / part).mkdir(parents=True)
        self.conf = self.work / "etc/glance-api.conf"
        (self.work / "etc/paste.ini").write_text(PASTE)
        self.conf.write_text(f"""[DEFAULT]
enabled_backends = fast:file, cheap:file, web:http
enabled_import_methods = [glance-direct,web-download,copy-image]
show_image_direct_url = True
show_multiple_locations = True
bind_host = 127.0.0.1
bind_port = {self.port}
public_endpoint = {self.base}
worker_self_reference_url = {self.base}
log_file = {self.work}/glance.log
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {self.work}/fast
store_description = fast files
[cheap]
filesystem_store_datadir = {self.work}/cheap
[web]
store_description = web servers, read only
[os_glance_staging_store]
filesystem_store_datadir = {self.work}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {self.work}/tasks
[import_filtering_opts]
allowed_ports = [{web}]
allowed_hosts = [127.0.0.1]
[database]
connection = {url}
[oslo_concurrency]
lock_path = {self.work}/locks
[paste_deploy]
config_file = {self.work}/etc/paste.ini
[scurry]
trusted_headers = True
""")
        (self.work / "etc/policy.yaml").write_text("{}\n")

    def caller(self):
        return Caller(self.base)

    def scurry_words(self):
        """The words that run Scurry."""
        return [self.binary]

    def glance(self):
        """Starts Glance."""
        environment = os.environ | {"OS_GLANCE_CONFIG_DIR": str(self.work / "etc"), "no_proxy": "127.0.0.1"}
        return self._start([self.venv / "bin/python", HERE.parent / "rig/serve.py", "glance.wsgi.api", str(self.port)],
                           environment, "glance")

    def scurry(self):
        """Starts Scurry."""
        return self._start([*self.scurry_words(), "image-api", "--config-file", self.conf], os.environ | {"no_proxy": "127.0.0.1"}, "scurry")

    def _start(self, words, environment, name):
        self.log = self.work / f"{name}.out"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        until(self._ready, f"{name} to answer", 120)
        return self

    def _ready(self):
        check(self.process.poll() is None, f"the service ended: {self.log.read_text(errors='replace')[-1500:]}")
        try:
            with urllib.request.urlopen(self.base + "/versions", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
