# SPDX-License-Identifier: Apache-2.0
"""Command line of scripts/record-golden and scripts/golden."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ..session import ROOT, Failure
from . import compare, identity, player, topics
from .services import Glance, Scurry


def arguments():
    parser = argparse.ArgumentParser(prog="golden", description=__doc__)
    modes = parser.add_subparsers(dest="mode", required=True)
    record = modes.add_parser("record", help="put the requests to the real Glance and keep its answers")
    record.add_argument("--venv", default="/opt/rig/venv/glance", help="where Glance is installed, with uwsgi (default: %(default)s)")
    record.add_argument("--auth-url", default="http://127.0.0.1:5000/v3", help="a Keystone with the users admin and glance, the "
                        "image service in its catalogue and its four registered limits (default: %(default)s)")
    record.add_argument("--password", default="rigsecret", help="of admin and of glance (default: %(default)s)")
    replay = modes.add_parser("replay", help="put them to scurry up and compare")
    replay.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    for mode in (record, replay):
        mode.add_argument("--work", type=Path, help="where data and logs go (default: a temporary directory)")
        mode.add_argument("--keep", action="store_true", help="leave the work directory")
        mode.add_argument("topics", nargs="*", help="only these topics")
    return parser.parse_args()


def modules(wanted):
    """The topics by configuration."""
    found = {}
    for entry in sorted(pkgutil.iter_modules(topics.__path__), key=lambda one: one.name):
        if not wanted or entry.name in wanted:
            module = importlib.import_module(f"{topics.__name__}.{entry.name}")
            found.setdefault(module.CONFIGURATION, []).append((entry.name, module))
    return found


def run(options, work):
    """Plays everything; gives whether it is as it must be."""
    recording = options.mode == "record"
    deliberate = None if recording else compare.Deliberate()
    totals, played = [0, 0, 0], []
    for configuration, group in modules(options.topics).items():
        service = (Glance(options.venv, options.auth_url, options.password, work) if recording
                   else Scurry(options.binary, work))
        try:
            service.start(configuration)
            cast = identity.gather(service.keystone, service.password)
            for name, module in group:
                began = time.monotonic()
                result = player.play(module, service.base, cast, service.places())
                played.append(name)
                if recording:
                    compare.save(name, result.steps)
                    for trouble in result.troubles:
                        print(f"{name}: {trouble}", flush=True)
                    totals[0] += len(result.steps)
                    totals[2] += len(result.troubles)
                else:
                    counts = compare.topic(name, result, deliberate, lambda line: print(line, flush=True))
                    totals = [sum(pair) for pair in zip(totals, counts, strict=True)]
                print(f"      {name}: {len(result.steps)} requests in {time.monotonic() - began:.1f} s", flush=True)
        finally:
            service.stop()
    if recording:
        print(f"recorded: {totals[0]} requests, {totals[2]} troubles")
        return totals[2] == 0
    stale = deliberate.unused(played)
    for entry in stale:
        print(f"deliberate.json: no difference any more: {entry['topic']}: {entry['request']}: {entry['aspects']}")
    print(f"golden: {sum(totals)} requests, {totals[0]} same, {totals[1]} deliberate, {totals[2]} different")
    return totals[2] == 0 and not stale


def main():
    options = arguments()
    work = options.work or Path(tempfile.mkdtemp(prefix="scurry-golden-"))
    good = False
    try:
        good = run(options, work)
    except Failure as failure:
        print(f"golden: {failure}", file=sys.stderr)
    if good and not options.keep and not options.work:
        shutil.rmtree(work)
    else:
        print(f"logs and data are in {work}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
