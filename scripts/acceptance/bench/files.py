# SPDX-License-Identifier: Apache-2.0
"""The disk images that are measured: random, sparse, compressed; each made once a run."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from .. import disk
from ..session import check

MIB, GIB = 1 << 20, 1 << 30


class Files:
    """Images below one directory, by what is in them."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def random(self, length: int) -> Path:
        """Data that neither compresses nor has holes."""
        path = self.folder / f"random-{length >> 20}.raw"
        if not path.exists():
            with open(path, "wb") as file:
                for _ in range(length // MIB):
                    file.write(os.urandom(MIB))
        return path

    def sparse(self, length: int, data: int) -> Path:
        """`data` random bytes in 64 pieces spread over `length`; holes between them."""
        path = self.folder / f"sparse-{length >> 20}-{data >> 20}.raw"
        if not path.exists():
            with open(path, "wb") as file:
                file.truncate(length)
                for piece in range(64):
                    file.seek(piece * (length // 64))
                    for _ in range(data // 64 // MIB):
                        file.write(os.urandom(MIB))
        return path

    def qcow2(self, length: int, data: int) -> Path:
        """The same as a qcow2 without compression."""
        path = self.folder / f"sparse-{length >> 20}-{data >> 20}.qcow2"
        if not path.exists():
            convert("-O", "qcow2", self.sparse(length, data), path)
        return path

    def compressed(self, kind: str, length: int, data: int) -> Path:
        """A qcow2 with zlib or zstd clusters that hold text-like data, compressible to about a half."""
        path = self.folder / f"{kind}-{length >> 20}.qcow2"
        if not path.exists():
            convert("-c", "-O", "qcow2", "-o", f"compression_type={kind}", self.text(length, data), path)
        return path

    def text(self, length: int, data: int) -> Path:
        """Words in random order, in 64 pieces."""
        path = self.folder / f"text-{length >> 20}.raw"
        if not path.exists():
            choice = random.Random(4)
            words = [choice.randbytes(choice.randint(4, 60)) for _ in range(4000)]
            with open(path, "wb") as file:
                file.truncate(length)
                for piece in range(64):
                    file.seek(piece * (length // 64))
                    for _ in range(data // 64 // MIB):
                        file.write(b"".join(choice.choices(words, k=40000))[:MIB].ljust(MIB, b"."))
        return path

    def drop(self, *paths: Path) -> None:
        for path in paths:
            path.unlink(missing_ok=True)


def convert(*words: object) -> None:
    disk.run("qemu-img", "convert", *words)


def allocated(path: Path) -> int:
    """Bytes of disk of a file, or of all below a folder."""
    return disk.allocated(path) if path.is_dir() else path.stat().st_blocks * 512


def install(programs: dict[str, str]) -> None:
    """Installs the Debian packages of those programs that are missing (program: package)."""
    found = os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]
    missing = sorted({package for program, package in programs.items()
                      if not any(os.access(f"{folder}/{program}", os.X_OK) for folder in found)})
    if not missing:
        return
    print(f"installing {' '.join(missing)}", flush=True)
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    done = subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet)
    check(done.returncode == 0, f"cannot install {' '.join(missing)}")
