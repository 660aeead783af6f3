# SPDX-License-Identifier: Apache-2.0
"""What an error says, whatever its wrapping."""

from __future__ import annotations

import html
import re

# The frames that WebOb puts around an error's explanation and detail.
FRAMES = [re.compile(pattern, re.DOTALL) for pattern in (
    r"<html>\n <head>\n  <title>(?P<title>[^<]*)</title>\n </head>\n <body>\n  <h1>(?P=title)</h1>\n"
    r"  (?P<explanation>.*?)(?:<br /><br />\n(?P<detail>.*?))?\s* </body>\n</html>",
    r"(?P<title>\d{3} [^\n]*)\n\n(?P<explanation>.*?)(?:\n\n(?P<detail>.*?))?")]
# What WebOb says of a status before the text that matters; Scurry gives the text alone.
GENERAL = re.compile(r"Access was denied to this resource\.|There was a conflict when trying to complete your request\.|"
                     r"The Range requested is not available\.|The request media type .* is not supported by this server\.")
# Where a body breaks its schema, Glance goes on with the schema (cut off in the data), Scurry with the property.
WHERE = re.compile(r" \.\.\.$| \(property .*\)$")


def plain(body):
    """A body to compare: an error's title and text where it is one."""
    if isinstance(body, dict) and {"message", "code", "title"} == body.keys():
        explanation, _, detail = body["message"].partition("<br /><br />")
        return body | {"message": _text(explanation, detail)}
    if isinstance(body, str):
        framed = next(filter(None, (frame.fullmatch(body) for frame in FRAMES)), None)
        if framed:
            return {"title": framed["title"], "text": _text(html.unescape(framed["explanation"]), html.unescape(framed["detail"] or ""))}
    return body


def _text(explanation, detail):
    """The one text of an error that says something."""
    parts = [WHERE.sub("", " ".join(part.split())) for part in (explanation, detail)]
    return parts[1] if GENERAL.fullmatch(parts[0]) and parts[1] else " / ".join(filter(None, parts))
