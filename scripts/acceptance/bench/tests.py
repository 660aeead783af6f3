# SPDX-License-Identifier: Apache-2.0
"""What the harness reads and writes: programs' output, ratios, the page. `python3 -m unittest acceptance.bench.tests` in scripts."""

from __future__ import annotations

import contextlib
import http.server
import io
import os
import tempfile
import threading
import unittest
import unittest.mock
from pathlib import Path

from . import disks, figures, profile, report, service, tools
from .__main__ import WORKS, arguments
from .bench import TICKS, digest_seconds, spent
from .figures import Figure, Row

WRK = """Running 5s test @ http://127.0.0.1:1/
  Latency Distribution
     50%    9.35ms
     75%   12.02ms
     90%   18.11ms
     99%    1.27s
  2590 requests in 5.10s, 40.52MB read
  Non-2xx or 3xx responses: 7
Requests/sec:    507.66
"""
PERF = """# Overhead  Symbol
# ........
#
    41.07%  [.] md5::compress::soft::compress_block::h0123456789abcdef
     2.10%  [k] copy_user_generic_unrolled

     1.00%  [.] main
"""


class Reading(unittest.TestCase):
    def test_wrk(self):
        self.assertEqual(tools.parse_wrk(WRK), {"rate": 507.66, "p50": 9.35, "p99": 1270.0, "refused": 7.0})

    def test_perf(self):
        self.assertEqual(profile.shorten(PERF), ["    41.07%  [.] md5::compress::soft::compress_block",
                                                 "     2.10%  [k] copy_user_generic_unrolled", "     1.00%  [.] main"])

    def test_arguments(self):
        self.assertEqual(arguments(["--quick"]).runs, 2)
        self.assertEqual(arguments(["--only", "idle,upload"]).works, ["idle", "upload"])
        for words in (["--only", "nothing"], ["--glance", "http://x"], ["--glance-only"]):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                arguments(words)


class Ratios(unittest.TestCase):
    def test_times(self):
        slow, fast = Figure("s", [3.0, 2.0, 4.0]), Figure("s", [1.0])
        self.assertEqual(figures.at_most("w", "n", slow, "x", fast, 2)[0].line(), "n · 3.00 s (2.00–4.00) · x 1.00 s · 3.00 × · ≤ 2 × · MISSED")
        self.assertIs(figures.at_most("w", "n", fast, "x", slow, 0.5)[0].met, True)
        self.assertIs(figures.at_least("w", "n", fast, "x", slow, 3)[0].met, True)
        self.assertIs(figures.at_least("w", "n", slow, "x", fast, 0.9)[0].met, False)

    def test_rates(self):
        row = figures.at_least("w", "n", Figure("req/s", [500]), "nginx", Figure("req/s", [50000]), 1 / 40)[0]
        self.assertEqual((row.ratio, row.target, row.met), ("1/100 ×", "≥ 1/40 ×", False))
        self.assertEqual(Figure("req/s", [2.4]).shown(), "2.4/s")

    def test_bounds(self):
        self.assertEqual([row.met for bound in (40, 30) for row in figures.below("w", "n", Figure("MiB", [35]), bound)], [True, False])

    def test_a_missing_figure_makes_no_row(self):
        self.assertEqual(figures.at_most("w", "n", Figure("s", [1]), "x", Figure(), 1), [])


    def test_huge(self):
        # On the clock, of the server's CPU, of its busiest digest thread and of all these.
        taken = {"upload small": (2.0, 6.0, 1.5, 3.0), "upload large": (102.5, 207.5, 101.5, 203.0),
                 "copy small": (1.0, 1.0, 0.0, 0.0), "copy large": (1.2, 1.2, 0.0, 0.0),
                 "import small": (4.0, 5.0, 2.0, 3.5), "import large": (107.0, 208.0, 101.0, 203.5)}
        times = {f"scurry {name}": Figure("s", [wall], [cpu], [(busiest, together)])
                 for name, (wall, cpu, busiest, together) in taken.items()}
        lengths = (4 << 30, 100 << 30, 1 << 30)
        upload, upload_cpu, digests, copy, imported, imported_cpu, _ = disks.rows(times, lengths, 80.0)
        self.assertEqual((upload.scurry, upload.ratio, upload.met), ("2.50 s + 100.0 s of digests", "1.25 ×", True))
        self.assertEqual((upload_cpu.scurry, upload_cpu.ratio, upload_cpu.met), ("7.50 s + 200.0 s of digests", "1.25 ×", True))
        self.assertEqual((digests.scurry, digests.ratio, digests.met), ("100.0 s, CPU 200.0 s", "1.25 ×", None))
        self.assertEqual((copy.ratio, copy.met), ("1.20 ×", True))
        self.assertEqual((imported.ratio, imported.met), ("2.00 ×", False))
        self.assertEqual((imported_cpu.ratio, imported_cpu.met), ("1.60 ×", False))
        del times["scurry upload large"]
        self.assertEqual([row.met for row in disks.rows(times, lengths, 80.0)], [False, True, False, False, None])

    def test_threads_that_hash(self):
        with tempfile.TemporaryDirectory() as folder:
            stat = Path(folder) / "stat"
            stat.write_text(f"7 (a ) b) S {' '.join('0' * 10)} {3 * TICKS} {TICKS} 0 0\n")
            self.assertEqual(spent(stat), ("a ) b", 4))
        self.assertEqual(digest_seconds(os.getpid()), {})


