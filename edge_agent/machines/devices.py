"""The devices machine: how each peripheral is, since when, and what it has done in its life. Pure; decides no service.

Every peripheral of the profile is there from the start, `unknown` until it speaks. A change of its state, paper, action
or identity is a record at once; one that changes again and again says once that it is flapping and is recorded anew
when it is steady, so that no cable can fill the journal: at most RECORDS_AT_ONCE and one more each RECORD_EVERY_S.
Whatever it is, the last values ride on the heartbeat. `station.started` makes all of them unknown for the fleet too.

Counts are kept in the clear state table and told to the fleet at most every COUNTS_EVERY_S or with a change of state:
the card is spared, and no batch tells what one visit did.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.text import luhn_card_runs
from device_profiles.layout import COUNTER_MAX
from device_profiles.messages import DEVICE, DEVICE_KEYS
from edge_agent import events
from edge_agent.effects import Append, Effect, Remember, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge_agent.events import Event, Now

RECORDS_AT_ONCE = 6
RECORD_EVERY_S = 180.0
STEADY_S = 60.0  # a flapping device that kept still so long is believed again
COUNTS_EVERY_S = 600.0
PORTS_MAX = 12  # what a profile does not name (the plugs) joins when it speaks, up to here
KEPT = "device."  # names of the state table: counts by port
JOURNAL = "journal"  # the reason of ServiceStopped while no record can be written
COUNTED = tuple(DEVICE[number] for number in range(6, 16))  # "worked_ms" and the counts, as DEVICE names them
UNKNOWN = "unknown"
GONE = ("noDevice", "offline", "powerOff", "hardwareError")
STATE_SIZE, PAPER_SIZE, ACTION_SIZE, IDENTITY_SIZE, NAME_SIZE, DETAIL_SIZE = 20, 12, 20, 80, 40, 200


class Word(NamedTuple):
    """What a record says of a device and a change of which is news; its detail alone is not."""

    state: str = UNKNOWN
    paper: str | None = None
    action: str = ""
    identity: str = ""


@dataclass(slots=True)
class Component:
    """One peripheral. `written`: what the newest record says; `counts`: by the names in COUNTED."""

    port: str
    name: str
    word: Word = Word()
    detail: str = ""
    since_ms: int = 0
    quality: int = 0
    since_s: float = 0.0
    written: Word = Word()
    flapping: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    told_ms: int = 0
    _untold_s: float | None = None  # since when there are counts that were not told
    _left: float = RECORDS_AT_ONCE
    _filled_s: float = 0.0

    def hear(self, said: events.PeripheralState, now: Now) -> bool:
        """Take the device's word; whether it is another one than before."""
        word = Word(
            said.state[:STATE_SIZE],
            said.paper and said.paper[:PAPER_SIZE],
            said.action[:ACTION_SIZE],
            _sayable(said.identity, IDENTITY_SIZE),
        )
        self.detail = _sayable(said.detail, DETAIL_SIZE)
        if word == self.word:
            return False
        if self.word.state not in (UNKNOWN, *GONE) and word.state in GONE:
            self.count("lost")
        if word.paper == "jammed" != self.word.paper:
            self.count("jams")
        self.word = word
        self.begin(now)
        return True

    def begin(self, now: Now) -> None:
        """What it is, it is from now on."""
        self.since_ms, self.quality, self.since_s = now.wall_ms, now.quality, now.mono_s

    def count(self, name: str, by: int = 1) -> None:
        """One more of these in its life."""
        self.counts[name] = min(self.counts.get(name, 0) + by, COUNTER_MAX)

    def due(self, now: Now) -> bool:
        """Whether a record is to be written now; says whether it is then flapping."""
        self._left = min(RECORDS_AT_ONCE, self._left + (now.mono_s - self._filled_s) / RECORD_EVERY_S)
        self._filled_s = now.mono_s
        if self._left < 1 or (self.word == self.written and not self.flapping):
            return False
        if self.flapping:
            self.flapping = now.mono_s - self.since_s < STEADY_S
            return not self.flapping
        self.flapping = self._left < 2
        return True

    def record(self) -> Append:
        """The record of what it is now, with its counts for the state table."""
        self._left -= 1
        self.written = self.word
        fields = {
            "port": self.port,
            "name": self.name,
            "state": self.word.state,
            "paper": self.word.paper or None,
            "detail": self.detail or None,
            "action": self.word.action or None,
            "identity": self.word.identity or None,
            "flapping": self.flapping or None,
        }
        return Append("device.state", fields, order=0, remember=self.kept())

    def kept(self) -> dict[str, object]:
        """Its counts for the state table."""
        return {KEPT + self.port: {DEVICE_KEYS[name]: value for name, value in self.counts.items()}}

    def load(self, kept: object) -> None:
        """Take the counts that an earlier process left; what is no count is left out."""
        for key, value in kept.items() if isinstance(kept, dict) else ():
            if DEVICE.get(key) in COUNTED and type(value) is int and value > 0:
                self.counts[DEVICE[key]] = value

    def tell(self, now: Now) -> None:
        """The counts, as the fleet is told them from now on."""
        self.told, self.told_ms, self._untold_s = dict(self.counts), now.wall_ms, None

    def counts_due(self, now: Now) -> bool:
        """Whether counts have waited long enough to be kept and told."""
        if self._untold_s is None and self.counts != self.told:
            self._untold_s = now.mono_s
        return self._untold_s is not None and now.mono_s - self._untold_s >= COUNTS_EVERY_S

    def row(self) -> list[object]:
        """Its row of status value 5, which older readers know too."""
        return [self.port, self.name, self.word.state, self.word.paper or ""]

    def values(self) -> dict[int, object]:
        """Its map of status value 17."""
        named: dict[str, object] = {
            "port": self.port,
            "since_ms": self.since_ms,
            "quality": self.quality,
            "since_mono_ms": int(self.since_s * 1000),
            "action": self.word.action,
            "flapping": self.flapping,
            **self.told,
            "counted_ms": self.told_ms if self.told else 0,
        }
        return {DEVICE_KEYS[name]: value for name, value in named.items() if value}


