# SPDX-License-Identifier: Apache-2.0
"""A way to the service that stops in the middle until it is told to go on."""

from __future__ import annotations

import socket
import threading


class Gate:
    """Lets `limit` bytes of all clients together through, then none until `open` is called."""

    def __init__(self, port: int, limit: int):
        self.port, self.left, self.lock = port, limit, threading.Lock()
        self.reached, self.opened = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for source, target, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.pump, args=(source, target, counted), daemon=True).start()

    def pump(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        try:
            while piece := source.recv(1 << 16):
                if counted:
                    self.count(len(piece))
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, target):
                end.close()

    def count(self, length: int) -> None:
        with self.lock:
            self.left -= length
            spent = self.left < 0
        if spent:
            self.reached.set()
            self.opened.wait()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_error) -> None:
        self.opened.set()
        self.listener.close()
