# SPDX-License-Identifier: Apache-2.0
"""What one run of the harness holds: the services, the files, the rounds, and what Glance took."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..session import Failure
from .figures import Figure
from .files import Files
from .profile import Profiler
from .rig import Compared
from .scurry import Scurry
from .service import Service

# Seconds beyond which a contender is not run once more for its profile.
PROFILED = 60
TICKS = os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, work: Path, binary: Path, *, runs: int, quick: bool, glance: Service | None,
                 stored: dict[str, Figure], glance_only: bool, profiler: Profiler, rig: Compared | None = None):
        self.work, self.binary, self.runs, self.quick = work, binary, runs, quick
        self.glance, self.stored, self.profiler, self.rig = glance, stored, profiler, rig
        self.files = Files(work / "files")
        self.scurry = None if glance_only else Scurry(binary, work / "scurry")

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def services(self, what: str, act: Callable[[Service], float]) -> dict[str, Callable[[], float]]:
        """The same act for each service there is, named `scurry WHAT` and `glance WHAT`."""
        there = {"scurry": self.scurry, "glance": self.glance}
        return {f"{name} {what}": lambda service=service: act(service) for name, service in there.items() if service}

    def race(self, key: str, contenders: dict[str, Callable[[], float]], runs: int | None = None, server: int | None = None) -> Race:
        """Runs the contenders in turn, round after round, so that all see the same machine; `server` is the process that
        is Scurry's where it is not the `scurry up` of the harness."""
        race = Race(key, self)
        rounds = runs or self.runs
        for _ in range(rounds):
            for name, act in contenders.items():
                if self.scurry is None and not name.startswith("glance"):
                    continue
                os.sync()
                if name.startswith("glance"):
                    race.add_glance(name, act)
                    continue
                if not name.startswith("scurry"):
                    race.add(name, act())
                    continue
                pid = server or self.scurry.pid
                before, hashed = cpu_seconds(pid), digest_seconds(pid)
                took = act()
                cpu = cpu_seconds(pid) - before
                digests = [seconds - hashed.get(thread, 0) for thread, seconds in digest_seconds(pid).items()]
                race.add(name, took, cpu, digests)
        for name, act in contenders.items():
            if name in race.figures and name.startswith("scurry") and race.figures[name].median < PROFILED:
                self.profiler.around(f"{key}: {name}", server or self.scurry.pid, act)
        for name, figure in race.figures.items():
            print(f"# {key}: {name} {figure.shown()}", file=sys.stderr, flush=True)
        return race

    def stop(self) -> None:
        if self.scurry:
            self.scurry.stop()


class Race:
    """Samples by contender; Glance's come from an earlier run where it takes no part in this one."""

    def __init__(self, key: str, bench: Bench):
        self.key, self.bench, self.figures = key, bench, {}

    def add(self, name: str, took: float, cpu: float | None = None, digests: list[float] | None = None) -> None:
        figure = self.figures.setdefault(name, Figure())
        figure.samples.append(took)
        if cpu is not None:
            figure.cpu.append(cpu)
        if digests is not None:
            figure.digests.append((max(digests, default=0), sum(digests)))

    def add_glance(self, name: str, act: Callable[[], float]) -> None:
        """What Glance fails at has no sample, and does not end the work."""
        try:
            self.add(name, act())
            self.bench.stored[f"{self.key}: {name}"] = self.figures[name]
        except (Failure, OSError) as failure:
            print(f"# {self.key}: {name} failed: {failure}", file=sys.stderr, flush=True)

    def __getitem__(self, name: str) -> Figure:
        return self.figures.get(name) or self.bench.stored.get(f"{self.key}: {name}") or Figure()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    return spent(Path(f"/proc/{pid}/stat"))[1]


def digest_seconds(pid: int) -> dict[str, float]:
    """The same of each of its threads that compute digests; they live as long as the server."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, seconds = spent(thread / "stat")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name == "digests":
            found[thread.name] = seconds
    return found


def spent(stat: Path) -> tuple[str, float]:
    """The name of a process or thread, and its user and system time so far."""
    name, fields = stat.read_text().split("(", 1)[1].rsplit(")", 1)
    fields = fields.split()
    return name, (int(fields[11]) + int(fields[12])) / TICKS
