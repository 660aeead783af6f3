# SPDX-License-Identifier: Apache-2.0
"""What a boot volume costs the service: time from request to available and bytes written, by image size."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from . import disk
from .session import Cloud, Server, check, equal, openrc, until

GIB = 1 << 30
ROUNDS = 5
# Rows of two databases and a file header; far below a block of any image.
BOUND = 4 << 20


def boot(cloud, server, image_id, size, name):
    """Makes a boot volume; gives (milliseconds until available, bytes given to write calls, bytes written to disk)."""
    project = cloud.endpoint("block-storage")
    body = json.dumps({"volume": {"imageRef": image_id, "volume_type": "pure2", "size": size, "name": name}}).encode()
    before, begun = server.written(), time.monotonic()
    created = json.loads(cloud.request("POST", "/volumes", body, {"Content-Type": "application/json"}, "block-storage"))
    volume_id = created["volume"]["id"]

    def ready():
        volume = json.loads(cloud.request("GET", f"/volumes/{volume_id}", service="block-storage"))["volume"]
        check(not volume["status"].startswith("error"), f"volume {volume_id}: {volume['status']} ({project})")
        return volume["status"] == "available"
    until(ready, "the volume", 300, 0.005)
    took, after = time.monotonic() - begun, server.written()
    return took * 1000, after[1] - before[1], after[0] - before[0]


def run(binary, clients, work):
    work = Path(work)
    server = Server(binary, work / "data").start()
    try:
        admin = Cloud(clients, openrc(work / "data/admin-openrc"), binary)
        pools = work / "data/pools"
        print(f"{'image':>8} {'upload s':>9} {'pool MiB':>9} | per boot volume, median of {ROUNDS}: "
              f"{'ms':>7} {'written KiB':>12} {'to disk KiB':>12} {'pool KiB':>9}", flush=True)
        for gib in (2, 50):
            raw = disk.make_sparse(work / "sparse.raw", gib * GIB, b"the start of a disk" * 100_000)
            begun = time.monotonic()
            image_id = admin.openstack("image", "create", "--container-format", "bare", "--disk-format", "raw",
                                       "--file", raw, f"{gib} GiB")["id"]
            uploaded = time.monotonic() - begun
            raw.unlink()
            filled = disk.allocated(pools)
            costs = [boot(admin, server, image_id, gib, f"boot-{gib}-{number}") for number in range(ROUNDS)]
            grown = (disk.allocated(pools) - filled) // ROUNDS
            ms, written, to_disk = (statistics.median(column) for column in zip(*costs, strict=True))
            print(f"{gib:>4} GiB {uploaded:>9.1f} {filled >> 20:>9} | {'':28}{ms:>14.0f} {written / 1024:>12.0f} "
                  f"{to_disk / 1024:>12.0f} {grown / 1024:>9.0f}", flush=True)
            check(written < BOUND, f"a clone of a {gib} GiB image wrote {written} bytes")
            check(filled < 64 << 20, f"a sparse {gib} GiB image takes {filled} bytes")
            equal(admin.image(image_id)["size"], gib * GIB, "size")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
