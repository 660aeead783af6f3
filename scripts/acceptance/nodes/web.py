# SPDX-License-Identifier: Apache-2.0
"""A slow web server of files that imports read, with ranges and validators."""

from __future__ import annotations

import http.server
import re
import threading
import time


def serve(contents, bytes_per_second):
    """Serves `contents` by name on loopback; gives the server, to be shut down."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words):
            pass

        def do_GET(self):
            content = contents[self.path.strip("/")]
            tag = f'"{len(content)}-{self.path.strip("/")}"'
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            begin = int(asked[1]) if asked and self.headers.get("If-Range", tag) == tag else 0
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - begin))
            self.send_header("ETag", tag)
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            piece = bytes_per_second // 20
            try:
                for at in range(begin, len(content), piece):
                    self.wfile.write(content[at:at + piece])
                    time.sleep(0.05)
            except OSError:
                pass  # the node that read it was killed

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
