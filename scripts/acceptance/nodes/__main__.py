# SPDX-License-Identifier: Apache-2.0
"""Two image services on one database do mixed work while one after the other is killed."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..databases import KINDS, open_database
from ..session import ROOT, Failure
from . import web
from .client import Client
from .cluster import Cluster
from .verify import Verification, quiet
from .work import Work, make_content


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/two-nodes", description=__doc__)
    parser.add_argument("--database", choices=KINDS, default="sqlite", help="default: %(default)s")
    parser.add_argument("--shared-staging", action="store_true", help="one staging directory instead of one a node")
    parser.add_argument("--operations", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=5, help="clients at work at once (default: %(default)s)")
    parser.add_argument("--pause", type=float, nargs=2, default=(2, 5), metavar="SECONDS",
                        help="least and greatest time from a restart to the next kill (default: 2 5)")
    parser.add_argument("--mib", type=int, default=12, help="length of the images (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--work", type=Path, help="where everything goes (default: a temporary directory)")
    parser.add_argument("--keep", action="store_true", help="leave that directory")
    return parser.parse_args()


def session(options, work, database, clients):
    generator = random.Random(options.seed)
    contents = {f"image-{number}": make_content(generator, options.mib) for number in range(4)}
    server = web.serve(contents, bytes_per_second=16 << 20)
    cluster = Cluster(options.binary.resolve(), work, database, options.shared_staging)
    try:
        cluster.start()
        cluster.kill_in_turns(random.Random(options.seed + 1), options.pause)
        mixed = Work(cluster, server, contents, options.operations, options.seed)
        begun = time.monotonic()
        mixed.run(options.clients)
        print(f"ok    {options.operations} operations in {time.monotonic() - begun:.0f} s: "
              + ", ".join(f"{count} {kind}" for kind, count in sorted(mixed.done.items()))
              + f"; {cluster.kills} kills", flush=True)
        # Imports that were accepted go on while nodes are killed, for a while.
        time.sleep(5)
        cluster.calm_down()
        quiet(database, 240)
        print(f"ok    quiet; {cluster.kills} kills in all", flush=True)
        verification = Verification(cluster, Client(cluster, generator), mixed, clients, options.binary.resolve())
        verification.run()
        print(f"ok    images: {dict(verification.ends)}, {len(mixed.deleted)} deleted; {len(verification.located)} copies "
              "whole, read through both nodes; nothing left over", flush=True)
        for reason, count in verification.reasons.items():
            print(f"      {count} given up: {reason}", flush=True)
        cluster.stop()
    finally:
        cluster.end()
        server.shutdown()


def main():
    options = arguments()
    clients = subprocess.run([ROOT / "scripts/clients"], capture_output=True, text=True, check=True).stdout.strip()
    options.binary = options.binary.resolve()
    work = options.work or Path(tempfile.mkdtemp(prefix="scurry-two-nodes-"))
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o755)
    good, database = False, None
    try:
        database = open_database(options.database, work)
        session(options, work.resolve(), database, clients)
        good = True
    except Failure as failure:
        print(f"two-nodes: {failure}", file=sys.stderr)
    finally:
        if database:
            database.stop()
        if good and not options.keep and not options.work:
            shutil.rmtree(work)
        elif not good:
            print(f"logs and data are in {work}", file=sys.stderr)
    staging = "one staging directory" if options.shared_staging else "a staging directory each"
    print(f"two-nodes on {options.database}, {staging}: {'passed' if good else 'FAILED'}")
    return 0 if good else 1


if __name__ == "__main__":
    os.umask(0o022)
    # Whoever ends the session ends its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
