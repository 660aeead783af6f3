# SPDX-License-Identifier: Apache-2.0
"""Compares what was played with what is on record, and knows which differences are meant."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..session import ROOT, check
from . import errors
from .normal import name_of

HERE = Path(__file__).parent


def load(topic):
    """The steps on record of a topic."""
    path = HERE / "data" / f"{topic}.json"
    check(path.exists(), f"{path} is missing: run scripts/record-golden")
    kept, seen = json.loads(path.read_text()), {}
    steps = _whole(kept["steps"], kept["shared"])
    for step in steps:
        step["name"] = name_of(step["request"], seen)
    return steps


def save(topic, steps):
    """Keeps the steps of a topic, one a line; long values that come again and again are kept once."""
    steps = [{"request": step["request"], "answer": step["answer"]} for step in steps]
    counts, shared = {}, {}
    for value in _long_values(steps):
        counts[value] = counts.get(value, 0) + 1
    short = [_dump(_short_form(step, counts, shared)) for step in steps]
    table = ",\n".join(shared[key][1] for key in shared)
    text = '{"shared":[\n' + table + '\n],"steps":[\n' + ",\n".join(short) + "\n]}\n"
    (HERE / "data" / f"{topic}.json").write_text(text)


def _dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _long_values(value):
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _long_values(child)
    text = _dump(value)
    if len(text) > 120:
        yield text


def _short_form(value, counts, shared):
    """`value` with references in the place of what is shared; fills `shared` in the order of first use."""
    text = _dump(value)
    if counts.get(text, 0) > 1:
        if text not in shared:
            inner = _short_children(value, counts, shared)
            shared[text] = (len(shared), _dump(inner))
        return {"shared": shared[text][0]}
    return _short_children(value, counts, shared)


def _short_children(value, counts, shared):
    if isinstance(value, dict):
        return {key: _short_form(child, counts, shared) for key, child in value.items()}
    return [_short_form(child, counts, shared) for child in value] if isinstance(value, list) else value


def _whole(value, shared):
    """The opposite of `_short_form`."""
    if isinstance(value, dict):
        if value.keys() == {"shared"}:
            return _whole(shared[value["shared"]], shared)
        return {key: _whole(child, shared) for key, child in value.items()}
    return [_whole(child, shared) for child in value] if isinstance(value, list) else value


def aspects(expected, found):
    """Where two answers differ: `(aspect, on record, found)`; answers of different status are not compared further."""
    if expected["status"] != found["status"]:
        yield "status", _gist(expected), _gist(found)
        return
    for name in sorted(expected["headers"].keys() | found["headers"].keys()):
        there, here = expected["headers"].get(name), found["headers"].get(name)
        if there != here:
            yield name, there, here
    yield from _bodies("body", errors.plain(expected["body"]), errors.plain(found["body"]))


def _gist(answer):
    body = errors.plain(answer["body"])
    return f"{answer['status']} {body.get('text', '') if isinstance(body, dict) else ''}".strip()


def _bodies(where, expected, found):
    """Differences inside bodies; an object's members are looked at one by one."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            yield from _bodies(f"{where}.{key}", expected.get(key, "(absent)"), found.get(key, "(absent)"))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (there, here) in enumerate(zip(expected, found, strict=True)):
            yield from _bodies(f"{where}[{index}]", there, here)
    elif expected != found:
        yield where, expected, found


class Deliberate:
    """The differences that are meant. Each names its row of docs/COMPAT.md."""

    def __init__(self):
        self.entries = json.loads((HERE / "deliberate.json").read_text())
        text = (ROOT / "docs/COMPAT.md").read_text()
        rows = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
        for entry in self.entries:
            check(entry["row"] in rows, f"deliberate.json: docs/COMPAT.md has no row {entry['row']!r}")
            entry["used"] = False

    def covers(self, topic, name, aspect, statuses):
        """Whether an entry is about this aspect of this step. In entries `*` stands for anything, and `statuses`
        (Glance's, ours) restricts them to answers of those."""
        found = False
        for entry in self.entries:
            if (entry["topic"] in (topic, "*") and entry.get("statuses", statuses) == statuses and _like(entry["request"], name)
                    and any(_like(pattern, aspect) for pattern in entry["aspects"])):
                entry["used"] = found = True
        return found

    def unused(self, topics):
        """Entries of those topics that explain nothing any more."""
        return [entry for entry in self.entries if not entry["used"] and entry["topic"] in topics]


def _like(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None


def topic(name, player, deliberate, say):
    """Compares a topic. Gives how many steps are the same, differ on purpose, differ."""
    record, same, meant, different = load(name), 0, 0, 0
    found = {step["name"]: step for step in player.steps}
    for step in record:
        here = found.pop(step["name"], None)
        if here is None:
            different += 1
            say(f"{name}: {step['name']}: was not asked: record again, or the topic went astray")
            continue
        found_aspects = list(aspects(step["answer"], here["answer"]))
        statuses = [step["answer"]["status"], here["answer"]["status"]]
        bad = [one for one in found_aspects if not deliberate.covers(name, step["name"], one[0], statuses)]
        for aspect, there, seen in bad:
            say(f"{name}: {step['name']}: {aspect}: Glance {_short(there)}, here {_short(seen)}")
        different += bool(bad)
        meant += bool(found_aspects) and not bad
        same += not found_aspects
    for extra in found:
        different += 1
        say(f"{name}: {extra}: is not on record: run scripts/record-golden")
    for trouble in player.troubles:
        different += 1
        say(f"{name}: {trouble}")
    return same, meant, different


def _short(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return repr(text if len(text) <= 400 else text[:397] + "...")