class Devices:
    """All peripherals of one station, one to a port. peripherals: (port, name) of each that the profile names."""

    def __init__(self, peripherals: Iterable[tuple[str, str]]) -> None:
        self.components = {port: Component(port, name[:NAME_SIZE]) for port, name in peripherals}
        self._blocked = False
        self._in_doubt: list[tuple[Component, Word, bool]] = []  # how each was before the records of this turn

    def on(self, event: Event, now: Now) -> list[Effect]:
        """Take one event; give what is to be done."""
        news = False
        match event:
            case events.Tick():
                self._in_doubt.clear()  # whatever was refused before has been heard of
            case events.Started(state=state):
                self._start(state, now)
                news = True
            case events.PeripheralState():
                component = self._of(event, now)
                news = component is not None and component.hear(event, now)
            case events.Scanned():
                self._worked("scanner", "scans", now)
            case events.CardRead():
                self._worked("reader", "reads_ok", now)
            case events.CardFailed():
                self._count("reader", "reads_failed")
            case events.PrintDone():
                self._printed(event, now)
            case events.ServiceStopped(reason=reason) | events.ServiceResumed(reason=reason) if reason == JOURNAL:
                self._blocked = isinstance(event, events.ServiceStopped)
            case events.AppendFailed(kind="device.state"):
                self._take_back()
            case _:
                pass
        return self._effects(now, news=news)

    def _start(self, state: Mapping[str, object], now: Now) -> None:
        for component in self.components.values():
            component.load(state.get(KEPT + component.port))
            component.begin(now)
            component.tell(now)

    def _take_back(self) -> None:
        """A record of this turn was refused: all of it is owed again, when the hand says that the journal is back.

        Another machine's refusal may be heard first and bring a second record before this one: none is forgotten, and
        one that was taken all the same is written twice.
        """
        self._blocked = True
        for component, written, flapping in reversed(self._in_doubt):
            component.written, component.flapping = written, flapping
        self._in_doubt.clear()

    def _of(self, said: events.PeripheralState, now: Now) -> Component | None:
        known = self.components.get(said.port)
        if known is None and len(self.components) < PORTS_MAX:
            known = self.components[said.port] = Component(
                said.port[:STATE_SIZE], _sayable(said.name, NAME_SIZE) or "?"
            )
            known.tell(now)
        return known

    def _worked(self, port: str, name: str, now: Now) -> None:
        self._count(port, name)
        if port in self.components:
            self.components[port].counts["worked_ms"] = now.wall_ms

    def _count(self, port: str, name: str, by: int = 1) -> None:
        if port in self.components and by > 0:
            self.components[port].count(name, by)

    def _printed(self, done: events.PrintDone, now: Now) -> None:
        name = f"prints_{done.result}"
        if done.result == "confirmed":
            self._worked("printer", name, now)
        else:
            self._count("printer", name)
        self._count("printer", "paper_mm", done.paper_mm)

    def _effects(self, now: Now, *, news: bool) -> list[Effect]:
        """At most one record or one write of counts in a turn: a refused one then leaves no other undone."""
        done: list[Effect] = []
        for component in self.components.values() if not self._blocked else ():
            before = (component, component.written, component.flapping)
            if component.due(now):
                self._in_doubt.append(before)
                component.tell(now)
                done.append(component.record())
                break
            if component.counts_due(now):
                component.tell(now)
                done.append(Remember(component.kept()))
                break
        if news or done:  # first: what the journal refuses must not hold back the last values
            done.insert(0, self._report())
        return done

    def _report(self) -> Report:
        listed = self.components.values()
        return Report({"peripherals": [each.row() for each in listed], "devices": [each.values() for each in listed]})


def _sayable(words: str, size_max: int) -> str:
    """A driver's own words as a record takes them; "" where they look like a card number."""
    plain = unicodedata.normalize("NFC", words.encode(errors="replace").decode())[:size_max]
    return "" if luhn_card_runs(plain) else plain
