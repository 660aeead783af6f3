# SPDX-License-Identifier: Apache-2.0
"""The real Glance from PyPI, in a virtual environment of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..session import ROOT

HERE = Path(__file__).parent
REQUIREMENTS = ["setuptools<81", "glance", "PyMySQL", "psycopg2-binary", "waitress"]


def glance(venv=ROOT / "target/glance"):
    """The virtual environment, made if it is not there."""
    constraints, stamp = HERE / "glance.txt", venv / ".installed"
    if not stamp.exists() or stamp.read_text() != constraints.read_text():
        print(f"installing Glance into {venv}", flush=True)
        subprocess.run(["python3", "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary",
                        "--constraint", constraints, *REQUIREMENTS], check=True)
        stamp.write_text(constraints.read_text())
    return venv
