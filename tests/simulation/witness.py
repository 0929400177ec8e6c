"""What stood on one station's screen and paper, and whose it was: keeps everything, and notes what may never happen.

A visit is what lies between two screens outside of a visit; a try is what lies between two screens on which a service
is chosen. Each try has a person of its own (`persona`), so that what outlives it is recognised. The witness believes
screens, paper and the journal; it asks the machine nothing but, after each try, what it still holds of it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_agent.machines.wording import say
from tests.simulation.persona import NUMBER, Persona, found, held, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.effects import Screen, Slip
    from tests.simulation.station import Station

LEFT_STANDING = ("out", "recovered")  # here the code of the visit that was cut short may stand
SENT_OR_MORE = ("sent", "accepted", "more", "rejected")
REVEAL_S, STEP_MAX_S = 3.0, 1.1
CODE = re.compile("TAM-K[0-9]{4}-[0-9]{6}-[0-9]")
SENT_WORDS = say("vi", "state.sent")
WORDS = {"accepted": "ACCEPTED", "more": "NEEDS_MORE", "rejected": "REJECTED"}


@dataclass(slots=True)
class Made:
    """The record behind a code: of which visit, where in which journal, and whether its visit has ended by itself."""

    kind: str
    txn: bytes
    journal: bytes
    seq: int
    visit: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a resident was told is saved: their last review, and who they are."""

    code: str
    serial: int
    service: str
    review: Mapping[str, Any]
    language: str


