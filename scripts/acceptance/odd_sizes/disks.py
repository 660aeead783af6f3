# SPDX-License-Identifier: Apache-2.0
"""The files that are sent: a little data at the front, in the middle and at the very end, holes between."""

from __future__ import annotations

import os
from pathlib import Path

from .. import disk

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PIECE = 64 * KIB


class Disk:
    """A file and what an image of it must show."""

    def __init__(self, path: Path, length: int):
        self.path, self.length = path, length
        with open(path, "wb") as file:
            file.truncate(length)
            for start in starts(length):
                file.seek(start)
                file.write(os.urandom(min(PIECE, length - start)))
        self.md5, self.sha512 = disk.digests(path)
        self.allocated = os.stat(path).st_blocks * 512

    def read(self, start: int, length: int) -> bytes:
        with open(self.path, "rb") as file:
            file.seek(start)
            return file.read(length)

    def ranges(self) -> list[tuple[int, int]]:
        """Stretches worth asking for: both ends, and across what a 31-bit or a block's count would get wrong."""
        edges = [0, self.length - 1, 4096, 4 * MIB, GIB, 2 * GIB]
        found = {(max(0, edge - 7), min(self.length, edge + 9)) for edge in edges if 0 <= edge < self.length}
        return sorted(found)


def starts(length: int) -> list[int]:
    """Where data lies: all of a small file; both ends and the middle of a large one."""
    if length <= 3 * PIECE:
        return list(range(0, length, PIECE))
    last = length - PIECE - length % 4096
    return [0, length // 2 // MIB * MIB, last, last + PIECE]


def random_file(path: Path, length: int) -> Disk:
    """A file without a hole."""
    path.write_bytes(os.urandom(length))
    found = Disk.__new__(Disk)
    found.path, found.length, found.allocated = path, length, length
    found.md5, found.sha512 = disk.digests(path)
    return found
