# SPDX-License-Identifier: Apache-2.0
"""Serves a WSGI application: serve.py MODULE PORT [ARGUMENTS OF THE APPLICATION]. Runs in the service's environment."""

import importlib
import sys

import waitress

module, port = sys.argv[1:3]
del sys.argv[1:3]
# A body that its caller still sends must not be cut off by the answer.
waitress.serve(importlib.import_module(module).application, listen=f"127.0.0.1:{port}", threads=8, channel_timeout=600)
