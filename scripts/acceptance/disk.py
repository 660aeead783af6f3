# SPDX-License-Identifier: Apache-2.0
"""Disk images for the sessions: real, mountable, sparse; and their digests."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from .session import check

# The length of the image in the walkthrough, in bytes.
WALKTHROUGH_LEN = 2361393152


def make_qcow2(target, length, content_bytes, work):
    """A qcow2 of an ext4 file system filled with about `content_bytes` of this machine's own programs."""
    target, tree, raw = Path(target), Path(work) / "tree", Path(work) / "tree.raw"
    if target.exists():
        return target
    tree.mkdir(parents=True, exist_ok=True)
    total = 0
    for root in ("/usr/lib", "/usr/bin", "/usr/share"):
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path) or total >= content_bytes:
                    continue
                copy = tree / path.lstrip("/")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
                total += copy.stat().st_size
    with open(raw, "wb") as file:
        file.truncate(length)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "scurry", "-d", tree, raw)
    run("qemu-img", "convert", "-O", "qcow2", raw, target)
    raw.unlink()
    shutil.rmtree(tree)
    return target


def make_raw(qcow2, target):
    """The image as RAW, the way the walkthrough's operator makes it."""
    run("qemu-img", "convert", "-O", "raw", qcow2, target)
    return target


def make_sparse(target, length, data):
    """A raw image of `length` bytes that is `data` at the front, a mark at the end, and a hole between."""
    with open(target, "wb") as file:
        file.write(data)
        file.truncate(length)
        file.seek(length - 512)
        file.write(b"\x55\xaa" * 256)
    return target


def digests(path, length=None):
    """(md5, sha512) of the first `length` bytes, or of all."""
    md5, sha512 = hashlib.md5(), hashlib.sha512()
    left = os.path.getsize(path) if length is None else length
    with open(path, "rb") as file:
        while left:
            chunk = file.read(min(left, 4 << 20))
            check(chunk, f"{path} ends {left} bytes early")
            md5.update(chunk)
            sha512.update(chunk)
            left -= len(chunk)
    return md5.hexdigest(), sha512.hexdigest()


def allocated(folder):
    """Bytes of disk below a folder; what hard links share counts once."""
    seen = {}
    for base, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(base, name))
            seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{words[0]} failed: {done.stderr}")
