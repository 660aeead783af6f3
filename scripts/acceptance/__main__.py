# SPDX-License-Identifier: Apache-2.0
"""Command line of the acceptance sessions; the scripts of their names call it."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from . import bad_input, clone_cost, crash, databases, disk
from .bus import session as bus
from .commands import session as tour
from .odd_sizes import session as odd_sizes
from .rig import faults, volumes
from .rig.services import Rig
from .session import ROOT, Cloud, Failure, Server, openrc
from .tempest import rig as tempest_rig
from .tempest import session as tempest
from .tempest import settings
from .walkthrough import Walkthrough


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/walkthrough", description=__doc__)
    parser.add_argument("session", choices=["walkthrough", "crash", "bad-input", "clone-cost", "tempest", "clients-tour",
                                            "notifications", "odd-sizes", "rig-faults", "rig-volumes"])
    parser.add_argument("--cloud", help="a running cloud of clouds.yaml instead of a scurry up of our own "
                                        "(as administrator; the same user makes the boot volumes); `rig`: the real "
                                        "Keystone and Cinder, which are installed and started for it (as root)")
    parser.add_argument("--transport", choices=["local", "iscsi"], default="local", help="how the rig hands volumes out")
    parser.add_argument("--database", choices=databases.KINDS, default="sqlite",
                        help="what the image service keeps its rows in; a server is started for it (default: %(default)s)")
    parser.add_argument("--image", type=Path, help="a qcow2 image; without it one is made from this machine's programs")
    parser.add_argument("--small", action="store_true", help="a made image of 256 MiB instead of 2.2 GiB; of odd-sizes: none of 1 GiB and more")
    parser.add_argument("--work", type=Path, help="where data, images and logs go (default: a temporary directory)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--configuration", choices=settings.CONFIGURATIONS, help="of tempest; default: one after the other")
    parser.add_argument("--regex", help="of tempest: only the tests whose names match")
    parser.add_argument("--record", action="store_true", help="of tempest --cloud rig: what the real Glance makes of the tests, for later runs")
    parser.add_argument("--keep", action="store_true", help="leave the work directory")
    return parser.parse_args()


def cloud_variables(clients, name):
    """OS_* variables of an entry of clouds.yaml, for clients that know no clouds.yaml."""
    program = ("import sys, openstack; auth = openstack.config.get_cloud_region(sys.argv[1]).config['auth']\n"
               "for key, value in auth.items(): print(f'export OS_{key.upper()}={value}')")
    done = subprocess.run([Path(clients) / "python", "-c", program, name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"cloud {name}: {done.stderr}")
    path = Path(tempfile.mkstemp()[1])
    try:
        path.write_text(done.stdout)
        return openrc(path) | {"OS_IDENTITY_API_VERSION": "3"}
    finally:
        path.unlink()


def main():
    options = arguments()
    # So that what was begun is stopped, unmounted and removed.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    options.binary = options.binary.resolve()
    clients = subprocess.run([ROOT / "scripts/clients"], capture_output=True, text=True, check=True).stdout.strip()
    work = options.work or Path(tempfile.mkdtemp(prefix="scurry-walkthrough-"))
    if not options.work:
        work.chmod(0o755)  # beside the rig, Scurry runs as nobody; PostgreSQL as its own user
    work.mkdir(parents=True, exist_ok=True)
    length, content = (256 << 20, 60 << 20) if options.small else (disk.WALKTHROUGH_LEN, 1000 << 20)
    server, rig, database, good = None, None, None, False
    try:
        database = databases.open_database(options.database, work)
        elsewhere = ["--image-database", database.create("glance")] if options.database != "sqlite" else []
        others = {"bad-input": bad_input.run, "clone-cost": clone_cost.run, "clients-tour": tour.run,
                  "notifications": bus.run}
        if options.session == "tempest":
            (tempest_rig if options.cloud == "rig" else tempest).run(options.binary, clients, work, options)
        elif options.session == "odd-sizes":
            odd_sizes.run(options.binary, work, small=options.small)
        elif options.session in ("rig-faults", "rig-volumes"):
            {"rig-faults": faults.run, "rig-volumes": volumes.run}[options.session](options.binary, clients, work,
                                                                                    options.transport)
        elif options.session == "crash":
            crash.run(options.binary, clients, work, elsewhere)
        elif options.session in others:
            others[options.session](options.binary, clients, work)
        else:
            qcow2 = options.image or disk.make_qcow2(work / "x.qcow2", length, content, work)
            system = None
            if options.cloud == "rig":
                rig = Rig(options.binary, work / "rig", options.transport)
                rig.start()
                admin, user, system = (Cloud(clients, rig.places.openrc(name, project), options.binary) for name, project in
                                       (("admin", "admin"), ("demo", "demo"), ("admin", None)))
            elif options.cloud:
                admin = user = Cloud(clients, cloud_variables(clients, options.cloud), options.binary)
            else:
                server = Server(options.binary, work / "data", elsewhere).start()
                admin = Cloud(clients, openrc(work / "data/admin-openrc"), options.binary)
                user = Cloud(clients, openrc(work / "data/demo-openrc"), options.binary)
            Walkthrough(admin, user, work, qcow2, server, system=system, rig=rig).run()
        if server:
            server.stop()
        if rig:
            rig.stop_image()
        good = True
    except Failure as failure:
        print(f"{options.session}: {failure}", file=sys.stderr)
        if server or rig:
            print((server or rig).log_tail(), file=sys.stderr)
    finally:
        if rig:
            rig.clear()
        if server and server.process and server.process.poll() is None:
            server.kill()
        if database:
            database.stop()
        if good and not options.keep and not options.work:
            shutil.rmtree(work)
        elif not good:
            print(f"logs and data are in {work}", file=sys.stderr)
    print(f"{options.session}: {'passed' if good else 'FAILED'}")
    return 0 if good else 1


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
