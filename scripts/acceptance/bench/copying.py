# SPDX-License-Identifier: Apache-2.0
"""Works: copies between stores."""

from __future__ import annotations

from . import figures, tools
from .bench import Bench
from .figures import Figure, Row
from .files import GIB, MIB, allocated
from .service import Service

TARGETS = ["first", "second", "third"]


def three(bench: Bench) -> list[Row]:
    """A sparse image to three volume stores at once."""
    length, data = bench.size(4 * GIB, GIB), bench.size(GIB, 256 * MIB)
    path, shown = bench.files.sparse(length, data), f"{length >> 30} GiB with {data >> 20} MiB of data"
    images = {service: service.uploaded("bench", path) for service in (bench.scurry, bench.glance) if service}
    taken = Figure("")

    def act(service: Service) -> float:
        before = allocated(bench.scurry.pools()) if service is bench.scurry else 0
        took = service.copy(images[service], TARGETS)
        if service is bench.scurry and not taken:
            taken.samples.append((allocated(bench.scurry.pools()) - before) / (3 * data))
        service.leave(images[service], TARGETS)
        return took
    copies = [bench.work / f"copy-{number}" for number in range(3)]
    race = bench.race(f"copy {shown}", {"cp": lambda: tools.cp_sparse(path, copies), **bench.services("three", act)})
    for service, image in images.items():
        service.delete(image)
    name, took = f"copy-image of {shown} to 3 Cinder stores", race["scurry three"]
    rows = figures.at_most("three", name, took, "3 × (cp --sparse=always; sync)", race["cp"], 1.5)
    rows += figures.at_least("three", f"{name}, against Glance", took, "Glance", race["glance three"], 8)
    if taken:
        rows.append(Row("three", f"{name}, allocated", f"{taken.median * 3 * data / MIB:.0f} MiB", f"3 × data {3 * data >> 20} MiB",
                        f"{taken.median:.3f} ×", "≤ 1.05 ×", taken.median <= 1.05))
    return rows


def twin(bench: Bench) -> list[Row]:
    """Between two stores of one backend: no bytes move, whatever the size."""
    service = bench.scurry
    if not service:
        return []
    sizes = [bench.size(GIB, 256 * MIB), bench.size(8 * GIB, 2 * GIB)]
    images = [service.uploaded("bench", bench.files.random(sizes[0]), "first"),
              service.uploaded("bench", bench.files.sparse(sizes[1], sizes[1] // 4), "first")]
    written = Figure("MiB")

    def act(image: str) -> float:
        before = service.written()
        took = service.copy(image, ["twin"])
        written.samples.append((service.written() - before) / MIB)
        service.leave(image, ["twin"])
        return took
    race = bench.race("twin", {"scurry small": lambda: act(images[0]), "scurry large": lambda: act(images[1])})
    for image in images:
        service.delete(image)
    names = [f"{size >> 20} MiB" for size in sizes]
    return [
        *figures.at_most("twin", f"copy between two stores of one backend, {names[1]}", race["scurry large"],
                         names[0], race["scurry small"], 1.5),
        *figures.below("twin", "copy between two stores of one backend, bytes written", written, 4),
    ]
