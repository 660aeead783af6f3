# SPDX-License-Identifier: Apache-2.0
"""docs/BENCHMARKS.md, written from the figures kept beside it in docs/benchmarks.json."""

from __future__ import annotations

import json
from pathlib import Path

from ..session import ROOT
from .figures import Figure, Row

KEPT = ROOT / "docs/benchmarks.json"
PAGE = ROOT / "docs/BENCHMARKS.md"

HEAD = """# Figures

Written by `scripts/bench --write`; do not edit. Everything in one table was taken in one run, contender after contender, round
after round: medians, with the lowest and the highest in brackets. *CPU* is user and system time of the server. A target that is
missed stays, with a profile of the server below. Run it on your machine: `scripts/bench`, or `--quick` in less than five minutes.
"""

GLANCE = """
Glance's figures were taken by this same harness (`--rig`, or `--glance URL --token T`) on the same machine with the same files: Glance 33 under
uWSGI (2 processes × 8 threads, MariaDB), its file stores on the same disk, its Cinder stores on Cinder with sparse files on XFS.
"""

NOTES = """
**What is compared.** `openssl md5 ∥ sha512` is both digests of the same file side by side, the floor of every upload the API's two
checksums allow. Stores bring what they wrote to the disk before an image is active, so `cp` is followed by `sync` of its target; Glance
does not sync, nor does openssl write. Of the iSCSI rows CPU is each client's; both flush the LUN at the end (`qemu-img convert
-t writeback`), both read into a file without a sync. In the huge disks the digests' pass over the zeroes is what the server's digest threads work longer
than in the small one (on the clock, the busiest of them); it stands apart beside `openssl speed` of both digests side by side in memory,
and is taken off. *p99* is of `wrk -t2 -c8`; Glance's 2.4 pages a second and 2970 ms for a tenant among 100,000
images are of wrk with eight connections on two cores, taken once.

**What bounds uploads and imports on two cores.** Both digests follow a stream byte by byte, each on one core at a time, before a byte is
received, checked block by block (BLAKE3) and written: they are four fifths of the server's CPU in the profiles above, and it has 80 to 94 % of
both cores. Machines differ in what OpenSSL's assembly gains over that. On an Intel Xeon an upload took 1.27 × and 1.43 × OpenSSL's two digests side by side in two runs
of an afternoon; on an AMD EPYC with AVX2 (2026-12-01, 2 GiB) it took 6.66 s beside 3.98 s: digests 8.2 s of CPU, all else of the server 2.5 s, `curl` and
the kernel's network 1.7 s, so that 1.35 × would want 1.6 s of CPU less. An import of a compressed qcow2 has the digests' pass to do, and
`qemu-img convert` has not: what it decodes in 1.1 s (zstd) on the Xeon takes OpenSSL's two digests alone 5 to 6 s, and beside zlib 5 s of
decompression and 10 s of digests are spread over two cores. With four cores the digests, the decompression and the writes have one each.

**Huge disks on the clock.** The threads that hash take turns with the two digests, so the busiest of them is not the slower digest, which decides;
and a pass of minutes varies: the same took `openssl speed` 204 s and 238 s within half an
hour. The rows of CPU time tell what work a longer hole makes.

**Against Glance on a volume store.** Both services hash the same bytes; where Scurry has no disk to wait for it is bound by that as above, and what
Glance takes varies with the loop devices below it (13 to 41 s for the same 2 GiB on two machines).

**What bounds lists.** `wrk` and nginx's bare 404 are the kernel's work, a page is not: by call graph 44 % of the server's CPU is SQLite's, 15 %
the text of the statement, made anew for each page, and 7 % JSON; a fifth, across all of these, is memory allocated and given back. On the EPYC
(2026-11-23) the same page made 1/21 of nginx's rate. Beside four uploads the cores are shared by `wrk`, four `curl` and the digests, which step
back (nice 10): p99 is that of a queue before two busy cores, and its ratio was 1.15, 1.7, 2.3 and 2.25 × in four runs of that afternoon.

**Memory.** Of the 48 MiB of an idle `scurry up` on the Xeon 38 MiB are pages of the program file, which the kernel maps ahead as it likes and can
take back; 12 MiB are its own.
"""


def empty() -> dict:
    return {"works": {}, "glance": {}, "lists": {}}


def load() -> dict:
    return json.loads(KEPT.read_text()) if KEPT.exists() else empty()


def stored(entries: dict) -> dict[str, Figure]:
    return {name: Figure(entry["unit"], entry["samples"]) for name, entry in entries.items()}


