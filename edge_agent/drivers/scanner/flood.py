"""Which lines of a scanner a person can have brought. Knows no device and takes time as an argument.

Decides that a scanner which babbles (a stuck trigger, a torn cable, a device that only calls itself a scanner) is not
listened to: more than `LINES_MAX` lines within `WITHIN_S`, and none counts until nothing came for `QUIET_S`. And that
the same code again within `SAME_S` is the same scan: a code that is held before a scanner is read many times.
"""

from __future__ import annotations

import math
from collections import deque

LINES_MAX = 5
WITHIN_S = 1.0
QUIET_S = 1.0
SAME_S = 2.0


class Flood:
    """One scanner's lines. `babbles`: too many came, and it is not quiet yet."""

    def __init__(self) -> None:
        self.babbles = False
        self._came_s: deque[float] = deque(maxlen=LINES_MAX + 1)
        self._last: bytes | None = None
        self._last_s = -math.inf

    def takes(self, line: bytes, now_s: float) -> bool:
        """Whether a line that came at `now_s` counts."""
        if self._came_s and now_s - self._came_s[-1] >= QUIET_S:
            self.babbles = False
            self._came_s.clear()
        self._came_s.append(now_s)
        if len(self._came_s) > LINES_MAX and now_s - self._came_s[0] < WITHIN_S:
            self.babbles = True
        if self.babbles or (line == self._last and now_s - self._last_s < SAME_S):
            return False
        self._last, self._last_s = line, now_s
        return True

    def forget(self) -> None:
        """The next line is of another visit, and counts though it be the same; a babbling scanner babbles on."""
        self._last = None
