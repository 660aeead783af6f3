# SPDX-License-Identifier: Apache-2.0
"""A web server of our own, which can lie: lengths, tags, ends."""

from __future__ import annotations

import http.server
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Lie:
    """What the server says and does of one address, instead of serving a file."""

    # What is there at the first, the second … request; the last of it for all later ones.
    versions: list[bytes]
    # Content-Length that is announced; none: chunks, without a length.
    announced: int | None = -1
    # Bytes after which the connection is cut, of each answer; None: never.
    cut: int | None = None
    # Whether only the first answer is cut.
    cut_once: bool = True
    # Honours If-Range; a server that does not gives the part it is asked for whatever it is a part of.
    honest_ranges: bool = True
    tagged: bool = True
    status: int = 200
    requests: list[str] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words):
        pass

    def do_HEAD(self):
        self.send_error(405)

    def do_GET(self):
        name = self.path.strip("/")
        lie = self.server.lies.get(name)
        if lie:
            self.close_connection = True
            return self.lie(lie)
        path = self.server.folder / name
        length = path.stat().st_size
        start, end = self.wanted(length)
        self.send_response(206 if start or end < length else 200)
        if start or end < length:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{length}")
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
        self.end_headers()
        try:
            with open(path, "rb") as file:
                file.seek(start)
                while start < end and (piece := file.read(min(end - start, 1 << 20))):
                    self.wfile.write(piece)
                    start += len(piece)
        except OSError:
            # Whoever asked has gone.
            self.close_connection = True

    def wanted(self, length: int) -> tuple[int, int]:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not found:
            return 0, length
        return int(found[1]), min(length, int(found[2]) + 1 if found[2] else length)

    def lie(self, lie: Lie) -> None:
        number = len(lie.requests)
        lie.requests.append(self.headers.get("Range", ""))
        data = lie.versions[min(number, len(lie.versions) - 1)]
        tag = f'"version-{min(number, len(lie.versions) - 1)}"'
        if lie.status != 200:
            return self.send_error(lie.status)
        start, end = self.wanted(len(data))
        if lie.honest_ranges and self.headers.get("If-Range", tag) != tag:
            start, end = 0, len(data)
        part = start > 0
        self.send_response(206 if part else 200)
        if part:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        if lie.tagged:
            self.send_header("ETag", tag)
        announced = lie.announced if lie.announced != -1 else len(data)
        body = data[start:end]
        if announced is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(announced - start))
        self.end_headers()
        if lie.cut is not None and (number == 0 or not lie.cut_once):
            body = body[:lie.cut]
            whole = False
        else:
            whole = True
        try:
            self.pour(body, announced is None, whole)
        except OSError:
            pass

    def pour(self, body: bytes, chunked: bool, whole: bool) -> None:
        for at in range(0, len(body), 1 << 20):
            piece = body[at:at + (1 << 20)]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked and whole:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


class Origin:
    """Serves a folder, and lies by name."""

    def __init__(self, folder: Path):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.folder, self.server.lies = folder, {}
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def lie(self, name: str, lie: Lie) -> str:
        self.server.lies[name] = lie
        return self.url(name)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def __enter__(self) -> Origin:
        return self

    def __exit__(self, *_error) -> None:
        self.server.shutdown()
        self.server.server_close()
