# SPDX-License-Identifier: Apache-2.0
"""Makes answers of two services comparable: what differs from run to run gets a name instead."""

from __future__ import annotations

import json
import re

# Headers a client acts on. Everything that begins with one of the prefixes counts too.
HEADERS = {"content-type", "location", "allow", "accept-patch", "content-range", "content-md5", "www-authenticate",
           "etag", "accept-ranges", "x-openstack-request-id", "cache-control", "vary"}
PREFIXES = ("openstack-", "x-image-", "x-openstack-image", "access-control-")
# Headers that the names of requests leave out.
USUAL = {("Content-Type", kind) for kind in (
    "application/json", "application/octet-stream", "application/openstack-images-v2.1-json-patch")}
TIME = re.compile(r"\b20[2-9]\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
REQUEST = re.compile(r"\breq-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
MICROSECONDS = re.compile(r"(\{time\})\.\d+")
RUN = re.compile(r"(\w)\1{40,}")


def _cut(text):
    """An error's text without the schema and the instance that Python's jsonschema goes on to print."""
    start = text.find("Failed validating")
    if start < 0:
        return text
    end = text.find("<br />", start)
    return text[:start].rstrip() + " ... " + (text[end:] if end >= 0 else "")


class Names:
    """The literal values of one run and the names they have in the data."""

    def __init__(self):
        self._names = {}
        self.prose = True  # whether descriptions are compared

    def add(self, literal, name):
        """From now on `literal` is written as `{name}`."""
        if literal:
            self._names[str(literal)] = "{" + name + "}"

    def text(self, text):
        for literal in sorted(self._names, key=len, reverse=True):
            text = text.replace(literal, self._names[literal])
        text = REQUEST.sub("{request}", TIME.sub("{time}", text))
        text = RUN.sub(lambda run: f"{{{len(run[0])}{run[1]}}}", text)
        return UUID.sub("{uuid}", MICROSECONDS.sub(r"\1.{us}", text))

    def value(self, value, key=None):
        """A JSON value; lists whose order means nothing are sorted."""
        if isinstance(value, str):
            return self.text(value) if self.prose or key != "description" else "{text}"
        if isinstance(value, list):
            items = [self.value(item) for item in value]
            return sorted(items, key=str) if key in ("tags", "required", "enum") else items
        if key in ("last_accessed", "last_modified") and isinstance(value, (int, float)):
            return "{seconds}"
        if isinstance(value, dict):
            return {self.text(name): self.value(item, name) for name, item in sorted(value.items())}
        return value

    def answer(self, answer):
        """An answer as it is kept: status, headers that matter, body."""
        headers = {name: self.text(value) for name, value in sorted(answer.headers.items())
                   if name in HEADERS or name.startswith(PREFIXES)}
        kind = answer.headers.get("content-type", "")
        if (not answer.body or kind.startswith("application/octet-stream")) and "content-length" in answer.headers:
            headers["content-length"] = answer.headers["content-length"]
        return {"status": answer.status, "headers": headers, "body": self._body(answer, kind)}

    def _body(self, answer, kind):
        text = answer.body.decode(errors="replace")
        found = answer.json if kind.startswith("application/json") else None
        if isinstance(found, dict) and {"message", "code", "title"} == found.keys():
            found["message"] = _cut(str(found["message"]))
        if found is not None:
            return self.value(found)
        if kind.startswith(("text/", "application/json")):
            return self.text(_cut(text))
        if len(answer.body) > 64:
            return {"bytes": len(answer.body)}
        return answer.body.decode("latin-1")

    def request(self, method, path, who, headers, body, chunked, note):
        """A request as it is kept."""
        kept = {"who": who, "method": method, "path": self.text(path)} | ({"note": note} if note else {})
        if headers:
            kept["headers"] = {name: self.text(value) for name, value in headers.items()}
        if body is not None:
            kept["body"] = self._sent(body)
        if chunked:
            kept["chunked"] = True
        return kept

    def _sent(self, body):
        """A request's body: JSON, a short text, or how long it was."""
        try:
            return self.value(json.loads(body))
        except ValueError:
            return self.text(body.decode("utf-8", "backslashreplace")) if len(body) <= 100 else f"{len(body)} bytes"


def name_of(request, seen):
    """A request in one line, as the lists of differences call it; `seen` counts those that are equal."""
    words = [request["who"], request["method"], request["path"]]
    headers = {name: value for name, value in request.get("headers", {}).items() if (name, value) not in USUAL}
    if headers:
        words.append(json.dumps(headers, ensure_ascii=False))
    if "body" in request:
        body = request["body"]
        words.append(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))
    line = " ".join(" ".join(words).split())
    line = line if len(line) <= 200 else line[:197] + "..."
    line += f" [{request['note']}]" if "note" in request else ""
    count = seen[line] = seen.get(line, 0) + 1
    return line + (f" ({count})" if count > 1 else "")
