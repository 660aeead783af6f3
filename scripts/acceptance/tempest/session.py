# SPDX-License-Identifier: Apache-2.0
"""Runs Tempest and holds its results against those of real Glance in the same configuration."""

from __future__ import annotations

import functools
import http.server
import re
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path

from ..session import ROOT, Cloud, Failure, Server, check, equal, free_ports, openrc, until
from . import settings

# As on any cloud: some metadata definitions; the tests take the first resource type there is.
DEFINITIONS = Path(__file__).parent / "metadefs.json"
LINE = re.compile(r"^\{\d+\} (?:setUpClass \((?P<group>\S+)\)|(?P<test>\S+)) .*\.\.\. (?P<result>\w+)")
RESULTS = {"ok": "passed", "SKIPPED": "skipped", "FAILED": "failed"}


def install():
    """A virtual environment with Tempest; gives its bin directory."""
    venv, wanted = ROOT / "target/tempest", ROOT / "scripts/tempest.txt"
    stamp = venv / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        print(f"installing Tempest into {venv}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check",
                        "--requirement", wanted], check=True)
        stamp.write_text(wanted.read_text())
    return venv / "bin"


def serve_images(folder):
    """Images that web-download and the http store fetch, on loopback; gives the server."""
    folder.mkdir()
    (folder / "small.img").write_bytes(bytes(range(256)) * 4096)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "small.qcow2", "16M"], check=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run_tempest(tempest, work, regex):
    """The result of every test by name: passed, skipped or failed."""
    root = subprocess.run([tempest / "python", "-c", "import tempest; print(tempest.__path__[0])"],
                          capture_output=True, text=True, check=True).stdout.strip()
    (work / ".stestr.conf").write_text(
        f"[DEFAULT]\ntest_path={root}/test_discover\ntop_dir={Path(root).parent}\n"
        "group_regex=([^\\.]*\\.)*\n")
    output = work / "tempest.txt"
    with open(output, "wb") as sink:
        subprocess.run([tempest / "tempest", "run", "--config-file", work / "tempest.conf", "--concurrency", "2",
                        "--regex", regex], cwd=work, stdout=sink, stderr=subprocess.STDOUT, timeout=1500, check=False,
                       env={"PATH": f"{tempest}:/usr/local/bin:/usr/bin:/bin", "HOME": str(work),
                            "no_proxy": "127.0.0.1,localhost"})
    found = {}
    for line in output.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match:
            name = re.sub(r"\[.*", "", match["group"] or match["test"])
            found[name] = RESULTS.get(match["result"], "failed")
    check(found, f"Tempest ran no test: {output.read_text(errors='replace')[-2000:]}")
    return found


def reference_image(admin, here):
    """As on any cloud: a public image that lists by disk_format=raw find, whatever formats the tests draw; gives its id."""
    return admin.openstack("image", "create", "tempest-ref", "--public", "--disk-format", "raw", "--container-format", "bare",
                           "--file", here / "images/small.img")["id"]


def expected(configuration):
    """The file with what Glance makes of each test."""
    return Path(__file__).parent / f"glance-{configuration}.txt"


def compare(configuration, found, whole):
    """Raises Failure where Glance does better; prints the row for docs/COMPAT.md."""
    lines = expected(configuration).read_text().splitlines()
    glance = dict(line.rsplit(" ", 1) for line in lines)
    count, of_glance = Counter(found.values()), Counter(glance.values())
    cells = [f"{sum(result.values())} | {result['passed']} | {result['failed']} | {result['skipped']}"
             for result in (of_glance, count)]
    print(f"| {configuration} | {cells[0]} | {cells[1]} |", flush=True)
    worse = [name for name, result in glance.items() if result == "passed" and found.get(name) != "passed"
             and (whole or name in found)]
    failed = sorted({name for name, result in found.items() if result == "failed"} | set(worse))
    if failed:
        lines = "\n".join(f"  {name}: {found.get(name, 'not run')}" for name in failed)
        raise Failure(f"tempest, {configuration}: Glance does better in\n{lines}")
    if whole:
        check(count["skipped"] <= of_glance["skipped"], f"{configuration}: more tests are skipped than with Glance")


class SecondNode:
    """Another image-api of the same cloud, in the catalog as service type image_remote."""

    def __init__(self, binary, clients, here):
        (port,) = free_ports(1)
        conf = here / "node-2.conf"
        conf.write_text(settings.second_node_conf(here, port))
        files = [here / "glance-api.conf", here / "data/embedded.conf", conf]
        log = open(here / "node-2.log", "wb")
        self.process = subprocess.Popen(
            [binary, "image-api", *(word for file in files for word in ("--config-file", file))],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        until(lambda: self.answers(url), f"the second node to answer ({here}/node-2.log)", 30, 0.1)
        admin = Cloud(clients, openrc(here / "data/admin-openrc"), binary)
        admin.plain("service", "create", "--name", "remote", "image_remote")
        admin.plain("endpoint", "create", "--region", "RegionOne", "image_remote", "public", url)

    def answers(self, url):
        check(self.process.poll() is None, "the second node ended")
        try:
            with urllib.request.urlopen(f"{url}/healthcheck", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        equal(self.process.wait(60), 0, "exit status of the second node")


def run(binary, clients, work, options):
    """Every configuration, or the one asked for."""
    tempest = install()
    print("| configuration | Glance: tests | passed | failed | skipped | Scurry: tests | passed | failed | skipped |")
    failures = []
    for configuration in [options.configuration] if options.configuration else settings.CONFIGURATIONS:
        here = work / configuration
        here.mkdir()
        images = serve_images(here / "images")
        (here / "glance-api.conf").write_text(settings.glance_conf(configuration, here))
        server, second = Server(binary, here / "data", ["--glance-conf", here / "glance-api.conf"]), None
        try:
            server.start()
            if configuration == "two-nodes":
                second = SecondNode(binary, clients, here)
            admin = openrc(here / "data/admin-openrc")
            subprocess.run([binary, "db", "load-metadefs", "--path", DEFINITIONS, "--config-file",
                            here / "glance-api.conf", "--config-file", here / "data/embedded.conf"],
                           check=True, stdout=subprocess.DEVNULL)
            reference_image(Cloud(clients, admin, binary), here)
            web = f"http://127.0.0.1:{images.server_port}"
            (here / "tempest.conf").write_text(settings.tempest_conf(
                configuration, here, admin["OS_AUTH_URL"], admin["OS_PASSWORD"], web, second and "image_remote"))
            found = run_tempest(tempest, here, options.regex or r"^tempest\.api\.image")
            compare(configuration, found, options.regex is None)
            if second:
                second.stop()
            server.stop()
        except Failure as failure:
            failures.append(f"{failure}\n(details: {here}/tempest.txt)")
        finally:
            images.shutdown()
            if second and second.process.poll() is None:
                second.process.kill()
            if server.process and server.process.poll() is None:
                server.kill()
    check(not failures, "\n".join(failures))
