# SPDX-License-Identifier: Apache-2.0
"""The references of this machine: openssl, cp, dd, qemu-img, nbdcopy, nginx, wrk."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..session import Failure, check, free_ports, until

ALGORITHMS = ("md5", "sha512")


def timed(*words: object) -> float:
    """Seconds of a command that must succeed."""
    words = [str(word) for word in words]
    begun = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    took = time.monotonic() - begun
    check(done.returncode == 0, f"{shlex.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
    return took


def together(jobs: list, workers: int) -> tuple[float, list]:
    """Seconds until all of these calls are done, `workers` at a time; and what they gave."""
    begun = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        given = list(pool.map(lambda job: job(), jobs))
    return time.monotonic() - begun, given


def both_digests(path: Path) -> float:
    """md5 and sha512 of a file by openssl, side by side."""
    return together([lambda name=name: timed("openssl", "dgst", f"-{name}", path) for name in ALGORITHMS], 2)[0]


def all_digests(path: Path, times: int) -> float:
    """md5 and sha512 of a file, `times` over, with as many openssl at work as there are cores."""
    jobs = [lambda name=name: timed("openssl", "dgst", f"-{name}", path) for _ in range(times) for name in ALGORITHMS]
    return together(jobs, os.cpu_count() or 1)[0]


def digest_seconds(length: int) -> float:
    """Seconds both digests need for `length` bytes at least: the slower of both, measured side by side in memory."""
    def speed(name):
        done = subprocess.run(["openssl", "speed", "-seconds", "4", "-bytes", "65536", "-evp", name],
                              capture_output=True, text=True, check=True)
        return float(re.search(r"([\d.]+)k\s*$", done.stdout.strip()).group(1)) * 1000
    return length / min(together([lambda name=name: speed(name) for name in ALGORITHMS], 2)[1])


def cp_sparse(source: Path, targets: list[Path]) -> float:
    """`cp --sparse=always` to each target in turn, each brought to the disk as a store does."""
    script = "; ".join(f"cp --sparse=always {shlex.quote(str(source))} {shlex.quote(str(target))} && "
                       f"sync {shlex.quote(str(target))}" for target in targets)
    try:
        return timed("sh", "-ec", script)
    finally:
        for target in targets:
            target.unlink(missing_ok=True)


def writing(target: Path, *words: object) -> float:
    """A command that writes `target`, which is removed afterwards."""
    try:
        return timed(*words)
    finally:
        target.unlink(missing_ok=True)


class Nginx:
    """nginx as a static server of one folder."""

    def __init__(self, root: Path, work: Path):
        self.port, self.home = free_ports(1)[0], work / "nginx"
        self.home.mkdir(exist_ok=True)
        conf = self.home / "nginx.conf"
        user = "user root; " if os.getuid() == 0 else ""
        conf.write_text(f"{user}worker_processes {os.cpu_count()}; pid {self.home}/pid; error_log {self.home}/error.log; "
                        f"daemon off; events {{ worker_connections 512; }} http {{ access_log off; sendfile on; tcp_nopush on; "
                        f"server {{ listen 127.0.0.1:{self.port}; root {root}; }} }}\n")
        self.process = subprocess.Popen(["nginx", "-p", self.home, "-c", conf], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"})
        until(lambda: (self.home / "pid").exists() and (self.home / "pid").read_text().strip(), "nginx to start", 20, 0.05)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def get(self, path: Path) -> float:
        done = timed("curl", "-sSf", "-o", "/dev/null", self.url(path.name))
        return done

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def __enter__(self) -> Nginx:
        return self

    def __exit__(self, *_error) -> None:
        self.stop()


UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


def parse_wrk(text: str) -> dict[str, float]:
    """Requests a second, p50 and p99 in ms, of what `wrk --latency` prints; and answers that were no success."""
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not found:
        raise Failure(f"wrk said: {text}")
    result = {"rate": float(found.group(1))}
    for percent in (50, 99):
        value, unit = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s|m)\b", text).groups()
        result[f"p{percent}"] = float(value) * UNITS[unit]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    result["refused"] = float(refused.group(1)) if refused else 0.0
    return result


def wrk(url: str, seconds: int, token: str | None = None) -> dict[str, float]:
    """Eight connections that ask as fast as they are answered."""
    words = ["wrk", "-t2", "-c8", f"-d{seconds}s", "--timeout", "60s", "--latency"]
    if token:
        words += ["-H", f"X-Auth-Token: {token}"]
    done = subprocess.run([*words, url], capture_output=True, text=True, check=True)
    return parse_wrk(done.stdout)
