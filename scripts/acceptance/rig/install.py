# SPDX-License-Identifier: Apache-2.0
"""Installs what the rig runs: Debian's packages, Keystone and Cinder from PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .places import HERE, Places

# A program of each package the rig starts.
PACKAGES = {"mariadbd": "mariadb-server", "rabbitmqctl": "rabbitmq-server", "epmd": "erlang-base", "tgtd": "tgt",
            "mkfs.xfs": "xfsprogs", "losetup": "util-linux", "qemu-img": "qemu-utils", "setpriv": "util-linux"}
PYTHON = {"keystone": ["keystone", "PyMySQL", "waitress"], "cinder": ["cinder", "PyMySQL", "waitress"]}


def install(places: Places):
    """Installs what is missing; a second call finds it there."""
    debian()
    for venv, requirements in PYTHON.items():
        python(places, venv, requirements)
    site = next(places.programs.glob("cinder/lib/python3*/site-packages"))
    (site / "scurry_rig.pth").write_text(f"{HERE / 'driver'}\n")


def debian():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
    if not missing:
        return
    print(f"installing {' '.join(missing)}", flush=True)
    # Debian's packages start their services; this keeps them from it.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True,
                       env=environment, stdout=subprocess.DEVNULL)
    finally:
        if ours:
            policy.unlink()


def python(places, venv, requirements):
    constraints = HERE / f"{venv}.txt"
    home, stamp = places.programs / venv, places.programs / venv / ".installed"
    if stamp.exists() and stamp.read_text() == constraints.read_text():
        return
    print(f"installing {venv} into {home}", flush=True)
    subprocess.run(["python3", "-m", "venv", "--clear", home], check=True)
    subprocess.run([home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary",
                    "--constraint", constraints, "setuptools<81", *requirements], check=True)
    stamp.write_text(constraints.read_text())
