# SPDX-License-Identifier: Apache-2.0
"""The two services that can be asked: the real Glance out of a virtual environment, and `scurry up`."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from ..session import Server, check, free_ports, openrc, until
from .identity import Keystone

HERE = Path(__file__).parent


def configuration(name, data):
    """Text of a configuration whose directories are in `data`."""
    return (HERE / "configurations" / f"{name}.conf").read_text().replace("{data}", str(data))


class Glance:
    """Glance under uWSGI, with a fresh database, beside a Keystone that is there already."""

    def __init__(self, venv, auth_url, password, work):
        self.venv, self.auth_url, self.password, self.work = Path(venv), auth_url, password, Path(work)
        self.keystone = Keystone(auth_url, password)
        self.process = None

    def start(self, name):
        """Starts it with that configuration."""
        self.data = self.work / name
        for part in ("etc", "fast", "cheap", "staging", "tasks", "cache", "locks"):
            (self.data / part).mkdir(parents=True)
        self.base = f"http://127.0.0.1:{free_ports(1)[0]}"
        (self.data / "etc/glance-api.conf").write_text(configuration(name, self.data) + self._neighbours())
        (self.data / "etc/policy.yaml").write_text("{}\n")
        environment = os.environ | {"OS_GLANCE_CONFIG_DIR": str(self.data / "etc"), "no_proxy": "127.0.0.1"}
        log = open(self.data / "out.log", "ab")
        subprocess.run([self.venv / "bin/glance-manage", "--config-file", self.data / "etc/glance-api.conf", "db_sync"],
                       env=environment, stdout=log, stderr=log, check=True)
        self.process = subprocess.Popen(
            [self.venv / "bin/uwsgi", "--http-socket", self.base.removeprefix("http://"), "--module",
             "glance.wsgi.api:application", "--master", "--lazy-apps", "--die-on-term", "--enable-threads",
             "--processes", "1", "--threads", "4", "--disable-logging", "--buffer-size", "65535",
             "--add-header", "Connection: close"],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until(self._ready, "Glance to answer", 90)
        return self

    def _ready(self):
        check(self.process.poll() is None, f"Glance ended: see {self.data / 'out.log'}")
        try:
            with urllib.request.urlopen(self.base + "/versions", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _neighbours(self):
        services = self.keystone.ask("GET", "/services?type=image")["services"]
        query = f"/endpoints?service_id={services[0]['id']}&interface=public"
        endpoint = self.keystone.ask("GET", query)["endpoints"][0]
        paste = self.venv / "etc/glance/glance-api-paste.ini"
        login = (f"auth_url = {self.auth_url}\nauth_type = password\nusername = glance\npassword = {self.password}\n"
                 f"user_domain_id = default\nregion_name = {endpoint['region']}\n")
        return f"""
[DEFAULT]
public_endpoint = {self.base}
worker_self_reference_url = {self.base}
log_file = {self.data}/glance.log
[database]
connection = sqlite:///{self.data}/glance.db?timeout=60
[keystone_authtoken]
www_authenticate_uri = {self.auth_url}
project_domain_id = default
project_name = service
interface = public
service_token_roles = service
service_token_roles_required = true
{login}
[oslo_limit]
system_scope = all
endpoint_id = {endpoint['id']}
{login}
[oslo_concurrency]
lock_path = {self.data}/locks
[os_glance_staging_store]
filesystem_store_datadir = {self.data}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {self.data}/tasks
[paste_deploy]
config_file = {paste}
"""

    def places(self):
        """Literals of this run that answers may contain."""
        return [(f"{self.data}/fast", "fast"), (f"{self.data}/cheap", "cheap"), (self.auth_url.removesuffix("/v3"), "auth"),
                (str(self.data), "data")]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Scurry:
    """`scurry up` with the same configurations."""

    def __init__(self, binary, work):
        self.binary, self.work = binary, Path(work)

    def start(self, name):
        self.data = self.work / name
        self.data.mkdir(parents=True)
        conf = self.work / f"{name}.conf"
        self.server = Server(self.binary, self.data, ["--glance-conf", conf])
        self.base = f"http://127.0.0.1:{self.server.ports[2]}"
        conf.write_text(configuration(name, self.data) + f"\n[DEFAULT]\nworker_self_reference_url = {self.base}\n")
        self.server.start()
        variables = openrc(self.data / "admin-openrc")
        self.auth_url = variables["OS_AUTH_URL"]
        self.password = variables["OS_PASSWORD"]
        self.keystone = Keystone(self.auth_url, self.password)
        return self

    places = Glance.places

    def stop(self):
        self.server.stop()
