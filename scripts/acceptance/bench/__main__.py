# SPDX-License-Identifier: Apache-2.0
"""Measures Scurry end to end against the tools of this machine, and against Glance where one is at hand.

A line a work: name · scurry · reference · ratio · target · met|MISSED. The exit status says whether it could be measured,
not whether targets were met.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .. import databases, listing
from ..session import ROOT, Failure
from . import beside, copying, disks, iscsi, machine, moving, report, serving
from .bench import Bench
from .figures import Row
from .files import install
from .profile import Profiler
from .rig import Compared
from .service import ROLES, Service

# Needs --rig.
BESIDE = "beside"
WORKS = {
    "upload": moving.upload, "eight": moving.eight, "download": moving.download, "four": moving.four,
    "three": copying.three, "twin": copying.twin, "huge": disks.huge, "convert": disks.convert,
    "iscsi": iscsi.throughput, BESIDE: beside.beside, "pages": serving.pages, "idle": serving.idle, "tools": moving.tools_alone,
}
# Tables of its own; not a part of --quick.
LISTS = "lists"
PROGRAMS = {"nginx": "nginx-light", "wrk": "wrk", "curl": "curl", "openssl": "openssl", "qemu-img": "qemu-utils",
            "nbdcopy": "libnbd-bin", "nbdkit": "nbdkit"}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="works: " + ", ".join([*WORKS, LISTS]))
    parser.add_argument("--quick", action="store_true", help="smaller images, fewer rounds: less than five minutes")
    parser.add_argument("--only", help="these works alone, with commas between")
    parser.add_argument("--runs", type=int, help="rounds of each work (default: 5, or 2 with --quick)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp"), help="folder on a real disk, 30 GiB free (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="write docs/BENCHMARKS.md (works that did not run keep their figures)")
    parser.add_argument("--profile", metavar="WORK", help="perf of the server in one more round of a work, which does not count; `missed`: of all that miss a target")
    parser.add_argument("--rig", action="store_true", help="install and start the real Keystone, Cinder and Glance (as root), "
                                                           f"which takes part in every round; for the work `{BESIDE}` too")
    parser.add_argument("--glance", metavar="URL", help="a Glance that takes part in every round")
    parser.add_argument("--token", help="for it, of an administrator")
    parser.add_argument("--glance-stores", default="fast,pure1,pure2,pure3,pure4", help="its stores: " + ", ".join(ROLES) + " (default: %(default)s)")
    parser.add_argument("--glance-only", action="store_true", help="measure Glance alone; with --glance-results: into that file")
    parser.add_argument("--glance-listed", action="store_true", help="its database has 100,000 images and the token is a tenant's: work `pages` alone")
    parser.add_argument("--glance-results", type=Path, metavar="FILE", help="Glance's figures of an earlier run")
    options = parser.parse_args(words)
    options.runs = options.runs or (2 if options.quick else 5)
    usual = [work for work in WORKS if work != BESIDE or options.rig]
    options.works = options.only.split(",") if options.only else [*usual, *([] if options.quick else [LISTS])]
    unknown = set(options.works) - {*WORKS, LISTS}
    if unknown:
        parser.error(f"no such work: {', '.join(sorted(unknown))}; there are {', '.join([*WORKS, LISTS])}")
    if bool(options.glance) != bool(options.token):
        parser.error("--glance and --token belong together")
    if BESIDE in options.works and not options.rig:
        parser.error(f"{BESIDE} needs --rig")
    if options.rig and options.glance:
        parser.error("--rig brings a Glance of its own: leave --glance out")
    if options.glance_only and not options.glance:
        parser.error("--glance-only needs --glance")
    if options.write and not options.profile:
        options.profile = "missed"
    return options


def glance(options: argparse.Namespace) -> Service | None:
    if not options.glance:
        return None
    service = Service(options.glance, options.token, dict(zip(ROLES, options.glance_stores.split(","), strict=False)))
    service.list_filled = options.glance_listed
    return service


def earlier(options: argparse.Namespace, kept: dict) -> dict:
    """Glance's figures: of the file that was given, else those that are kept with the page."""
    file = options.glance_results
    return report.stored(json.loads(file.read_text()) if file and file.exists() else kept["glance"])


def measure(options: argparse.Namespace, bench: Bench) -> dict[str, list[Row]]:
    taken: dict[str, list[Row]] = {}
    for name in (name for name in options.works if name != LISTS):
        begun = time.monotonic()
        bench.profiler.begin(name)
        try:
            taken[name] = WORKS[name](bench)
        except (Failure, OSError, ValueError, subprocess.SubprocessError) as failure:
            print(f"{name}: could not be measured: {failure}", file=sys.stderr, flush=True)
            taken[name] = [Row(name, name, f"failed: {str(failure)[:120]}", "—", "", "", False)]
        for row in taken[name]:
            print(row.line(), flush=True)
        for title, text in bench.profiler.tables.get(name, {}).items():
            if options.profile == name or (options.profile == "missed" and report.missed(taken[name])):
                print(f"\n{title}\n{text}\n", flush=True)
        print(f"# {name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return taken


def lists(options: argparse.Namespace, work: Path, about: dict[str, str]) -> dict:
    """The tables of scripts/list-100k on each database, for the page."""
    taken: dict = {}
    for kind in databases.KINDS if LISTS in options.works else ():
        folder = work / f"list-100k-{kind}"
        folder.mkdir()
        # PostgreSQL's own user goes through it.
        for path in (work, folder):
            path.chmod(0o755)
        given = argparse.Namespace(binary=options.binary, database=kind, count=100_000, requests=100)
        try:
            taken[kind] = listing.run(given, folder) | {"machine": about}
        except Failure as failure:
            print(f"list-100k on {kind}: {failure}; its table is kept", file=sys.stderr, flush=True)
    return taken


def main() -> int:
    options = arguments()
    # So that what was begun is stopped and removed.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _frame: sys.exit(128 + number))
    options.binary = options.binary.resolve()
    install(PROGRAMS | ({"perf": "linux-perf"} if options.profile else {}))
    work = Path(tempfile.mkdtemp(prefix="scurry-bench-", dir=options.work))
    bench = rig = None
    try:
        kept = report.load()
        about = machine.describe(options.binary, work)
        print(", ".join(f"{name}: {value}" for name, value in about.items()), file=sys.stderr, flush=True)
        if options.rig:
            work.chmod(0o755)
            rig = Compared(options.binary, work / "rig")
            rig.start()
        bench = Bench(work, options.binary, runs=options.runs, quick=options.quick, glance=rig.glance if rig else glance(options),
                      glance_only=options.glance_only, stored=earlier(options, kept), profiler=Profiler(options.profile, work), rig=rig)
        taken = measure(options, bench)
        if bench.glance and options.glance_results:
            options.glance_results.write_text(json.dumps(report.storable(bench.stored), indent=1) + "\n")
        listed = lists(options, work, about)
        if options.write:
            found = report.merge(kept, about, taken, bench.profiler.tables, bench.stored, listed)
            report.write(found, list(WORKS))
        return 0
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    finally:
        if bench and bench.scurry and bench.scurry.server.process.poll() is None:
            bench.scurry.server.kill()
        if rig:
            rig.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
