# SPDX-License-Identifier: Apache-2.0
"""Work: Scurry and Glance on the same real Cinder, each with its own images, in turns."""

from __future__ import annotations

from ..session import Failure
from . import figures, tools
from .bench import Bench
from .figures import Figure, Row
from .files import GIB, MIB
from .service import Service

# Three more stores than the one the image is in; `third` and the fourth of them lie on backends of their own, `twin` beside `first`.
TARGETS = ["first", "third", "twin"]


def beside(bench: Bench) -> list[Row]:
    """Uploads of known and of unknown length, copies, downloads."""
    runs = min(bench.runs, 3)
    services = {"scurry": bench.rig.scurry, "glance": bench.glance}
    return [*uploads(bench, services, runs), *copies(bench, services, runs), *downloads(bench, services, runs)]


def race(bench: Bench, key: str, runs: int, services: dict[str, Service], act) -> tuple[Figure, Figure]:
    """Scurry's figure and Glance's."""
    contenders = {f"{name} {key}": lambda service=service: act(service) for name, service in services.items()}
    found = bench.race(f"beside {key}", contenders, runs, services["scurry"].pid)
    return found[f"scurry {key}"], found[f"glance {key}"]


def uploads(bench: Bench, services: dict[str, Service], runs: int) -> list[Row]:
    length, rows = bench.size(2 * GIB, GIB), []
    path = bench.files.random(length)
    for what, words, bound in (("known", (), 3), ("unknown", ("-H", "Transfer-Encoding: chunked"), 3)):
        def act(service: Service, words=words) -> float:
            image = service.create("bench")
            try:
                return service.put(image, path, "second", words=words)
            finally:
                service.delete(image)
        scurry, glance = race(bench, f"upload {what}", runs, services, act)
        rows += figures.at_least("beside", f"upload {length >> 20} MiB of {what} length to a store on Cinder", scurry, "Glance", glance, bound)
    return rows


def copies(bench: Bench, services: dict[str, Service], runs: int) -> list[Row]:
    length, data = bench.size(4 * GIB, GIB), bench.size(GIB, 256 * MIB)
    path = bench.files.sparse(length, data)
    images = {name: service.uploaded("bench", path, "second") for name, service in services.items()}

    def act(service: Service) -> float:
        image = images[next(name for name, one in services.items() if one is service)]
        took = service.copy(image, TARGETS)
        service.leave(image, TARGETS)
        return took
    scurry, glance = race(bench, "copy", runs, services, act)
    for name, service in services.items():
        service.delete(images[name])
    return figures.at_least("beside", f"copy-image of {length >> 30} GiB with {data >> 20} MiB of data to 3 stores on Cinder, two of one backend",
                            scurry, "Glance", glance, 8)


def downloads(bench: Bench, services: dict[str, Service], runs: int) -> list[Row]:
    length, rows = bench.size(2 * GIB, GIB), []
    path, size = bench.files.random(length), f"{length >> 20} MiB"
    images = {service: service.uploaded("bench", path, "second") for service in services.values()}
    scurry, glance = race(bench, "download", runs, services, lambda service: service.get(images[service], length))
    rows += figures.at_least("beside", f"download {size} from a store on Cinder", scurry, "Glance", glance, 1)
    broken, tried = dict.fromkeys(services.values(), 0), dict.fromkeys(services.values(), 0)

    def four(service: Service) -> float:
        def one() -> float:
            try:
                return service.get(images[service], length)
            except Failure:
                broken[service] += 1
                return 0
        tried[service] += 4
        return tools.together([one] * 4, 4)[0]
    scurry, glance = race(bench, "four", runs, services, four)
    rows += figures.plain("beside", f"4 downloads at once of {size} from a store on Cinder", scurry, "Glance", glance)
    ours, theirs = (f"{broken[service]} of {tried[service]}" for service in services.values())
    none = broken[next(iter(services.values()))] == 0
    rows.append(Row("beside", "of these downloads, broken off", ours, f"Glance {theirs}", "", "0", none))
    for service, image in images.items():
        service.delete(image)
    return rows
