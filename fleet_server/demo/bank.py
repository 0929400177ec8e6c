"""The bank of a demonstration (MÔ PHỎNG): reports the credits of residents who paid, and repeats what was not taken.

A notice that the fleet server could not take is said again: a bank's statement would name it as well.
"""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 5.0
TURN_S = 0.1


class Bank:
    """url: the fleet's door for simulated credits; token: gives the key of that door (it changes with each start)."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url, self._token = url, token
        self._due: list[tuple[float, int, dict[str, Any]]] = []
        self._number = itertools.count(1)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bank", daemon=True)
        self._reporting = 0
        self._statement: list[tuple[float, int, dict[str, Any]]] = []

    def start(self) -> None:
        """Open for business."""
        self._thread.start()

    def pay(self, amount: int, memo: str, account: str, delay_s: float) -> None:
        """A resident transferred money; the credit is booked a little later."""
        number = next(self._number)
        row = {
            "bank_ref": f"MP{number:08d}-{time.time_ns()}",
            "amount": amount,
            "memo": f"MBVCB.{number:06d}.{memo}.CT tu 0000 toi 0000",
            "account": account,
            "at_ms": time.time_ns() // 1_000_000,
        }
        with self._lock:
            heapq.heappush(self._due, (time.monotonic() + delay_s, number, row))

    @property
    def waiting(self) -> int:
        """Credits that the fleet has not taken yet, those on the way included."""
        with self._lock:
            return len(self._due) + self._reporting

    def repeat(self) -> None:
        """Send the whole statement again, as after a fleet was restored: every credit counts once all the same."""
        with self._lock:
            self._due = [*self._due, *self._statement]
            heapq.heapify(self._due)
            self._statement = []

    def end(self) -> None:
        """Close."""
        self._ended.set()
        self._thread.join(timeout=TIMEOUT_S)

    def _run(self) -> None:
        while not self._ended.wait(TURN_S):
            with self._lock:
                rows = [heapq.heappop(self._due) for _ in range(len(self._due)) if self._due[0][0] <= time.monotonic()]
                self._reporting = len(rows)
            if not rows:
                continue
            taken = self._report([row for _, _, row in rows])
            with self._lock:
                if taken:
                    self._statement += rows
                else:
                    for each in rows:
                        heapq.heappush(self._due, each)
                self._reporting = 0

    def _report(self, rows: list[dict[str, Any]]) -> bool:
        try:
            request = urllib.request.Request(  # noqa: S310  our own server on loopback
                self._url,
                json.dumps(rows).encode(),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"},
            )
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
                return bool(reply.status == 200)
        except (OSError, http.client.HTTPException):  # the latter: an answer cut in its first line
            return False
