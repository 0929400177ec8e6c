"""What is plugged in at one simulated station: reader, scanner, printer, page. It outlives the agent's process.

The drivers' threads are played: what happened to a cable is told a little later, as the device then is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_profiles.profile import load_shipped
from edge_agent import events

if TYPE_CHECKING:
    from edge_agent.card import CardRequest
    from edge_agent.effects import Slip
    from tests.simulation.persona import Persona
    from tests.simulation.station import Station

PORTS = ("reader", "scanner", "printer")
NAMES = {each.port: each.name for each in load_shipped("simulated").peripherals}
TOLD_MAX_S = 1.5  # what a driver may take to notice a cable
SLOW_READING = 0.2  # of the cards take much longer than the others


class Devices:
    """The four of one station, their cables, and what people do with a card."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.plugged = dict.fromkeys(PORTS, True)
        self.page, self.page_opened = True, False  # whether it is alive; whether this process ever heard it
        self.printing = 0
        self.printed: set[bytes] = set()
        self.lies: Persona | None = None  # whose card lay on the reader last

    def boot(self) -> None:
        """A new process: every driver opens its device and says how it is."""
        self.page_opened, self.printing = False, 0
        for port in PORTS:
            self._tell(port)

    def truth(self) -> dict[str, str]:
        """How each really is, in the words of a station that knows."""
        page = "online" if self.page else "offline" if self.page_opened else "unknown"
        return {port: "online" if self.plugged[port] else "noDevice" for port in PORTS} | {"display": page}

    def beat(self) -> None:
        """The page is drawn: it beats."""
        if self.page:
            self.page_opened = True
            self.station.post(events.PageBeat(0))

    def plug(self, port: str, *, plugged: bool) -> None:
        """A cable is put in or pulled out; at rest nobody touches one."""
        if not self.station.resting:
            self.plugged[port] = plugged
            self._tell(port)

    def loosen(self, port: str, turns: int) -> None:
        """A cable that hangs loose: in and out again and again."""
        self.plug(port, plugged=not self.plugged[port])
        if turns:
            self.station.world.later(0.5, lambda: self.loosen(port, turns - 1))

    def open_page(self, *, alive: bool) -> None:
        """The browser dies, or comes back."""
        if not self.station.resting:
            self.page = alive

    def _tell(self, port: str) -> None:
        world, process = self.station.world, self.station.boots

        def tell() -> None:
            if process == self.station.boots:
                paper = ("full" if self.plugged[port] else "unknown") if port == "printer" else None
                word = events.PeripheralState(port, NAMES[port], self.truth()[port], paper)
                self.station.post(word if self.plugged[port] else _gone(word))

        world.later(world.rng.random() * TOLD_MAX_S, tell)

    def _later(self, seconds: float, event: Any) -> None:
        """An event of this process, if it still runs then."""
        process = self.station.boots
        self.station.world.later(seconds, lambda: process == self.station.boots and self.station.post(event))

    # the printer's worker

    def print(self, job: bytes, slip: Slip) -> bool:
        """Take a job: print it, fail, fall silent, or have the cable pulled out in the middle."""
        world = self.station.world
        self.station.witness.paper(slip)
        result: Any = "confirmed"
        if world._hit("printer"):
            result = world.rng.choice(["failed", "unknown", None])
        if not self.plugged["printer"]:
            result = "failed"
        elif world._hit("unplug_mid_print"):
            result = "unknown"
            self.plug("printer", plugged=False)
            world.later(world.rng.random() * 30, lambda: self.plug("printer", plugged=True))
        if result == "confirmed":
            self.printed.add(job)
        if result:
            self._later(world.rng.random() * 3, events.PrintDone(job, result, paper_mm=120))
        return True

    # the reader's worker

    def read(self, request: CardRequest) -> bool:
        """Read the card that was laid down, unless it is taken away, or the reader itself, before the end."""
        world = self.station.world
        seconds = 0.5 + world.rng.random() * (15 if world.rng.random() < SLOW_READING else 3)
        if self.lies is None or not self.plugged["reader"]:
            self._later(0.1, events.CardFailed(request.number, "reader_lost", "unplugged"))
        elif world._hit("card_pulled"):
            self._later(seconds, events.CardFailed(request.number, "torn", "the card is gone"))
            self._later(seconds, events.CardOut(NAMES["reader"]))
        else:
            self._later(seconds, events.CardRead(request.number, self.lies.card))
        return True

    def forget(self) -> None:
        """A real one posts nothing more; here what was under way still comes, late: the machine must drop it."""

    def lay_card(self, persona: Persona) -> None:
        """A resident lays the card on the reader."""
        if self.plugged["reader"]:
            self.lies = persona
            self.station.post(events.CardIn(NAMES["reader"]))

    def take_card(self) -> None:
        """They take it with them."""
        if self.lies is not None:
            self.lies = None
            self.station.post(events.CardOut(NAMES["reader"]))


def _gone(word: events.PeripheralState) -> events.PeripheralState:
    return events.PeripheralState(word.port, word.name, word.state, word.paper, "not plugged in", "maintenance")
