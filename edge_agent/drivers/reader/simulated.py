"""A card reader without hardware (MÔ PHỎNG), for demonstrations and tests: virtual chips come and go by its controls.

The reading is the real one: the station's own terminal speaks to the chip, command by command. Decides nothing; what a
card answers is `virtual_chip`'s matter. Chosen by a station's profile, never by a flag in code.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_agent.card import CardData, CardFault
from edge_agent.drivers.open import read_settings
from edge_agent.drivers.reader import uid
from edge_agent.events import CardIn, CardOut, PeripheralState
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_agent.card import CardRequest
    from edge_agent.drivers.reader.virtual_chip import VirtualChip
    from edge_agent.events import Event

_WAITING_MAX = 32
_READ_S = 20.0


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
        self._laid: list[VirtualChip] = []
        self._lock = threading.Lock()  # of what lies there

    def insert(self, chip: VirtualChip | None = None) -> None:
        """Control: lay a card on the sensor, beside those that lie there; None: the usual one of the simulator."""
        if chip is None:
            from edge_agent.drivers.reader.virtual_chip import VirtualChip

            chip = VirtualChip()
        chip.reset()
        with self._lock:
            self._laid.append(chip)
        self._waiting.put_nowait(CardIn(self._name))

    def remove(self) -> None:
        """Control: take every card away."""
        with self._lock:
            self._laid.clear()
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

    def read(self, request: CardRequest, wanted: Callable[[], bool] = lambda: True) -> CardData:
        """Read the card that lies there, as `edge_agent.ports.CardReader` says.

        Raises:
            CardFault: what is wrong with the card, or none or two lie there.
            PortFault: the cable is out.
        """
        self._check_plugged()
        with self._lock:
            laid = tuple(self._laid)
        if len(laid) != 1:
            raise CardFault("two_cards" if laid else "no_card", f"{len(laid)} cards lie on the simulated reader")
        chip = laid[0]

        def transmit(command: bytes) -> bytes:
            self._check_plugged()
            if not wanted():
                raise CardFault("torn", "nobody waits for this reading any more")
            if chip not in self._laid:
                raise CardFault("torn", "the simulated card was taken away")
            return chip.transmit(command)

        until_s = time.monotonic() + _READ_S
        chip.reset()
        try:
            number = uid.named(transmit(uid.ASK)) if "uid" in request.parts else b""
            if request.secret is None:
                return CardData(uid=number)
            from edge_agent.drivers.reader.emrtd.reading import read

            return replace(read(transmit, request, os.urandom, until_s), uid=number)
        finally:
            if chip.taken:
                self._gone(chip)

    def close(self) -> None:
        """Nothing is held."""

    def _gone(self, chip: VirtualChip) -> None:
        """A card whose manner had it taken away in the middle lies there no more."""
        with self._lock:
            if chip not in self._laid:
                return
            self._laid.remove(chip)
        self._waiting.put_nowait(CardOut(self._name))

    def _check_plugged(self) -> None:
        if not self._plugged:
            raise PortFault(f"the simulated reader {self._name} is not plugged in", state="noDevice")

    def _state(self) -> PeripheralState:
        return PeripheralState("reader", self._name, "online" if self._plugged else "noDevice")
