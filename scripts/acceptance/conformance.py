# SPDX-License-Identifier: Apache-2.0
"""schemathesis against a `scurry up` of its own; scripts/schemathesis calls it."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .session import ROOT, Failure, Server, openrc
from .credentials import issue

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# A run takes half a minute; a machine that is that busy proves nothing.
SECONDS = 170


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/schemathesis", description=__doc__)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/scurry", help="default: %(default)s")
    parser.add_argument("--examples", type=int, default=40, help="requests per operation and phase (default: %(default)s)")
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful", help="default: %(default)s")
    return parser.parse_args()


def run(options, server, work):
    """Runs schemathesis as an administrator; gives its exit status."""
    token, _ = issue(server.ports[0], openrc(work / "data/admin-openrc"))
    command = [ROOT / "target/schemathesis/bin/schemathesis", "run", f"http://127.0.0.1:{server.ports[2]}/openapi.json",
               "--header", f"X-Auth-Token: {token}", "--checks", CHECKS, "--phases", options.phases,
               "--max-examples", options.examples, "--generation-deterministic",
               "--continue-on-failure", "--suppress-health-check", "all",
               "--warnings", "off", "--request-timeout", "30", "--no-color"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(work), "PYTHONWARNINGS": "ignore",
                   "SCHEMATHESIS_HOOKS": "acceptance.patch_media", "PYTHONPATH": str(ROOT / "scripts")}
    try:
        done = subprocess.run([str(word) for word in command], cwd=work, timeout=SECONDS, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"schemathesis was not done after {SECONDS} s: try fewer --examples") from None
    return done.returncode


def main():
    options = arguments()
    work = Path(tempfile.mkdtemp(prefix="scurry-schemathesis-"))
    server = Server(options.binary, work / "data")
    status = 1
    try:
        server.start()
        status = run(options, server, work)
        server.stop()
    except Failure as failure:
        status = 1
        print(f"schemathesis: {failure}", file=sys.stderr)
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        if status == 0:
            shutil.rmtree(work)
        else:
            print(f"logs and data are in {work}", file=sys.stderr)
    print(f"schemathesis: {'passed' if status == 0 else 'FAILED'}")
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
