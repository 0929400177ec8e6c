"""What a measurement gives: rows with a median, the spread of the rounds, the things it counted, and its goal, if any.

Decides how rounds are folded, how long one may last and when a goal is met; measures and prints nothing.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZES = ("full", "quick", "smoke")
Kind = Literal["ratio", "ours", "peer", "floor", "part"]
ORDER: tuple[Kind, ...] = ("ratio", "ours", "peer", "floor", "part")  # how a table reads: ratios first


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row is held against: `bound` says whether `value` is the least or the most."""

    bound: Literal["least", "most"]
    value: float

    def met(self, value: float) -> bool:
        return value >= self.value if self.bound == "least" else value <= self.value

    def words(self) -> str:
        return f"{'≥' if self.bound == 'least' else '≤'} {shown(self.value)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. value: median of the rounds; least, most: their range; counted: things counted and asserted.

    kind: ratio (of two figures of one run), ours, peer (somebody else's way), floor (the least that the machine asks
    for the same bytes), part (a share of ours).
    """

    name: str
    kind: Kind
    unit: str
    value: float
    least: float
    most: float
    counted: int
    goal: Goal | None = None

    @property
    def verdict(self) -> str:
        return "" if self.goal is None else "met" if self.goal.met(self.value) else "MISSED"


def row(name: str, kind: Kind, unit: str, rounds: Sequence[float], counted: int, goal: Goal | None = None) -> Row:
    """Fold one figure per round into a row."""
    assert rounds, name
    assert all(math.isfinite(each) for each in rounds), (name, rounds)
    return Row(name, kind, unit, statistics.median(rounds), min(rounds), max(rounds), counted, goal)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Round by round: a neighbour's load falls on both sides of one round."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values in ascending order; `share` in (0, 1]."""
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


def shown(value: float) -> str:
    """A figure in three or four digits, as people read it."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def turns(count: int, each: int, seconds_max: float) -> Iterator[int]:
    """Give `each` again and again until `count` is reached, or time is over: a busy disk costs counts, not minutes."""
    end_s = time.monotonic() + seconds_max
    done = 0
    while done < count and (not done or time.monotonic() < end_s):
        yield each
        done += each