class Refusing(http.server.BaseHTTPRequestHandler):
    """Answers 409 as often as the server's `conflicts` says, then 204."""

    def do_DELETE(self):
        self.server.asked.append(self.path)
        self.send_response(409 if len(self.server.asked) <= self.server.conflicts else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words):
        pass


class Deleting(unittest.TestCase):
    def setUp(self):
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
        self.server.asked, self.server.conflicts = [], 2
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.service = service.Service(f"http://127.0.0.1:{self.server.server_port}", "t", {"first": "pure1"})

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def test_what_is_in_use_is_deleted_later(self):
        with unittest.mock.patch.object(service, "PAUSE", 0):
            self.service.leave("i", ["first"])
        self.assertEqual(self.server.asked, ["/v2/stores/pure1/i"] * 3)

    def test_patience_ends(self):
        with unittest.mock.patch.object(service, "PATIENCE", -1), self.assertRaises(service.Conflict):
            self.service.delete("i")


class Page(unittest.TestCase):
    def test_works_that_did_not_run_keep_their_figures(self):
        machine, again = {"date": "d", "commit": "c", "cores": "2"}, {"date": "e", "commit": "f", "cores": "2"}
        row = lambda work, met: Row(work, work, "1 s", "—", "2 ×", "≤ 1 ×", met)  # noqa: E731
        kept = report.merge(report.empty(), machine, {"upload": [row("upload", False)], "idle": [row("idle", True)]},
                            {"upload": {"t": "symbols"}, "idle": {"t": "others"}}, {}, {"sqlite": listed(machine, 1.5)})
        kept = report.merge(kept, again, {"idle": [row("idle", True)]}, {}, {}, {"mysql": listed(again, 2.5)})
        page = report.page(kept, list(WORKS))
        self.assertIn("| upload | 1 s | — | 2 × | ≤ 1 × | **MISSED** |", page)
        self.assertIn("symbols", page)
        self.assertNotIn("others", page)
        self.assertEqual((page.count("Run of d"), page.count("Run of e")), (1, 1))
        self.assertIn("| admin | `name=` | 1 | 1.50 (3.0) | 2.50 (3.0) |", page)

    def test_the_page_is_what_its_figures_make(self):
        if report.KEPT.exists():
            self.assertEqual(report.PAGE.read_text(), report.page(report.load(), list(WORKS)), "made anew by scripts/bench --write")


def listed(machine: dict, median: float) -> dict:
    """What scripts/list-100k gives."""
    return {"count": 5, "fill": 1.0, "database": 1.0, "rows": [["admin", "name=", 1, 600.0, median, 3.0]], "walks": [1.0, 2.0],
            "before": 40.0, "resident": [50.0, 50.0], "machine": machine}


if __name__ == "__main__":
    unittest.main()