def storable(figures: dict[str, Figure]) -> dict:
    return {name: {"unit": figure.unit, "samples": [round(sample, 4) for sample in figure.samples]}
            for name, figure in sorted(figures.items())}


def merge(kept: dict, machine: dict, rows: dict[str, list[Row]], profiles: dict, glance: dict[str, Figure], lists: dict) -> dict:
    """The figures of this run over those that are kept, work by work."""
    works = dict(kept["works"])
    for work, taken in rows.items():
        works[work] = {"machine": machine, "rows": [row.as_dict() for row in taken],
                       "profiles": {title: text for title, text in profiles.get(work, {}).items()} if missed(taken) else {}}
    return {"works": works, "glance": storable(glance), "lists": kept["lists"] | lists}


def missed(rows: list[Row]) -> bool:
    return any(row.met is False for row in rows)


def write(kept: dict, order: list[str]) -> None:
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    KEPT.write_text(text + "\n")
    PAGE.write_text(page(json.loads(text), order))


def page(kept: dict, order: list[str]) -> str:
    works = {work: kept["works"][work] for work in order if work in kept["works"]}
    text = HEAD
    runs: list[dict] = []
    for entry in works.values():
        if entry["machine"] not in runs:
            runs.append(entry["machine"])
    for machine in runs:
        text += f"\n## Run of {machine['date']}, commit {machine['commit']}\n\n"
        text += about(machine)
        text += "| work | Scurry | reference | ratio | target | |\n|---|---|---|---|---|---|\n"
        for entry in works.values():
            if entry["machine"] == machine:
                text += "".join(table_line(Row(**row)) for row in entry["rows"])
        for work, entry in works.items():
            if entry["machine"] == machine:
                text += profiles(work, entry["profiles"])
    text += NOTES + (GLANCE if kept["glance"] else "")
    return text + (lists(kept["lists"]) if kept["lists"] else "")


def about(machine: dict) -> str:
    return ", ".join(f"{name}: {value}" for name, value in machine.items() if name not in ("date", "commit")) + ".\n\n"


def table_line(row: Row) -> str:
    verdict = "**MISSED**" if row.met is False else row.verdict
    return f"| {row.name} | {row.scurry} | {row.reference} | {row.ratio} | {row.target} | {verdict} |\n"


def profiles(work: str, tables: dict[str, str]) -> str:
    """Where the server's time went, for a work that missed a target."""
    return "".join(f"\nWhere the server's time went in `{work}` ({title}; `perf record`, share of its samples):\n\n```\n{text}\n```\n"
                   for title, text in tables.items())


DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mysql": "MariaDB"}


def lists(found: dict[str, dict]) -> str:
    kinds = [kind for kind in DATABASES if kind in found]
    text = f"""
## Lists of {found[kinds[0]]['count']:,} images

`scripts/list-100k --database …` fills `scurry up`'s image database by SQL (a tag, a property each, shared ones with a member) and asks
for pages of 25 over one HTTP connection, as an administrator and as a project with a fiftieth of the images. Times are medians of whole
requests over HTTP in ms (the worst of a hundred in brackets), token and policy included; client and database run on the same cores.

"""
    for kind in kinds:
        one = found[kind]
        after = ", ".join(f"{size:.0f}" for size in one["resident"])
        text += f"""- {DATABASES[kind]}, {one['machine']['date']}, commit {one['machine']['commit']}: database {one['database']:.0f} MB, filled in {one['fill']:.0f} s.
  {len(one['resident'])} walks of all images in pages of 1000, {min(one['walks']):.0f} to {max(one['walks']):.0f} s each: resident memory {one['before']:.0f} MiB before,
  {after} MiB after each.
"""
    text += "\n" + about(found[kinds[-1]]["machine"])
    text += f"| caller | page | images | {' | '.join(DATABASES[kind] for kind in kinds)} |\n|---|---|---|{'---|' * len(kinds)}\n"
    taken = {(kind, *row[:2]): f"{row[4]:.2f} ({row[5]:.1f})" for kind in kinds for row in found[kind]["rows"]}
    for caller, name, images, *_ in found[kinds[0]]["rows"]:
        shown = f"`{name}`" if "=" in name else name
        cells = " | ".join(taken.get((kind, caller, name), "") for kind in kinds)
        text += f"| {caller} | {shown} | {images} | {cells} |\n"
    return text + """
A page is all that is held in memory. The indexes of our own (`crates/image-db/src/schema/indexes.sql`) cost about 1.5 KB an image (a
SQLite file of 84 MB grew to 233 MB in a trial).
"""
