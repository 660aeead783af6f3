# SPDX-License-Identifier: Apache-2.0
"""The mixed operations, done by a few clients at once."""

from __future__ import annotations

import hashlib
import queue
import random
import threading
from collections import Counter

from ..session import check
from .client import Client
from .cluster import FILE_STORES, VOLUME_STORES

KINDS = {"upload": 25, "direct": 25, "web": 20, "copy": 20, "delete": 10}
STORES = FILE_STORES + VOLUME_STORES
MIB = 1 << 20


def make_content(generator, mib):
    """Data with a hole in the middle."""
    third = mib * MIB // 3
    return generator.randbytes(third) + bytes(third) + generator.randbytes(mib * MIB - 2 * third + generator.randrange(513))


class Work:
    """A number of operations, and what must come of each image."""

    def __init__(self, cluster, web, contents, operations, seed):
        self.cluster, self.server, self.contents = cluster, web, contents
        self.seed, self.lock, self.failures = seed, threading.Lock(), []
        # sha512 of each image that should be there, by id; and those copies go from.
        self.wanted, self.sources, self.deleted, self.done = {}, [], set(), Counter()
        generator = random.Random(seed)
        kinds = generator.choices(list(KINDS), list(KINDS.values()), k=operations)
        self.todo = queue.SimpleQueue()
        for number, kind in enumerate(kinds):
            self.todo.put((number, kind))

    def run(self, workers):
        threads = [threading.Thread(target=self.worker, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(not self.failures, "\n".join(self.failures))

    def worker(self):
        while not self.failures:
            try:
                number, kind = self.todo.get_nowait()
            except queue.Empty:
                return
            generator = random.Random(self.seed * 1000 + number)
            client = Client(self.cluster, generator)
            try:
                kind = self.one(client, generator, number, kind)
                with self.lock:
                    self.done[kind] += 1
            except Exception as error:
                self.failures.append(f"operation {number} ({kind}): {type(error).__name__}: {error}")

    def one(self, client, generator, number, kind):
        if kind in ("copy", "delete"):
            image_id = self.take()
            if image_id:
                getattr(self, kind)(client, generator, image_id)
                return kind
            kind = "upload"  # there is nothing to copy or delete yet
        name = generator.choice(list(self.contents))
        image_id = client.create(f"{kind}-{number}")
        with self.lock:
            self.wanted[image_id] = hashlib.sha512(self.contents[name]).hexdigest()
        getattr(self, kind)(client, generator, image_id, name)
        if kind == "upload":
            with self.lock:
                self.sources.append(image_id)
        return kind

    def take(self):
        """An image of an earlier operation, this one's alone."""
        with self.lock:
            return self.sources.pop(0) if self.sources else None

    def upload(self, client, generator, image_id, name):
        headers = {"x-image-meta-store": generator.choice(STORES)}
        client.send(image_id, "file", self.contents[name], headers)

    def direct(self, client, generator, image_id, name):
        client.send(image_id, "stage", self.contents[name], ready="uploading")
        self.bring_in(client, generator, image_id, {"name": "glance-direct"}, ("uploading",))

    def web(self, client, generator, image_id, name):
        uri = f"http://127.0.0.1:{self.web_port}/{name}"
        self.bring_in(client, generator, image_id, {"name": "web-download", "uri": uri}, ("queued",))

    @property
    def web_port(self):
        return self.server.server_port

    def bring_in(self, client, generator, image_id, method, states):
        stores = generator.sample(STORES, generator.choice((1, 1, 2, 3)))
        request = {"method": method, "stores": stores, "all_stores_must_succeed": generator.random() < 0.7}
        client.import_(image_id, request, states)

    def copy(self, client, generator, image_id):
        image = client.image(image_id)
        missing = [store for store in STORES if store not in image["stores"].split(",")]
        stores = generator.sample(missing, generator.choice((1, 2, 3)))
        request = {"method": {"name": "copy-image"}, "stores": stores,
                   "all_stores_must_succeed": generator.random() < 0.7}
        client.import_(image_id, request, ("active",))

    def delete(self, client, _generator, image_id):
        client.delete(image_id)
        with self.lock:
            self.wanted.pop(image_id)
            self.deleted.add(image_id)
