"""Chip cards through pcscd: any contactless or contact reader with a CCID or other PC/SC driver.

Decides what PC/SC's errors mean for a reader and for a reading. What the chip says is `emrtd.reading`'s matter.

pcscd comes and goes (Debian's ends itself when idle, an update restarts it), and so do readers: both are states here,
never the end of this driver; a connection that broke is made again at the next `wait` or `read`.

What bounds a reading: a real reader gives a card up after its frame waiting time (ISO 14443-4: at most 5 s, but a chip
may ask for more again and again), libccid gives a reader up, pcscd itself waits for ever. So every call is made on a
`Line` that can be left behind, after `Limits`; while two are stuck, pcscd counts as hanging.
"""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from device_profiles.profile import Match
from edge_agent.card import CardData, CardFault
from edge_agent.drivers.open import read_settings
from edge_agent.drivers.reader import uid, winscard
from edge_agent.drivers.reader.line import Line, NoAnswer
from edge_agent.drivers.reader.slots import Slots
from edge_agent.drivers.reader.winscard import NEWS, UNAWARE, PcscError
from edge_agent.events import PeripheralState
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_agent.card import CardRequest, FaultKind
    from edge_agent.drivers.reader.winscard import Context
    from edge_agent.events import Event

    _Result = TypeVar("_Result")

_STUCK_MAX = 2
_STATUS_BYTES = 2

