# SPDX-License-Identifier: Apache-2.0
"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from ..session import ROOT


def said(*words: object) -> str:
    """The first line a command prints, or nothing."""
    try:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False,
                              env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin"})
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip().split("\n")[0]


def version(*words: object) -> str:
    found = re.search(r"\d+\.\d+[\w.]*", said(*words))
    return found.group(0) if found else "?"


def describe(binary: Path, work: Path) -> dict[str, str]:
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1)) / (1 << 20)
    commit = said("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD")
    programs = {"openssl": ("openssl", "version"), "nginx": ("nginx", "-v"), "wrk": ("wrk", "-v"), "curl": ("curl", "--version"),
                "qemu-img": ("qemu-img", "--version"), "nbdcopy": ("nbdcopy", "--version"), "cp": ("cp", "--version")}
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "commit": commit,
        "scurry": said(binary, "--version"),
        "cores": str(os.cpu_count()),
        "CPU": cpu.group(1) if cpu else platform.processor(),
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "file system": said("findmnt", "-n", "-o", "FSTYPE", "-T", work),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "programs": ", ".join(f"{name} {version(*words)}" for name, words in programs.items()),
    }
