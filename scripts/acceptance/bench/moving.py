# SPDX-License-Identifier: Apache-2.0
"""Works: uploads and downloads."""

from __future__ import annotations

import os

from . import figures, tools
from .bench import Bench
from .figures import Figure, Row
from .files import GIB, MIB
from .scurry import memory
from .service import Service


def once(service: Service, path, role: str) -> float:
    """An upload of a new image, which is removed again."""
    image = service.create("bench")
    try:
        return service.put(image, path, role)
    finally:
        service.delete(image)


def upload(bench: Bench) -> list[Row]:
    """Random data to a file store and to a Cinder store, against both digests by openssl."""
    length = bench.size(2 * GIB, GIB)
    path, size = bench.files.random(length), f"{length >> 20} MiB"
    race = bench.race(f"upload {size}", {
        "openssl": lambda: tools.both_digests(path),
        **bench.services("file", lambda service: once(service, path, "file")),
        **bench.services("cinder", lambda service: once(service, path, "second")),
    })
    bound = 1.35 if (os.cpu_count() or 1) < 4 else 1.1
    file, cinder = race["scurry file"], race["scurry cinder"]
    return [
        *figures.at_most("upload", f"upload {size}, file store", file, "openssl md5 ∥ sha512", race["openssl"], bound),
        *figures.at_least("upload", f"upload {size}, file store, against Glance", file, "Glance", race["glance file"], 2.4),
        *figures.at_most("upload", f"upload {size}, Cinder store", cinder, "file store", file, 1.25),
        *figures.at_least("upload", f"upload {size}, Cinder store, against Glance", cinder, "Glance", race["glance cinder"], 3),
    ]


def eight(bench: Bench) -> list[Row]:
    """Eight uploads at once, against what all cores can hash; and the memory they need."""
    length = bench.size(512 * MIB, 256 * MIB)
    path, peaks, size = bench.files.random(length), Figure("MiB"), f"{length >> 20} MiB"

    def act(service: Service) -> float:
        images = [service.create(f"bench {number}") for number in range(8)]
        if service is bench.scurry:
            bench.scurry.forget_peak()
        took, _ = tools.together([lambda image=image: service.put(image, path, "file") for image in images], 8)
        if service is bench.scurry:
            peaks.samples.append(memory(service.pid)[1])
        for image in images:
            service.delete(image)
        return took
    race = bench.race(f"eight uploads {size}", {
        "openssl": lambda: tools.all_digests(path, 8), **bench.services("file", act)})
    shown, total = f"8 uploads of {size} at once", 8 * length / MIB
    rate, cores, glance = (Figure("MiB/s", [total / sample for sample in race[name].samples])
                           for name in ("scurry file", "openssl", "glance file"))
    return [
        *figures.at_least("eight", f"{shown}, file store", rate, "openssl on all cores", cores, 0.9),
        *figures.below("eight", f"{shown}, peak memory", peaks, 128),
        *(figures.plain("eight", f"{shown}, against Glance", rate, "Glance", glance) if glance else []),
    ]


def download(bench: Bench) -> list[Row]:
    """The whole of an image from a file store, against nginx with sendfile and the same file."""
    length = bench.size(2 * GIB, GIB)
    path, size = bench.files.random(length), f"{length >> 20} MiB"
    images = {service: service.uploaded("bench", path) for service in (bench.scurry, bench.glance) if service}
    with tools.Nginx(bench.files.folder, bench.work) as nginx:
        race = bench.race(f"download {size}", {
            "nginx": lambda: nginx.get(path),
            **bench.services("file", lambda service: service.get(images[service], length))})
    for service, image in images.items():
        service.delete(image)
    file = race["scurry file"]
    return [
        *figures.at_least("download", f"download {size}, file store", file, "nginx", race["nginx"], 0.9),
        *figures.at_least("download", f"download {size}, file store, against Glance", file, "Glance", race["glance file"], 3),
    ]


def four(bench: Bench) -> list[Row]:
    """Four clients of limited speed read one image of a volume store: as long as one of them alone."""
    length, rate = bench.size(256 * MIB, 128 * MIB), bench.size(64 * MIB, 64 * MIB)
    path, service = bench.files.random(length), bench.scurry
    if not service:
        return []
    image = service.uploaded("bench", path, "second")
    read = lambda *options: service.get(image, length, *options)  # noqa: E731
    slow = ("--limit-rate", str(rate))
    race = bench.race("four", {
        "alone": lambda: read(*slow),
        "scurry four": lambda: tools.together([lambda: read(*slow)] * 4, 4)[0],
        "full speed": lambda: read(),
        "scurry four, full speed": lambda: tools.together([read] * 4, 4)[0],
    }, min(bench.runs, 3))
    service.delete(image)
    size = f"{length >> 20} MiB"
    return [
        *figures.at_most("four", f"4 downloads at once of {size} at {rate >> 20} MiB/s each, Cinder store",
                         race["scurry four"], "one alone", race["alone"], 1.2),
        *figures.plain("four", f"4 downloads at once of {size}, full speed, Cinder store",
                       race["scurry four, full speed"], "one alone", race["full speed"]),
    ]


def tools_alone(bench: Bench) -> list[Row]:
    """What this machine's own tools take for the same bytes."""
    if not bench.scurry:
        return []
    length = bench.size(2 * GIB, 512 * MIB)
    path, target = bench.files.random(length), bench.work / "written"
    race = bench.race("tools", {
        "dd conv=fsync": lambda: tools.writing(target, "dd", f"if={path}", f"of={target}", "bs=1M", "conv=fsync"),
        "cp": lambda: tools.writing(target, "cp", "--reflink=never", "--sparse=never", path, target),
        "nbdcopy from nbdkit file": lambda: tools.writing(
            target, "nbdcopy", "--", "[", "nbdkit", "--exit-with-parent", "file", path, "]", target),
        "md5sum ∥ sha512sum": lambda: tools.together(
            [lambda: tools.timed("md5sum", path), lambda: tools.timed("sha512sum", path)], 2)[0],
        "openssl md5 ∥ sha512": lambda: tools.both_digests(path),
    }, min(bench.runs, 3))
    return [row for name, figure in race.figures.items()
            for row in figures.plain("tools", f"{name}, {length >> 20} MiB", None, "", figure)]