_CARD_FAULTS: Mapping[int, FaultKind] = {
    winscard.NO_SMARTCARD: "no_card",
    winscard.REMOVED_CARD: "torn",
    winscard.RESET_CARD: "torn",
    winscard.UNRESPONSIVE_CARD: "mute",
    winscard.UNPOWERED_CARD: "mute",
    winscard.UNSUPPORTED_CARD: "unsupported",
    winscard.PROTOCOL_MISMATCH: "unsupported",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The reader's name in events; a fragment of the PC/SC name of the slot to use ("" all); the USB device it is."""

    name: str
    slot: str = ""
    match: Match = Match()


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: one reading; one answer of a card; pcscd's own answers; between two tries to reach pcscd; one look."""

    read_s: float = 20.0
    silent_s: float = 8.0
    service_s: float = 3.0
    again_s: float = 0.5
    look_s: float = 1.0


_USUAL = Limits()


def make(settings: Mapping[str, object]) -> PcscReader:
    """Give the driver.

    Raises:
        DriverError: a setting that it does not take.
    """
    return PcscReader(read_settings(Settings, "pcsc", settings))


class PcscReader:
    """A `CardReader` (edge_agent.ports); used by one thread."""

    def __init__(self, settings: Settings, limits: Limits = _USUAL) -> None:
        self._settings = settings
        self._limits = limits
        self._slots = Slots(settings.name, settings.slot)
        self._line: Line | None = None
        self._left_behind: list[Line] = []
        self._again_s = 0.0
        self._told = self._state("unknown", "")
        self._events: deque[Event] = deque()

    def open(self) -> PeripheralState:
        """Look for pcscd and its readers; without them the state is offline or noDevice, and they may come later.

        Raises:
            PortFault: libpcsclite is not installed.
        """
        try:
            winscard.load()
        except OSError as why:
            words = f"card readers cannot be reached ({why}): apt install libpcsclite1 pcscd libccid"
            raise PortFault(words, state="noDevice") from why
        self._look(0.0)
        self._events = deque(event for event in self._events if event is not self._told)
        return self._told

    def wait(self, timeout_s: float) -> Event | None:
        """The next CardIn, CardOut or PeripheralState, or None after `timeout_s` (a pcscd that hangs: 3 s more)."""
        until_s = time.monotonic() + timeout_s
        while not self._events and (now_s := time.monotonic()) < until_s:
            if self._line is None and now_s < self._again_s:
                time.sleep(min(until_s, self._again_s) - now_s)
            else:
                self._look(until_s - now_s)
        return self._events.popleft() if self._events else None

    def read(self, request: CardRequest, wanted: Callable[[], bool] = lambda: True) -> CardData:
        """Read the one card that lies there; afterwards it is reset, so that no channel into it stays open.

        Raises:
            CardFault: it, or its reader ("reader_lost"), did not give what was asked.
        """
        until_s = time.monotonic() + self._limits.read_s
        line, slot = self._one_card()
        try:
            return self._read(line, slot, request, wanted, until_s)
        except NoAnswer as why:
            raise CardFault("too_slow" if time.monotonic() >= until_s else "mute", f"the card: {why}") from None
        except PcscError as error:
            raise CardFault(self._meaning(error, slot), str(error)) from None
        finally:
            if line.broken:
                self._leave(0.0)

    def close(self) -> None:
        """Let go of pcscd and forget what was seen; what blocks in pcscd is left to end by itself."""
        self._leave(self._limits.service_s)
        self._slots.lost()
        self._events.clear()
        self._told, self._again_s = self._state("unknown", ""), 0.0

    def _one_card(self) -> tuple[Line, str]:
        """Where the card lies that shall be read."""
        if self._stuck() and self._told.state == "online":
            raise CardFault("mute", "the card that was read last is silent and holds the reader: take it away")
        # The pcscd we were connected to may have been replaced by another since: the second look connects anew.
        seen = self._look(0.0) or self._look(0.0)
        if self._line is None or not seen or not self._slots.names():
            raise CardFault("reader_lost", self._told.detail)
        with_card = self._slots.with_card()
        if len(with_card) != 1:
            raise CardFault("two_cards" if with_card else "no_card", f"{len(with_card)} cards lie on the reader")
        return self._line, with_card[0]

    def _read(
        self, line: Line, slot: str, request: CardRequest, wanted: Callable[[], bool], until_s: float
    ) -> CardData:
        def call(function: Callable[[Context], _Result]) -> _Result:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise CardFault("too_slow", f"not read in {self._limits.read_s:.0f} s")
            return line.call(function, min(left_s, self._limits.silent_s))

        card = call(lambda context: context.connect(slot))

        def transmit(apdu: bytes) -> bytes:
            if not wanted():
                raise CardFault("torn", "nobody waits for this reading any more")
            answer = call(lambda _: card.transmit(apdu))
            if len(answer) < _STATUS_BYTES:  # what some readers give in place of an error
                words = f"an answer of {len(answer)} bytes: it has no status word"
                raise CardFault("torn" if self._taken(slot) else "damaged", words)
            return answer

        try:
            number = uid.named(transmit(uid.ASK)) if "uid" in request.parts else b""
            if request.secret is None:
                return CardData(uid=number)
            from edge_agent.drivers.reader.emrtd.reading import read

            return replace(read(transmit, request, os.urandom, until_s), uid=number)
        finally:
            with suppress(NoAnswer):
                line.call(lambda _: card.disconnect(), self._limits.service_s)

    def _meaning(self, error: PcscError, slot: str) -> FaultKind:
        """What a failed call about the card in `slot` is for the resident."""
        if error.code == winscard.NOT_TRANSACTED:
            return "torn" if self._taken(slot) else "mute"
        return _CARD_FAULTS.get(error.code, "reader_lost")

    def _taken(self, slot: str) -> bool:
        """Whether the card is gone that a call went wrong with: pcscd looks for that only now and then."""
        until_s = time.monotonic() + self._limits.look_s
        while slot in self._slots.with_card() and (left_s := until_s - time.monotonic()) > 0:
            self._look(left_s)
        return slot not in self._slots.with_card()

    def _look(self, timeout_s: float) -> bool:
        """Look at readers and cards, for up to `timeout_s` until something changes; False when pcscd is not there."""
        line = self._line or self._reach()
        if line is None:
            return False
        wait_s = min(timeout_s, self._limits.look_s)

        def look(context: Context) -> tuple[list[str], dict[str, int]]:
            ours = self._slots.ours(context.readers())
            new = ours != self._slots.names()
            return ours, context.changes({NEWS: UNAWARE, **self._slots.known(ours)}, 0.0 if new else wait_s)

        try:
            ours, states = line.call(look, wait_s + self._limits.service_s)
        except (PcscError, NoAnswer) as why:
            self._lose(why)
            return False
        self._events.extend(self._slots.look(ours, states))
        self._say_readers(ours)
        return True

    def _reach(self) -> Line | None:
        """Connect to pcscd; None, and told, when that fails."""
        self._again_s = time.monotonic() + self._limits.again_s
        if len(self._stuck()) >= _STUCK_MAX:
            self._lose(NoAnswer())
            return None
        self._line = Line(f"pcscd:{self._settings.name}")
        try:
            self._line.reach(self._limits.service_s)
        except (PcscError, NoAnswer) as why:
            self._lose(why)
        return self._line

    def _lose(self, why: PcscError | NoAnswer) -> None:
        """Pcscd is gone or hangs: nothing is known any more, and the station is told what to do."""
        if isinstance(why, NoAnswer):
            detail = "the card service hangs: systemctl restart pcscd"
        elif why.code == winscard.ACCESS_REFUSED:
            detail = "the card service refuses this user: install systemd/polkit/50-kiosk-pcscd.rules"
        else:
            detail = f"no card service ({why.code:#010x}): apt install pcscd; systemctl enable --now pcscd.socket"
        self._leave(0.0 if isinstance(why, NoAnswer) else self._limits.service_s)
        self._events.extend(self._slots.lost())
        self._say("offline", detail)

    def _leave(self, within_s: float) -> None:
        """Give up the line: it lets go of pcscd when its present call is back, which is waited for so long."""
        if self._line is not None:
            self._line.end()
            if not self._line.ended(within_s):
                self._left_behind.append(self._line)
            self._line = None

    def _stuck(self) -> list[Line]:
        self._left_behind = [line for line in self._left_behind if not line.ended()]
        return self._left_behind

    def _say_readers(self, ours: list[str]) -> None:
        if ours:
            self._say("online", "")
        elif self._settings.slot:
            self._say("noDevice", f"pcscd knows no card reader with a slot named {self._settings.slot!r}: plug it in")
        else:
            self._say("noDevice", "pcscd knows no card reader: plug it in, or install what drives it (libccid)")

    def _say(self, state: str, detail: str) -> None:
        if (self._told.state, self._told.detail) != (state, detail):
            self._told = self._state(state, detail)
            self._events.append(self._told)

    def _state(self, state: str, detail: str) -> PeripheralState:
        action = "maintenance" if state in ("offline", "noDevice") else ""
        identity = self._identity() if state == "online" else ""
        return PeripheralState("reader", self._settings.name, state, None, detail, action, identity)

    def _identity(self) -> str:
        """Which USB device it is, where the profile says how to recognise it: PC/SC's own names count readers."""
        if self._settings.match == Match():
            return ""
        from edge_agent.plugs import locate

        try:
            return locate(self._settings.match, "usb").identity
        except PortFault:
            return ""
