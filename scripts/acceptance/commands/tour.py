# SPDX-License-Identifier: Apache-2.0
"""The commands called so far, and the call of a command line client inside this interpreter."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import traceback
import uuid
from pathlib import Path

from ..session import Failure, check, until


class Calls:
    """What one client has been asked, command by command."""

    def __init__(self, client, known):
        self.client, self.known, self.seen = client, set(known), set()

    def note(self, command):
        check(command in self.known, f"{self.client} has no command {command!r}")
        if command not in self.seen:
            print(f"ok    {self.client} {command}", flush=True)
        self.seen.add(command)

    def finish(self):
        missing = sorted(self.known - self.seen)
        check(not missing, f"{self.client}: never called: {', '.join(missing)}")
        print(f"{self.client}: {len(self.seen)} of {len(self.known)} commands", flush=True)


class Terminal(io.StringIO):
    """Standard input of somebody who sits before a terminal: a client must not wait for an image from it."""

    def isatty(self):
        return True


def captured(main, words):
    """Output and exit status of a client's entry point."""
    out, err = io.StringIO(), io.StringIO()
    status, before = 0, sys.stdin
    sys.stdin = Terminal()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(word) for word in words]) or 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdin = before
    return status, out.getvalue(), err.getvalue()


class Place:
    """Files and addresses of this tour."""

    def __init__(self):
        self.work, self.web = Path(os.environ["TOUR_WORK"]), os.environ["TOUR_WEB"]
        self.image = self.work / "tour.img"
        self.bytes = os.urandom(3 << 20)
        self.image.write_bytes(self.bytes)

    def name(self, what):
        return f"{what}-{uuid.uuid4().hex[:8]}"


def main():
    from . import glance, openstack, sdk

    place, good = Place(), True
    for tour in (openstack, glance, sdk):
        started = time.monotonic()
        try:
            tour.run(place)
        except Exception as error:  # one client's fault does not hide another's
            good = False
            traceback.print_exc(limit=-3) if not isinstance(error, Failure) else None
            print(f"{tour.__name__.rpartition('.')[2]}: {error}", file=sys.stderr, flush=True)
            if isinstance(error, Failure):
                traceback.print_tb(error.__traceback__, limit=4)
        print(f"{tour.__name__.rpartition('.')[2]}: {time.monotonic() - started:.0f} s", flush=True)
    return 0 if good else 1


__all__ = ["Calls", "Place", "captured", "json", "until"]

if __name__ == "__main__":
    sys.exit(main())
