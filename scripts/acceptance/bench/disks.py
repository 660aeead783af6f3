# SPDX-License-Identifier: Apache-2.0
"""Works: conversion on import, and disks that are nearly all hole."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from ..session import check
from . import figures, tools
from .bench import Bench
from .figures import Figure, Row
from .files import GIB, MIB


CLIENT = "scurry image upload"


def converting(bench: Bench, qcow2: Path, keep: list[str] | None = None) -> float:
    """Seconds of an import of a staged qcow2 that becomes raw in the file store."""
    image = bench.scurry.create("bench", "qcow2")
    bench.scurry.put(image, qcow2, None, "stage")
    took = bench.scurry.imported(image, "file")
    if keep is None:
        bench.scurry.delete(image)
    else:
        keep.append(image)
    return took


def convert(bench: Bench) -> list[Row]:
    """Compressed qcow2 to raw, against qemu-img."""
    if not bench.scurry:
        return []
    length, data, rows = bench.size(2 * GIB, GIB), bench.size(GIB, 512 * MIB), []
    for kind in ("zlib", "zstd"):
        qcow2, target = bench.files.compressed(kind, length, data), bench.work / "converted.raw"
        race = bench.race(f"convert {kind}", {
            "qemu-img": lambda qcow2=qcow2: tools.writing(target, "qemu-img", "convert", "-O", "raw", qcow2, target),
            "scurry import": lambda qcow2=qcow2: converting(bench, qcow2)})
        rows += figures.at_most("convert", f"import qcow2 ({kind}) of {length >> 20} MiB as raw", race["scurry import"],
                                "qemu-img convert", race["qemu-img"], 1.2)
    return rows


def client_upload(bench: Bench, path: Path) -> float:
    """Seconds of `scurry image upload`; the image is removed afterwards."""
    service = bench.scurry
    begun = time.monotonic()
    done = subprocess.run([bench.binary, "image", "upload", path, "--name", "bench", "--store", service.stores["file"],
                           "--image-endpoint", service.url, "--disk-format", "raw", "--quiet"],
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          env=os.environ | {"SCURRY_TOKEN": service.token, "XDG_STATE_HOME": str(bench.work)})
    took = time.monotonic() - begun
    check(done.returncode == 0, f"{CLIENT} ended with {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}")
    image = done.stdout.split()[-1]
    check(service.image(image)["status"] == "active", f"{CLIENT} left image {image} not active")
    service.delete(image)
    return took


def has_client(bench: Bench) -> bool:
    return subprocess.run([bench.binary, "image", "upload", "--help"], capture_output=True, check=False).returncode == 0


def huge(bench: Bench) -> list[Row]:
    """The same data in a small and in a huge disk: the time may grow by the digests' pass over the zeroes only.

    That pass is what the server's digest threads work longer, of the same run: passes of minutes vary by more than the rest takes.
    """
    if not bench.scurry:
        return []
    data, small, large = bench.size(GIB, 256 * MIB), bench.size(4 * GIB, GIB), bench.size(100 * GIB, 10 * GIB)
    times: dict[str, Figure] = {}
    # A huge disk takes minutes, nearly all of it in the digests.
    rounds = {"small": min(bench.runs, 3), "large": 1 if bench.quick else min(bench.runs, 2)}
    for which, length in {"small": small, "large": large}.items():
        times |= one_size(bench, which, length, data, rounds[which])
    return rows(times, (small, large, data), tools.digest_seconds(large - small))


def one_size(bench: Bench, which: str, length: int, data: int, runs: int) -> dict[str, Figure]:
    """Import of a qcow2, copy of what came of it, and upload, of a disk of that length."""
    files, keep = bench.files, []
    qcow2 = files.qcow2(length, data)
    found = bench.race("huge", {f"scurry import {which}": lambda: converting(bench, qcow2, keep)}, runs).figures
    found |= bench.race("huge", {f"scurry copy {which}": lambda: copied(bench, keep[0])}, min(bench.runs, 3)).figures
    for image in keep:
        bench.scurry.delete(image)
    if has_client(bench):
        path = files.sparse(length, data)
        found |= bench.race("huge", {f"scurry upload {which}": lambda: client_upload(bench, path)}, runs).figures
    files.drop(qcow2)
    return found


def copied(bench: Bench, image: str) -> float:
    took = bench.scurry.copy(image, ["second"])
    bench.scurry.leave(image, ["second"])
    return took


def rows(times: dict[str, Figure], lengths: tuple[int, int, int], floor: float) -> list[Row]:
    """What the huge disk takes, without the digests' pass over its zeroes: on the clock, and of the server's CPU time."""
    small, large, data = lengths
    shown, given = f"{large >> 30} GiB with {data >> 20} MiB of data", []
    for what, name, passes in (("upload", CLIENT, True), ("copy", "copy-image", False), ("import", "import of qcow2 as raw", True)):
        taken, reference = times.get(f"scurry {what} large"), times.get(f"scurry {what} small")
        name = f"{name}, {shown}"
        if not taken or not reference:
            given.append(Row("huge", name, "not there", "—", "", "≤ 1.5 ×", False))
        elif passes:
            busiest, together = taken.longer_pass(reference)
            given.append(without(name, taken, busiest, small, Figure(reference.unit, reference.samples)))
            given.append(without(f"{name}, the server's CPU", taken.of_cpu(), together, small, reference.of_cpu()))
            given.append(Row("huge", f"{name}, both digests of {(large - small) >> 30} GiB of zeroes", f"{busiest:.1f} s, CPU {together:.1f} s",
                             f"openssl speed, both side by side {floor:.1f} s", f"{busiest / floor:.2f} ×", "", None))
        else:
            given += figures.at_most("huge", name, taken, f"{small >> 30} GiB", reference, 1.5)
    return given


def without(name: str, taken: Figure, digests: float, small: int, reference: Figure) -> Row:
    """A row of what is left of a time without that of the digests."""
    row = figures.at_most("huge", name, taken.minus(digests), f"{small >> 30} GiB", reference, 1.5)[0]
    row.scurry += f" + {digests:.1f} s of digests"
    return row