@dataclass
class Witness:
    """One station's; it outlives the agent's process."""

    station: Station
    screens: list[tuple[int, Screen]] = field(default_factory=list)
    offences: list[str] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    entries: Counter[str] = field(default_factory=Counter)
    visit: int = 0
    in_visit: bool = False
    revealed_s: float = -10.0
    ended: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.numbers: dict[int, tuple[int, str, str]] = {}  # of this process: visit, name, question
        self.screen: Screen | None = None
        self._service: object = None
        self._persona: Persona | None = None
        self._closed: set[int] = set()
        self._review: Screen | None = None
        self._pages: Counter[str] = Counter()

    @property
    def persona(self) -> Persona:
        """Who tries now."""
        if self._persona is None:
            self._persona = self.station.world.new_persona()
        return self._persona

    def booted(self) -> None:
        """A new process: nothing stands there."""
        self.numbers, self.screen = {}, None
        self._end_try(ends_visit=False)
        self._closed.clear()
        self.in_visit = False

    def offend(self, words: str) -> None:
        """Note what may not be."""
        self.offences.append(f"{self.station.name}, {self.station.world.time_s:.2f} s, visit {self.visit}: {words}")

    # what is written

    def appended(self, kind: str, fields: Mapping[str, Any], txn: bytes | None, seq: int) -> None:
        """A record is durable."""
        if kind in ("payment.created", "dossier.created"):
            assert txn is not None
            made = Made(kind, txn, self.station.journal.journal, seq, self.visit)
            if self.made.setdefault(fields["code"], made) is not made:
                self.offend(f"{fields['code']} stands for a second record")
        elif kind == "technician.entry":
            self.entries["wrong" if fields["result"] in ("refused", "locked") else fields["result"]] += 1
        elif kind == "visit.ended":
            self.ended.add(self.visit)

    # what is shown

    def see(self, screen: Screen) -> None:
        """A screen stands there."""
        self._turn_over(screen)
        self.numbers[screen.number] = (self.visit, screen.name, str(screen.data.get("key", "")))
        self.screens.append((self.visit, screen))
        name, data = screen.name, screen.data
        frame = {part: value for part, value in data["frame"].items() if part != "offers"}  # names services alone
        said = list(texts({**data, "frame": frame}))
        self._whose(name, said)
        codes = {code for text in said for code in CODE.findall(text)}
        if data.get("code"):
            codes.add(str(data["code"]))
        for code in codes:
            self._code_on(f"screen {name}", code, left=name in LEFT_STANDING)
        if name == "form_review":
            self._review = screen
        if name == "form_result":
            self._result(data)
        self._technician(screen)
        self.screen = screen

    def _turn_over(self, screen: Screen) -> None:
        """Whether another visit or another try begins with this screen."""
        in_visit = bool(screen.data["frame"]["in_visit"])
        if in_visit and not self.in_visit:
            self.visit += 1
        service = screen.data.get("service")
        other = service is not None and self._service is not None and service != self._service
        if not in_visit or other or screen.name in ("home", "group"):
            self._end_try(ends_visit=not in_visit)
        self.in_visit = in_visit
        self._service = service or self._service

    def _end_try(self, *, ends_visit: bool) -> None:
        if self._persona is not None:
            self._closed.add(self._persona.serial)
            self.station.person.leave(visit=ends_visit)
        self._persona, self._service, self._review = None, None, None

    def _whose(self, name: str, said: list[str]) -> None:
        """Nobody's data but those of who stands there."""
        mine = set() if self._persona is None else {self._persona.serial}
        for text in said:
            others = found(text) - mine
            if others:
                self.offend(f"screen {name} shows data of {others}, there stands {mine or 'nobody'}")

    def _code_on(self, where: str, code: str, *, left: bool) -> None:
        made = self.made.get(code)
        if made is None:
            self.offend(f"{code} stood on {where} before its record was durable")
        elif made.visit != self.visit or (not self.in_visit and not left):
            self.offend(f"{code} of visit {made.visit} stood on {where}")
        elif not self.in_visit and made.visit in self.ended:
            self.offend(f"{code} stood on {where} after whoever it belongs to had ended the visit")

    def _result(self, data: Mapping[str, Any]) -> None:
        """What is saved, sent or decided is so, at this moment."""
        code, state = str(data["code"]), str(data["state"])
        if code not in self.told and self._review is not None:
            service = data["service"]["en"]
            self.told[code] = Told(code, self.persona.serial, service, self._review.data, self._review.language)
        made = self.made.get(code)
        if made is None:
            return
        if state in SENT_OR_MORE and not self.is_promised(made):
            self.offend(f"{code} was called {state}, the fleet had not acknowledged it")
        if state in WORDS:
            spoken = self.station.world.fleet.spoken.get((self.station.device, made.txn), [])
            if (WORDS[state], data["official"], data["words"]) not in spoken:
                self.offend(f"{code} was called {state} {data['official']}, the office never said so")

    def is_promised(self, made: Made) -> bool:
        """Whether some Ack has ever covered the record."""
        return self.station.world.fleet.promised.get((self.station.device, made.journal), 0) > made.seq

    def _technician(self, screen: Screen) -> None:
        """Every answer to a PIN has its record."""
        before = self.screen
        new = before is None or before.name != screen.name
        if screen.name == "technician_page" and new:
            self._pages["opened"] += 1
        wrong = before is not None and before.name == "technician" and before.data["wrong"]
        if screen.name == "technician" and screen.data["wrong"] and not wrong:
            self._pages["wrong"] += 1
        for what in ("opened", "wrong"):
            if self._pages[what] > self.entries[what]:
                self._pages[what] = self.entries[what]
                self.offend(f"a technician's entry ({what}) stood on the screen without its record")

    # what is printed

    def paper(self, slip: Slip) -> None:
        """A slip is given to the printer."""
        said = [text for _, text in slip.lines]
        self._whose("paper", said)
        codes = {code for text in said for code in CODE.findall(text)}
        for code in codes:
            self._code_on("paper", code, left=True)
            made = self.made.get(code)
            if made and SENT_WORDS in said and not self.is_promised(made):
                self.offend(f"paper calls {code} sent, the fleet had not acknowledged it")
        if any(NUMBER.search(text) for text in said):
            self.offend("a whole number stood on paper")

    # what is kept

    def look_inside(self) -> None:
        """After an event: nothing of a try that is over is left in the machine, and what was hidden is hidden again."""
        screen, world = self.screen, self.station.world
        if self._closed:
            agent = self.station.agent
            left = held([agent.machines, agent._events, agent.status, agent.inbound]) & self._closed
            if left:
                self.offend(f"the machine still holds data of {left}")
            self._closed.clear()
        if screen is None or screen.name not in ("who", "form_review"):
            return
        if world.time_s - self.revealed_s <= REVEAL_S + STEP_MAX_S:
            return
        if any(NUMBER.search(text) for text in texts(screen.data["rows"])):
            self.offend(f"a whole number stands on {screen.name}, nobody asked to see it")
            self.revealed_s = world.time_s  # said once

    def is_void(self, number: int) -> bool:
        """Whether a touch on this screen belongs to another place or visit than the one that stands there now."""
        now = None if self.screen is None else self.numbers.get(self.screen.number)
        return self.numbers.get(number) != now
