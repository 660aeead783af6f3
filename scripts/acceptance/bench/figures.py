# SPDX-License-Identifier: Apache-2.0
"""Samples, their medians and spread, and the rows of the table made of them."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field

FORMATS = {"s": "{:.2f} s", "ms": "{:.1f} ms", "MiB": "{:.1f} MiB", "MiB/s": "{:.0f} MiB/s", "req/s": "{:.0f}/s", "": "{:.2f}"}


@dataclass
class Figure:
    """Samples of one thing in one unit."""

    unit: str = "s"
    samples: list[float] = field(default_factory=list)
    # CPU seconds of the server during each sample, where it was one process of ours.
    cpu: list[float] = field(default_factory=list)
    # Of these, those of the busiest of its threads that compute digests, and of all such threads.
    digests: list[tuple[float, float]] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def __bool__(self) -> bool:
        return bool(self.samples)

    def shown(self) -> str:
        """The median, with lowest and highest where there are several."""
        if not self.samples:
            return "—"
        text = f"{self.median:.1f}/s" if self.unit == "req/s" and self.median < 10 else FORMATS[self.unit].format(self.median)
        if len(self.samples) > 1:
            low, high = (FORMATS[self.unit].format(value).split()[0] for value in (min(self.samples), max(self.samples)))
            text += f" ({low}–{high})"
        if self.cpu:
            text += f", CPU {statistics.median(self.cpu):.2f} s"
        return text

    def longer_pass(self, other: Figure) -> tuple[float, float]:
        """How much longer the digests of this are at work than those of another: the busiest thread, and all together."""
        busiest, together = (statistics.median(a[part] for a in self.digests) - statistics.median(b[part] for b in other.digests)
                             for part in (0, 1))
        return busiest, together

    def minus(self, seconds: float) -> Figure:
        return Figure(self.unit, [sample - seconds for sample in self.samples])

    def of_cpu(self) -> Figure:
        """The server's CPU seconds as a figure."""
        return Figure(self.unit, self.cpu)

    def times(self, factor: float) -> Figure:
        return Figure(self.unit, [sample * factor for sample in self.samples])


@dataclass
class Row:
    """One line: a work, what Scurry took, what the reference took, and whether the target is met (None: no target)."""

    work: str
    name: str
    scurry: str
    reference: str
    ratio: str
    target: str
    met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: ""}[self.met]

    def line(self) -> str:
        return " · ".join([self.name, self.scurry, self.reference, self.ratio, self.target, self.verdict])

    def as_dict(self) -> dict:
        return asdict(self)


def at_most(work: str, name: str, scurry: Figure, what: str, reference: Figure, bound: float) -> list[Row]:
    """Scurry's figure may be `bound` times the reference's."""
    if not scurry or not reference:
        return []
    ratio = scurry.median / reference.median
    return [Row(work, name, scurry.shown(), f"{what} {reference.shown()}", f"{ratio:.2f} ×", f"≤ {bound:g} ×", ratio <= bound)]


def at_least(work: str, name: str, scurry: Figure, what: str, reference: Figure, bound: float) -> list[Row]:
    """Scurry must be `bound` times faster: less of a time, more of a rate."""
    if not scurry or not reference:
        return []
    ratio = scurry.median / reference.median if scurry.unit.endswith("/s") else reference.median / scurry.median
    shown = f"{ratio:.2f} ×" if ratio >= 0.1 else f"1/{1 / ratio:.0f} ×"
    target = f"≥ {bound:g} ×" if bound >= 0.1 else f"≥ 1/{1 / bound:.0f} ×"
    return [Row(work, name, scurry.shown(), f"{what} {reference.shown()}", shown, target, ratio >= bound)]


def below(work: str, name: str, scurry: Figure, limit: float) -> list[Row]:
    """An absolute bound."""
    if not scurry:
        return []
    shown = FORMATS[scurry.unit].format(limit)
    return [Row(work, name, scurry.shown(), "—", f"{scurry.median / limit:.2f} ×", f"< {shown}", scurry.median < limit)]


def plain(work: str, name: str, scurry: Figure | None, what: str = "", reference: Figure | None = None) -> list[Row]:
    """A figure for the reader, without a target."""
    return [Row(work, name, scurry.shown() if scurry else "—", f"{what} {reference.shown()}" if reference else "—", "", "", None)]
