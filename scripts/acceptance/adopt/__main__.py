# SPDX-License-Identifier: Apache-2.0
"""Command line of `scripts/adopt`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from ..session import ROOT, Failure
from . import install
from .cloud.session import CloudAdoption
from .databases import KINDS
from .session import Adoption


def say(text):
    print(text, flush=True)


def sessions(options, work):
    """What begins each of the sessions asked for."""
    binary = options.binary.resolve()
    if options.cloud:
        options.only = "adoption"
        return [lambda: CloudAdoption(binary, work, say)]
    venv = install.glance()
    return [lambda kind=kind: Adoption(kind, venv, binary, work, say) for kind in options.database or KINDS]


def main():
    parser = argparse.ArgumentParser(prog="scripts/adopt", description=__doc__)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all, one after the other")
    parser.add_argument("--cloud", choices=["rig"], help="beside the real Keystone and Cinder, with images on volumes as well as in files (as root)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--only", choices=["schema", "adoption"], help="a part of the session")
    parser.add_argument("--work", type=Path, help="where data and logs go (default: a temporary directory)")
    parser.add_argument("--keep", action="store_true", help="leave it")
    options = parser.parse_args()
    if options.cloud and (options.database or options.only):
        parser.error("--cloud is one session on the rig's own database")
    # So that what was begun is stopped.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    work = options.work or Path(tempfile.mkdtemp(prefix="scurry-adopt-"))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    good = True
    for session in sessions(options, work):
        one = None
        try:
            one = session()
            if options.only != "adoption":
                one.schema()
            if options.only != "schema":
                one.adoption()
                good = good and not one.problems
        except Failure as failure:
            print(f"adopt: {failure}", file=sys.stderr)
            good = False
        finally:
            if one:
                one.clear()
    if good and not options.keep:
        shutil.rmtree(work)
    elif not good:
        print(f"logs and data are in {work}", file=sys.stderr)
    print(f"adopt: {'passed' if good else 'FAILED'}")
    return 0 if good else 1


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
