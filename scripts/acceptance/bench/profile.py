# SPDX-License-Identifier: Apache-2.0
"""perf around one more round of a work, and its hottest symbols as text."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LINES = 15


class Profiler:
    """`wanted`: a work's name, `missed` (all are taken, those of missed targets kept), or nothing."""

    def __init__(self, wanted: str | None, work: Path):
        self.wanted, self.work, self.current = wanted, work, ""
        self.tables: dict[str, dict[str, str]] = {}

    def begin(self, work_name: str) -> None:
        self.current = work_name

    def around(self, title: str, pid: int, act: Callable[[], object]) -> None:
        """Runs `act` once more if its profile is wanted. perf takes a part of the cores: that round does not count."""
        if self.wanted not in (self.current, "missed"):
            return
        data = self.work / "perf.data"
        perf = subprocess.Popen(["perf", "record", "-q", "-F", "299", "-g", "-o", data, "-p", str(pid)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            act()
        finally:
            perf.send_signal(signal.SIGINT)
            perf.wait(120)
            self.tables.setdefault(self.current, {})[title] = report(data)
            data.unlink(missing_ok=True)


def report(data: Path) -> str:
    """The symbols most samples fell on."""
    done = subprocess.run(["perf", "report", "--stdio", "--no-children", "-g", "none", "--sort", "symbol",
                           "--percent-limit", "1", "-i", data], capture_output=True, text=True, check=False)
    return "\n".join(shorten(done.stdout)) or f"perf gave nothing: {done.stderr.strip()[:200]}"


def shorten(text: str) -> list[str]:
    """The lines with a share, without the hashes of Rust's symbols."""
    lines = [line.rstrip() for line in text.splitlines() if re.match(r"\s+\d+\.\d+%", line)]
    return [re.sub(r"::h[0-9a-f]{16}\b", "", line)[:110] for line in lines[:LINES]]
