"""A card reader without cards, for demonstrations and tests: cards come and go by `insert` and `remove`.

Decides nothing. Chosen by a station's profile, never by a flag in code.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.open import read_settings
from edge_agent.events import CardIn, CardOut, PeripheralState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.events import Event

_WAITING_MAX = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """The reader's name in events."""

    name: str = "simulated"


def make(settings: Mapping[str, object]) -> SimulatedReader:
    """Give the driver.

    Raises:
        DriverError: a setting that it does not take.
    """
    return SimulatedReader(read_settings(Settings, "simulated", settings))


class SimulatedReader:
    """A `CardReader` (edge_agent.ports); the controls may be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._name = settings.name
        self._plugged = True
        self._waiting: queue.Queue[Event] = queue.Queue(_WAITING_MAX)

    def insert(self) -> None:
        """Control: lay a card on the sensor."""
        self._waiting.put_nowait(CardIn(self._name))

    def remove(self) -> None:
        """Control: take the card away."""
        self._waiting.put_nowait(CardOut(self._name))

    def plug(self, *, plugged: bool) -> None:
        """Control: pull the reader's cable out, or put it in."""
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

    def close(self) -> None:
        """Nothing is held."""

    def _state(self) -> PeripheralState:
        return PeripheralState("reader", self._name, "online" if self._plugged else "noDevice")
