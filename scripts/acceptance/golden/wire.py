# SPDX-License-Identifier: Apache-2.0
"""One HTTP request as it is written here, without a client library's help."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What came back; header names in lower case, repeated headers joined."""
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body parsed, None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def get(self, key, default=None):
        """A member of the JSON object that came back."""
        found = self.json
        return found.get(key, default) if isinstance(found, dict) else default


def send(base, method, path, headers, body=None, chunked=False, timeout=60):
    """Sends a request on a connection of its own. `chunked` hides the body's length."""
    place = urlsplit(base)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=timeout)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        connection.putheader("Connection", "close")
        connection.endheaders(body, encode_chunked=chunked)
        answer = connection.getresponse()
        found = {}
        for name, value in answer.getheaders():
            name = name.lower()
            found[name] = f"{found[name]}, {value}" if name in found else value
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()
