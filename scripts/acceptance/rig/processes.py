# SPDX-License-Identifier: Apache-2.0
"""Processes in groups of their own, ended by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

from ..session import Failure, until


class Processes:
    """Started in order, stopped in the reverse one."""

    def __init__(self, logs, environment):
        self.logs, self.environment, self.running = logs, environment, {}

    def start(self, name, *words, **environment):
        log = open(self.logs / f"{name}.out", "ab")
        # Whatever a service drops where it stands, such as a crash dump, goes to the logs.
        self.running[name] = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log,
                                              stderr=log, env=self.environment | environment, cwd=self.logs,
                                              start_new_session=True)

    def run(self, *words, **environment):
        """A command to its end; its output goes to a log."""
        with open(self.logs / "commands.out", "ab") as log:
            done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  env=self.environment | environment, check=False)
        if done.returncode:
            raise Failure(f"{words} ended with {done.returncode}: see {log.name}")

    def wait(self, name, port, path=None, seconds=90):
        """Until a port takes connections, or answers a request for `path`."""
        until(lambda: self._answers(name, port, path), f"{name} to answer (see {self.logs}/{name}.out)", seconds)

    def _answers(self, name, port, path):
        if self.running[name].poll() is not None:
            raise Failure(f"{name} ended with {self.running[name].returncode}: see {self.logs}/{name}.out")
        try:
            if path is None:
                socket.create_connection(("127.0.0.1", port), 2).close()
            else:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
        return True

    def stop(self, name):
        process = self.running.pop(name)
        process.terminate()
        try:
            return process.wait(15)
        except subprocess.TimeoutExpired:
            return None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def stop_all(self):
        for name in reversed(list(self.running)):
            self.stop(name)
