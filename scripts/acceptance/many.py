# SPDX-License-Identifier: Apache-2.0
"""Rows of many images for any of the databases: a tag and a property each, some with a rare tag or a member."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

# Rows of one statement.
BATCH = 1000
IMAGE = ("created_at, updated_at, deleted, id, name, size, status, disk_format, container_format, owner, min_disk, min_ram, "
         "protected, visibility, os_hidden")
TAG = "created_at, deleted, image_id, value"
PROPERTY = "created_at, deleted, image_id, name, value"
MEMBER = "created_at, deleted, image_id, member, can_share, status"


def statements(count: int, user: str) -> Iterator[str]:
    """One image in fifty belongs to the project `user`; one in a hundred is public; one in ten is shared, of which one in
    five with that project."""
    yield from inserts("images", IMAGE, (image(number, count, user) for number in range(count)))
    yield from inserts("image_tags", TAG, (f"({made(number, count)}, false, '{key(number)}', '{value}')"
                                           for number in range(count) for value in tags(number)))
    yield from inserts("image_properties", PROPERTY, (
        f"({made(number, count)}, false, '{key(number)}', 'arch', '{'x86_64' if number % 3 else 'arm64'}')" for number in range(count)))
    yield from inserts("image_members", MEMBER, (f"({made(number, count)}, false, '{key(number)}', '{user}', false, 'accepted')"
                                                 for number in range(1, count, 50)))


def inserts(table: str, columns: str, rows: Iterable[str]) -> Iterator[str]:
    batch: list[str] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield f"INSERT INTO {table} ({columns}) VALUES {', '.join(batch)};\n"
            batch.clear()
    if batch:
        yield f"INSERT INTO {table} ({columns}) VALUES {', '.join(batch)};\n"


def image(number: int, count: int, user: str) -> str:
    owner = user if number % 50 == 7 else f"{number % 997:032x}"
    visibility = "public" if number % 100 == 0 else "shared" if number % 10 == 1 else "private"
    return (f"({made(number, count)}, {moment(1_700_000_000 + number * 104_729 % count)}, false, '{key(number)}', "
            f"'image-{number * 31 % count}', {number * 37 % 1_000_003 * 4096}, '{'active' if number % 1000 else 'queued'}', "
            f"'{'qcow2' if number % 2 else 'raw'}', 'bare', '{owner}', 0, 0, false, '{visibility}', "
            f"{'true' if number % 500 == 3 else 'false'})")


def tags(number: int) -> list[str]:
    return ["common", "rare"] if number % 10_000 == 6 else ["common"]


def key(number: int) -> str:
    """The image's id; they are in no order, as random ones are."""
    return f"{number * 2_654_435_761 % (1 << 32):08x}-0000-4000-8000-{number:012x}"


def made(number: int, count: int) -> str:
    return moment(1_600_000_000 + number * 7919 % count)


def moment(seconds: int) -> str:
    """As SQLAlchemy writes it in SQLite, and as the servers read it."""
    return f"'{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S}.000000'"
