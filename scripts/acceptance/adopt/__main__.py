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
from .databases import KINDS
from .session import Adoption


def main():
    parser = argparse.ArgumentParser(prog="scripts/adopt", description=__doc__)
    parser.add_argument("--database", choices=KINDS, action="append", help="default: all, one after the other")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--only", choices=["schema", "adoption"], help="a part of the session")
    parser.add_argument("--work", type=Path, help="where data and logs go (default: a temporary directory)")
    parser.add_argument("--keep", action="store_true", help="leave it")
    options = parser.parse_args()
    # So that what was begun is stopped.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    venv = install.glance()
    work = options.work or Path(tempfile.mkdtemp(prefix="scurry-adopt-"))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    good = True
    for kind in options.database or KINDS:
        one = None
        try:
            one = Adoption(kind, venv, options.binary.resolve(), work, lambda text: print(text, flush=True))
            if options.only != "adoption":
                one.schema()
            if options.only != "schema":
                one.adoption()
                good = good and not one.problems
        except Failure as failure:
            print(f"{kind}: {failure}", file=sys.stderr)
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
