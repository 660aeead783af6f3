# SPDX-License-Identifier: Apache-2.0
"""Work: our iSCSI initiator against qemu-img's, both with one LUN of a tgtd that runs for this alone."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

from ..session import ROOT, check, free_ports, until
from . import figures, tools
from .bench import Bench
from .figures import Row
from .files import GIB, MIB, install

NAME = "iqn.2026-01.internal.scurry:bench"
ACCOUNT, SECRET = "bench", "throughput12"
# The system's own, and one kept apart because Debian's driver is in a package of its own.
QEMU = (os.environ.get("QEMU_IMG", ""), "qemu-img", "/opt/rig/qemu/qemu-img")
NONE = "no qemu-img with an iSCSI driver here (Debian: qemu-block-extra)"


class Target:
    """tgtd with one thin, file-backed LUN behind CHAP; its own port and control socket."""

    def __init__(self, folder: Path, length: int):
        folder.mkdir()
        self.file, self.length, self.port = folder / "lun", length, free_ports(1)[0]
        self.environment = os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "TGT_IPC_SOCKET": str(folder / "s")}
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(["tgtd", "-f", "-C", "1", "--iscsi", f"portal=127.0.0.1:{self.port}"],
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> Target:
        self.empty()
        lun = "--mode logicalunit --tid 1 --lun 1 --op"
        try:
            until(lambda: self.adm("--mode sys --op show").returncode == 0, "tgtd", 20, 0.1)
            for call in (f"--mode target --op new --tid 1 -T {NAME}", f"{lun} new -b {self.file}",
                         f"{lun} update --params thin_provisioning=1",
                         f"--mode account --op new --user {ACCOUNT} --password {SECRET}",
                         f"--mode account --op bind --tid 1 --user {ACCOUNT}", "--mode target --op bind --tid 1 -I ALL"):
                done = self.adm(call)
                check(done.returncode == 0, f"tgtadm: {done.stderr.strip()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def adm(self, call: str) -> subprocess.CompletedProcess:
        return subprocess.run(["tgtadm", "-C", "1", "--lld", "iscsi", *call.split()], env=self.environment,
                              capture_output=True, text=True, check=False)

    def empty(self) -> None:
        """All of the LUN a hole again."""
        with open(self.file, "ab") as file:
            file.truncate(0)
            file.truncate(self.length)

    @property
    def url(self) -> str:
        return f"iscsi://{ACCOUNT}%{SECRET}@127.0.0.1:{self.port}/{NAME}/1"

    def allocated(self) -> int:
        return self.file.stat().st_blocks * 512


def program() -> Path:
    """The initiator's example, built as the service is."""
    done = subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "scurry-iscsi", "--example", "copy"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"cargo build: {done.stderr[-500:]}")
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/copy"


def qemu_img(target: Target) -> str | None:
    """The first qemu-img that speaks iSCSI."""
    for candidate in filter(None, QEMU):
        try:
            done = subprocess.run([candidate, "info", "-f", "raw", target.url], capture_output=True, text=True, check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return candidate
    return None


class Contest:
    """Runs programs; CPU seconds of each are kept beside its times."""

    def __init__(self, bench: Bench):
        self.bench, self.cpu = bench, {}

    def act(self, name: str, *words: object) -> float:
        spent = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])  # noqa: E731
        before = spent()
        took = tools.timed(*words)
        self.cpu.setdefault(name, []).append(spent() - before)
        return took

    def race(self, key: str, contenders: dict) -> dict:
        self.cpu = {}
        race = self.bench.race(key, contenders)
        for name, figure in race.figures.items():
            figure.cpu = self.cpu[name]
        return race.figures


def throughput(bench: Bench) -> list[Row]:
    """A file into the LUN and out of it, and what a sparse one allocates."""
    if not bench.scurry:
        return []
    install({"tgtd": "tgt"})
    length, copy = bench.size(GIB, 256 * MIB), program()
    path, back, contest = bench.files.random(length), bench.work / "back.raw", Contest(bench)
    with Target(bench.work / "tgt", length) as target:
        qemu = qemu_img(target)

        def writes(name: str, *words: object) -> float:
            target.empty()
            took = contest.act(name, *words)
            check(target.allocated() >= length, f"{name} wrote too little")
            return took

        def reads(name: str, *words: object) -> float:
            back.unlink(missing_ok=True)
            took = contest.act(name, *words)
            same = subprocess.run(["cmp", path, back], capture_output=True, text=True, check=False)
            check(same.returncode == 0, f"{name} read something else: {same.stdout}{same.stderr}")
            return took
        # Both bring the data to the target's disk at the end: without -t qemu-img does not.
        convert = (qemu, "convert", "-n", "-W", "-m", "16", "-f", "raw", "-O", "raw")
        into = {"ours": lambda: writes("ours", copy, path, target.url)}
        out = {"ours": lambda: reads("ours", copy, target.url, back)}
        if qemu:
            into["qemu-img"] = lambda: writes("qemu-img", *convert, "-t", "writeback", path, target.url)
            out["qemu-img"] = lambda: reads("qemu-img", *(word for word in convert if word != "-n"), target.url, back)
        written, taken = contest.race("iscsi write", into), contest.race("iscsi read", out)
        back.unlink(missing_ok=True)
        return [*compared(f"iSCSI, write {length >> 20} MiB to a LUN", written),
                *compared(f"iSCSI, read {length >> 20} MiB of a LUN", taken), *sparse(bench, copy, length)]


def compared(name: str, taken: dict) -> list[Row]:
    if "qemu-img" not in taken:
        return [Row("iscsi", name, taken["ours"].shown(), NONE, "", "≥ 0.9 ×", None)]
    return figures.at_least("iscsi", name, taken["ours"], "qemu-img convert -W -m 16", taken["qemu-img"], 0.9)


def sparse(bench: Bench, copy: Path, length: int) -> list[Row]:
    """A quarter of data: into a LUN of holes, and over one that is full."""
    data, rows = length // 4, []
    path, full = bench.files.sparse(length, data), bench.files.random(length)
    for number, (before, shown) in enumerate(((None, "a fresh LUN"), (full, "a LUN that was full"))):
        with Target(bench.work / f"tgt-{number}", length) as target:
            if before:
                tools.timed(copy, before, target.url)
            tools.timed(copy, path, target.url)
            os.sync()
            same = subprocess.run(["cmp", path, target.file], capture_output=True, text=True, check=False)
            check(same.returncode == 0, f"the LUN holds something else: {same.stdout}{same.stderr}")
            ratio = target.allocated() / data
            rows.append(Row("iscsi", f"iSCSI, {length >> 20} MiB with {data >> 20} MiB of data to {shown}, allocated",
                            f"{target.allocated() / MIB:.0f} MiB", f"data {data >> 20} MiB", f"{ratio:.3f} ×", "≤ 1.05 ×", ratio <= 1.05))
    return rows
