"""A bed for the visit machine: a hand that only keeps what it was asked for, and people's moves on the screen.

The hand performs nothing but the one rule the machine leans on: after a refused record the rest of its list does not
happen. Decides no expectation.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING

from device_profiles.bills import Bill, BillSet
from device_profiles.catalogue_toml import load_shipped
from edge_agent import events
from edge_agent.effects import Append, Ask, Print, Remember, Screen, Show
from edge_agent.machines.payment import Limits
from edge_agent.machines.scene import VisitSettings
from edge_agent.machines.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable

START_MS = 1_795_000_000_000  # 18 November 2026, 18:06 in Vietnam
HOUR_MS = 3_600_000
OCTOBER, NOVEMBER = b"bill-oct", b"bill-nov"

BILLS = BillSet(
    building="dao-kim-cuong",
    title="Chung cư Đảo Kim Cương",
    payee_bin="970436",
    payee_account="0071001234567",
    payee_name="BAN QUAN TRI CHUNG CU",
    as_of_ms=START_MS - HOUR_MS,
    version=3,
    offline=True,
    bills=(
        Bill(OCTOBER, "A-12.05", "2026-10", 485_000, "2026-11-30", "NGUYEN *** AN"),
        Bill(NOVEMBER, "A-12.05", "2026-11", 1_234_567, "2026-12-15", "NGUYEN *** AN"),
        Bill(b"bill-201", "B-02.01", "2026-11", 300_000, "2026-11-10", "TRAN *** BINH"),
    ),
)

SETTINGS = VisitSettings(
    station="K0001",
    title="Sảnh A",
    address="Phường Bình Trưng",
    counter_first=42,
    counter_end=1000,
    catalogue=load_shipped(),
    ward="27097",
    limits=Limits(policy="PREFER_ONLINE"),
)


def counting() -> Callable[[int], bytes]:
    """Bytes that differ from draw to draw and are the same in every run."""
    draws = itertools.count(1)

    def draw(size: int) -> bytes:
        return (next(draws).to_bytes(4) * size)[:size]

    return draw


class Bed:
    """One machine, its clock, and everything it asked for."""

    def __init__(
        self,
        *,
        online: bool = True,
        printer: bool = True,
        quality: int = 3,
        bills: BillSet | None = BILLS,
        state: dict[str, object] | None = None,
        settings: VisitSettings = SETTINGS,
        contact: bool = True,
    ) -> None:
        self.visit = Visit(settings, counting())
        self.time_s, self.wall_ms, self.quality = 1000.0, START_MS, quality
        self.state: dict[str, object] = dict(state or {})
        self.done: list[object] = []
        self.screens: list[Screen] = []
        self.refuse = ""
        self.next = 0
        self.send(events.Started(1, dict(self.state)))
        if bills:
            self.send(events.BillsApplied(bills))
        if contact:
            self.send(events.Answered(b"nobody's question", {}, START_MS))
        if online:
            self.send(events.LinkUp(1))
        if printer:
            self.send(events.PeripheralState("printer", "simulated", "online", "full"))
        self.send(events.PeripheralState("scanner", "simulated", "online"))
        self.done.clear()

    @property
    def screen(self) -> Screen:
        return self.screens[-1]

    @property
    def name(self) -> str:
        return self.screen.name

    @property
    def data(self):
        return self.screen.data

    def offer(self, service: str) -> tuple[str, str]:
        """How a service is offered on the screen that stands there: (state, why)."""
        return next((each["state"], each["why"]) for each in self.data["frame"]["offers"] if each["id"] == service)

    def send(self, event: object) -> list[object]:
        """One event; performs what comes back as the hand does, and gives what was performed."""
        now = events.Now(self.time_s, self.wall_ms, self.quality)
        performed: list[object] = []
        rest = iter(self.visit.on(event, now))
        for effect in rest:
            if isinstance(effect, Append) and effect.kind == self.refuse.partition(":")[0]:
                wanted = self.refuse.partition(":")[2]
                if not wanted or effect.fields.get("state") == wanted:
                    self.done += performed
                    self.refuse = ""
                    lost = [each for each in rest if isinstance(each, Print)]
                    performed += self.send(events.AppendFailed(effect.kind, effect.txn, "disk full"))
                    for each in lost:
                        performed += self.send(events.PrintDone(each.job, "failed", "not kept"))
                    return performed
            if isinstance(effect, Append):
                self._keep(effect.remember)
                self.next += 1
            if isinstance(effect, Remember):
                self._keep(effect.values)
            if isinstance(effect, Show):
                self.screens.append(effect.screen)
            performed.append(effect)
        self.done += performed
        written = [each for each in performed if isinstance(each, Append)]
        for number, each in enumerate(written, self.next - len(written) + 1):
            performed = performed + self.send(events.Committed(number, each.txn))
        return performed

    def _keep(self, values) -> None:
        for name, value in values.items():
            if value is None:
                self.state.pop(name, None)
            else:
                self.state[name] = value

    # people

    def touch(self, action: str, value: str = "", *, screen: int | None = None) -> list[object]:
        return self.send(events.Touched(self.screen.number if screen is None else screen, action, value))

    def wait(self, seconds: float) -> list[object]:
        """Time passes, with a tick at its end."""
        self.time_s += seconds
        self.wall_ms += int(seconds * 1000)
        return self.send(events.Tick())

    def type(self, text: str) -> None:
        for letter in text:
            self.touch("key", letter)

    def to_bills(self, unit: str = "A1205", language: str = "vi") -> None:
        self.touch("start", language)
        self.touch("group", "bill")
        self.type(unit)
        self.touch("next")

    def to_review(self, bill: bytes = OCTOBER, unit: str = "A1205") -> None:
        self.to_bills(unit)
        self.touch("pay", bill.hex())

    def press_pay(self) -> list[object]:
        self.touch("consent", "1")
        return self.touch("next")

    def to_qr(self, bill: bytes = OCTOBER, unit: str = "A1205") -> list[object]:
        """All the way to the QR code; gives what its last step performed."""
        self.to_review(bill, unit)
        performed = self.press_pay()
        asked = of(performed, Ask)
        return self.answer(asked[0], status="open") if asked else performed

    def fill(self, *steps: tuple[str, str]) -> None:
        """Answer questions one after another: ("choose", id), ("type", text), ("quick", word), ("skip", ""), …"""
        for action, value in steps:
            if action == "type":
                self.touch("erase", "all")
                self.type(value)
                self.touch("next")
            elif action == "quick":
                self.touch("quick", value)
                self.touch("next")
            else:
                self.touch(action, value)

    # the fleet

    def ack(self, *, following: int | None = None) -> list[object]:
        """The fleet has everything up to `following`, or to the newest record."""
        held = self.next if following is None else following
        ack = SimpleNamespace(next=held, digest=b"d" * 32, time_ms=self.wall_ms)
        return self.send(events.Acked(ack, self.next, b"d" * 32, 0))

    def answer(self, ask: Ask, **fields: object) -> list[object]:
        return self.send(events.Answered(ask.question, fields, self.wall_ms))

    def next_question(self, seconds: float = 5.0) -> Ask:
        """Wait, and take the one question that comes."""
        (ask,) = of(self.wait(seconds), Ask)
        return ask

    # looking

    @property
    def txn(self) -> bytes:
        created = [each for each in of(self.done, Append) if each.kind == "payment.created"]
        return created[-1].txn

    def records(self) -> list[tuple[str, object]]:
        """(kind, its telling field) of all records so far."""
        telling = {"payment.state": "state", "visit.ended": "outcome", "slip.result": "result"}
        return [(each.kind, each.fields.get(telling.get(each.kind, ""))) for each in of(self.done, Append)]

    def slips(self) -> list[Print]:
        return of(self.done, Print)


def of(effects, kind):
    return [each for each in effects if isinstance(each, kind)]


def lines(job: Print, style: str) -> list[str]:
    return [text for each, text in job.slip.lines if each == style]
