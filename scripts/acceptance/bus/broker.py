# SPDX-License-Identifier: Apache-2.0
"""A RabbitMQ of our own on loopback, and the oslo.messaging that listens to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from ..session import check, free_ports, until

USER, PASSWORD, VIRTUAL_HOST = "openstack", "p@ss:w,rd", "cloud"


def stop_group(process, how=signal.SIGTERM):
    """Ends a process that was started in a group of its own, and what it started."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def certificates(work):
    """An authority, and a certificate of it for loopback."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    authority, key, leaf = work / "ca.pem", work / "key.pem", work / "cert.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=Scurry test authority",
            "-keyout", work / "ca.key", "-out", authority)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", work / "csr.pem")
    (work / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", work / "csr.pem", "-CA", authority, "-CAkey", work / "ca.key", "-CAcreateserial",
            "-days", 2, "-extfile", work / "san", "-out", leaf)
    key.chmod(0o644)
    return authority, leaf, key


class Broker:
    """RabbitMQ with its own node name, ports, port mapper and directory."""

    def __init__(self, work):
        self.work = Path(work)
        self.work.mkdir(parents=True)
        self.port, self.tls_port, self.epmd_port, self.dist_port, self.dead_port = free_ports(5)
        self.authority, leaf, key = certificates(self.work)
        (self.work / "enabled_plugins").write_text("[].\n")
        (self.work / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlisteners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self.authority}\nssl_options.certfile = {leaf}\nssl_options.keyfile = {key}\n"
            "ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n"
            f"default_user = {USER}\ndefault_pass = {PASSWORD}\ndefault_vhost = {VIRTUAL_HOST}\n")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ")} | {
            "HOME": str(self.work), "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": f"scurry{os.getpid()}@localhost", "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.work / "data"), "RABBITMQ_LOG_BASE": str(self.work),
            "RABBITMQ_LOGS": str(self.work / "rabbit.log"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.work / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.work / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"}
        self.mapper = self.process = None

    def _run(self, *words):
        out = open(self.work / "out.log", "ab")
        return subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                start_new_session=True)

    def _listens(self, port):
        process = self.process or self.mapper
        check(process.poll() is None, f"the broker ended: see {self.work}")
        with socket.socket() as one:
            one.settimeout(2)
            return one.connect_ex(("127.0.0.1", port)) == 0

    def start(self):
        if self.mapper is None:
            self.mapper = self._run("epmd", "-address", "127.0.0.1", "-port", str(self.epmd_port))
            until(lambda: self._listens(self.epmd_port), "epmd to listen", 30)
        self.process = self._run("/usr/lib/rabbitmq/bin/rabbitmq-server")
        until(lambda: self._listens(self.port) and self._listens(self.tls_port), "RabbitMQ to listen", 120)
        return self

    def stop(self):
        """The broker alone; its data stay."""
        stop_group(self.process)
        self.process = None

    def end(self):
        self.stop()
        stop_group(self.mapper)
        self.mapper = None

    def url(self, *ports, host="127.0.0.1"):
        """A transport's address with these ports."""
        login = f"{USER}:{quote(PASSWORD, safe='')}"
        return "rabbit://" + ",".join(f"{login}@{host}:{port}" for port in ports or [self.port]) + f"/{VIRTUAL_HOST}"


class Listener:
    """consumer.py under oslo.messaging."""

    def __init__(self, venv, broker, work, topic):
        self.heard_file = Path(work) / f"heard-{topic}"
        self.heard_file.touch()
        configuration = Path(work) / f"consumer-{topic}.conf"
        # One thread, or messages that come together are heard in any order.
        configuration.write_text(f"[DEFAULT]\ntransport_url = {broker.url()}\nexecutor_thread_pool_size = 1\n"
                                 "[oslo_messaging_rabbit]\namqp_durable_queues = True\nrabbit_interval_max = 2\n")
        log = open(Path(work) / f"consumer-{topic}.log", "ab")
        program = Path(__file__).with_name("consumer.py")
        self.process = subprocess.Popen([Path(venv) / "bin/python", program, configuration, topic, self.heard_file],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def heard(self):
        """Everything it heard so far."""
        check(self.process.poll() is None, f"the listener ended: see {self.heard_file.parent}")
        return [json.loads(line) for line in self.heard_file.read_text().splitlines()]

    def stop(self):
        stop_group(self.process)
