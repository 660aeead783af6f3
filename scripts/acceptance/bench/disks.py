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
    """The same data in a small and in a huge disk: the time may grow by the digests' pass over the zeroes only."""
    if not bench.scurry:
        return []
    data, small, large = bench.size(GIB, 256 * MIB), bench.size(4 * GIB, GIB), bench.size(100 * GIB, 10 * GIB)
    images: dict[str, list[str]] = {"small": [], "large": []}
    lengths = {"small": small, "large": large}
    service, files = bench.scurry, bench.files
    digests = tools.digest_seconds(large - small)
    upload = has_client(bench)
    times: dict[str, Figure] = {}
    for which, length in lengths.items():
        qcow2 = files.qcow2(length, data)
        keep = images[which]
        runs = min(bench.runs, 3) if which == "small" else 1
        race = bench.race("huge", {f"scurry import {which}": lambda: converting(bench, qcow2, keep)}, runs)
        race.figures |= bench.race("huge", {f"scurry copy {which}": lambda: copied(bench, keep[0])}, min(bench.runs, 3)).figures
        for image in keep:
            service.delete(image)
        if upload:
            path = files.sparse(length, data)
            race.figures |= bench.race("huge", {f"scurry upload {which}": lambda: client_upload(bench, path)}, runs).figures
        files.drop(qcow2)
        times |= race.figures
    digests = (digests + tools.digest_seconds(large - small)) / 2
    return rows(times, (small, large, data), digests)


def copied(bench: Bench, image: str) -> float:
    took = bench.scurry.copy(image, ["second"])
    bench.scurry.ask("DELETE", f"/v2/stores/{bench.scurry.stores['second']}/{image}")
    return took


def rows(times: dict[str, Figure], lengths: tuple[int, int, int], digests: float) -> list[Row]:
    small, large, data = lengths
    shown = f"{large >> 30} GiB with {data >> 20} MiB of data"
    given = [Row("huge", f"both digests of {(large - small) >> 30} GiB of zeroes", "—", f"openssl speed {digests:.1f} s", "", "", None)]
    for what, name, passes in (("upload", CLIENT, True), ("copy", "copy-image", False), ("import", "import of qcow2 as raw", True)):
        taken, reference = times.get(f"scurry {what} large"), times.get(f"scurry {what} small")
        if not taken or not reference:
            given.append(Row("huge", f"{name}, {shown}", "not there", "—", "", "≤ 1.5 ×", False))
            continue
        apart = f" + {digests:.1f} s of digests" if passes else ""
        row = figures.at_most("huge", f"{name}, {shown}", taken.minus(digests if passes else 0), f"{small >> 30} GiB", reference, 1.5)[0]
        row.scurry += apart
        given.append(row)
    return given
