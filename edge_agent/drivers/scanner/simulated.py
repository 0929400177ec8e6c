"""A barcode scanner without a beam, for demonstrations and tests: `scan` gives it what a code holds.

Decides nothing. Chosen by a station's profile, never by a flag in code.
"""

from __future__ import annotations

import queue
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.open import read_settings
from edge_agent.events import PeripheralState, Scanned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.events import Event

_WAITING_MAX = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """The scanner's name in events."""

    name: str = "simulated"


def make(settings: Mapping[str, object]) -> SimulatedScanner:
    """Give the driver.

    Raises:
        DriverError: a setting that it does not take.
    """
    return SimulatedScanner(read_settings(Settings, "simulated", settings))


class SimulatedScanner:
    """A `Scanner` (edge_agent.ports); the controls may be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.name
        self._plugged = True
        self._waiting: queue.Queue[Event] = queue.Queue(_WAITING_MAX)

    def scan(self, data: bytes) -> None:
        """Control: hold a code that contains `data` before the scanner."""
        self._waiting.put_nowait(Scanned(data))

    def plug(self, *, plugged: bool) -> None:
        """Control: pull the scanner's cable out, or put it in."""
        self._plugged = plugged
        self._waiting.put_nowait(self._state())

    def open(self) -> PeripheralState:
        """Say how it is."""
        return self._state()

    def wait(self, timeout_s: float) -> Event | None:
        """The next event, or None after `timeout_s`."""
        try:
            return self._waiting.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def forget(self) -> None:
        """What was scanned and not yet waited for is forgotten; that the cable was pulled is not."""
        before, self._waiting = self._waiting, queue.Queue(_WAITING_MAX)
        with suppress(queue.Empty):
            while True:
                event = before.get_nowait()
                if isinstance(event, PeripheralState):
                    self._waiting.put_nowait(event)

    def close(self) -> None:
        """What was scanned and not yet waited for is forgotten."""
        self._waiting = queue.Queue(_WAITING_MAX)

    def _state(self) -> PeripheralState:
        return PeripheralState("scanner", self._name, "online" if self._plugged else "noDevice")
