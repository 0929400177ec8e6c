"""The clock: one reading of monotonic and wall time, and how far the wall clock may be believed.

Order comes from `seq`, waiting from the monotonic clock; wall time is only a field with its quality. The time floor
(newest of build, bundle and last signed fleet time) is raised by signed words alone: raw system time never raises it,
because one jump to 2036 would lock the station out for ever.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from device_profiles.layout import TIME_MAX_MS
from edge_agent.events import Now

if TYPE_CHECKING:
    from collections.abc import Callable

UNKNOWN, FLOOR, NTP, SIGNED = range(4)
SIGNED_FOR_S = 86_400.0  # how long a quartz may carry on from one signed time (about 9 s a day at 100 ppm)
NTP_MARK = Path("/run/systemd/timesync/synchronized")


class Clock:
    """Readings for the hand; `witness` takes a signed fleet time."""

    def __init__(
        self,
        floor_ms: int,
        mono_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
        ntp: Callable[[], bool] = NTP_MARK.exists,
    ) -> None:
        self._mono_s, self._wall_s, self._ntp = mono_s, wall_s, ntp
        self._floor_ms, self._floor_at_s = floor_ms, mono_s()
        self._signed_at_s: float | None = None

    def now(self) -> Now:
        """Read the clocks: signed fleet time carried on, else NTP, else the system's but never before the floor."""
        mono_s = self._mono_s()
        system_ms = min(int(self._wall_s() * 1000), TIME_MAX_MS)  # a later one fits no record: it would end the hand
        if self._signed_at_s is not None and mono_s - self._signed_at_s <= SIGNED_FOR_S:
            return Now(mono_s, self.trusted_ms(mono_s), SIGNED)
        if system_ms >= self.trusted_ms(mono_s) and self._ntp():
            return Now(mono_s, system_ms, NTP)
        return Now(mono_s, max(system_ms, self.trusted_ms(mono_s)), FLOOR if self._floor_ms else UNKNOWN)

    def trusted_ms(self, mono_s: float | None = None) -> int:
        """The time floor carried on by the monotonic clock: by it the dates of keys and messages are judged."""
        elapsed_s = (self._mono_s() if mono_s is None else mono_s) - self._floor_at_s
        return self._floor_ms + int(elapsed_s * 1000)

    def witness(self, signed_ms: int) -> None:
        """Take a time that the fleet signed just now. It never moves the floor back."""
        mono_s = self._mono_s()
        if signed_ms >= self._floor_ms:
            self._floor_ms, self._floor_at_s = signed_ms, mono_s
            self._signed_at_s = mono_s

    def raise_floor(self, signed_ms: int) -> None:
        """Take an older signed time (a bundle, a key list, the state table): it raises the floor, no more."""
        mono_s = self._mono_s()
        if signed_ms > self.trusted_ms(mono_s):
            self._floor_ms, self._floor_at_s = signed_ms, mono_s
