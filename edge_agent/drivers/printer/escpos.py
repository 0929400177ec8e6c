"""A `Printer` (edge_agent.ports) that speaks ESC/POS: all of it but the way there, which each driver adds.

Decides what is asked when, what is remembered between two jobs, and what a printer's state is called. One connection
per job and per question: a node that is opened anew is known to be there. (Why a network printer's is held between
them: `tcp_watch`.)
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.printer import status
from edge_agent.drivers.printer.job import Run
from edge_agent.drivers.printer.wire import LinkLost, Wire
from edge_agent.events import PeripheralState
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from edge_agent.drivers.printer.status import Health
    from edge_agent.drivers.printer.wire import Line
    from edge_agent.effects import Slip

_STATE_S = 4.8  # the port allows 5 s
_PRINT_S = 28.0  # the port allows 30 s
LINE_S = _PRINT_S - 5.0  # what of it the bytes may take on a slow line: the rest is for questions and answers
_WORD_HOLDS_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a profile says of a model on any link: the head's width, and its quirks by the names profiles use.

    no_print_confirmation: it takes GS ( H for text. no_realtime_status: it never answers DLE EOT, so it is not asked.
    """

    width_dots: int = 576
    no_cutter: bool = False
    no_print_confirmation: bool = False
    no_realtime_status: bool = False
    name: str = "escpos"


class EscposPrinter(ABC):
    """What the three drivers share; used by one thread."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._attempt = 0
        self._identity = ""
        self._told: Health | None = None  # the fault that stopped the last job: a full printer hears no question
        self._told_at_s = 0.0
        self._owed = False  # whether the last question was not answered, so that a late answer may still come
        self.slip_mm = 0  # paper that the newest slip takes
        self._holds_rest = True  # the printer may hold a piece of a job: of an earlier process, to begin with

    @abstractmethod
    def _reach(self) -> tuple[Line, str]:
        """Open the way to the printer; give it with the device's identity ("" where it has none).

        Raises:
            PortFault: no way; state "noDevice" where the device itself is not there.
        """

    def open(self) -> PeripheralState:
        """As `state`: nothing is kept open."""
        return self.state()

    def state(self) -> PeripheralState:
        """Ask how the printer is; at most 5 s. Not reached is offline, silent is unknown.

        Raises:
            PortFault: no such device is plugged in (state "noDevice").
        """
        until = time.monotonic() + _STATE_S
        try:
            wire = self._wire()
        except PortFault as fault:
            if fault.state == "noDevice":
                raise
            return self._word(status.Health(fault.state, "unknown", str(fault), fault.action))
        answers, told = self._asked(wire, until)
        if answers:
            self._told = None
        return self._word(status.health(answers) if answers else told or self._last_word() or status.SILENT)

    def print(self, job: bytes, slip: Slip) -> str:
        """Print a slip; at most 30 s.

        Returns:
            "confirmed" or "unknown".

        Raises:
            PortFault: no whole slip can have come out ("failed").
        """
        from edge_agent.drivers.printer import raster

        until = time.monotonic() + _PRINT_S
        made = raster.job(slip, self._model.width_dots, cut=not self._model.no_cutter)
        self.slip_mm = made.rows // raster.ROWS_PER_MM
        wire = self._wire()
        self._attempt = (self._attempt + 1) % 256
        command, answer = status.printed_mark(job, self._attempt)
        mark = b"" if self._model.no_print_confirmation else command
        filler = bytes(raster.BAND_ROWS * self._model.width_dots // 8) if self._holds_rest else b""
        run = Run(wire, made, (mark, answer), filler, until)
        run.told, run.owed = self._last_word(), self._owed
        try:
            return run.result(asks=not self._model.no_realtime_status)
        finally:
            self._holds_rest, self._owed = run.holds_rest, wire.owes
            if run.talks:
                self._told, self._told_at_s = run.fault, time.monotonic()

    def close(self) -> None:  # noqa: B027 - a connection does not outlive a question or a job
        """Nothing is held."""

    def _wire(self) -> Wire:
        """Reach the printer; what was remembered of another one, or of one that was away, is forgotten."""
        try:
            line, identity = self._reach()
        except PortFault as fault:
            if fault.state == "noDevice":
                self._forget()
            raise
        if identity != self._identity:
            self._forget()
            self._identity = identity
        return Wire(line)

    def _forget(self) -> None:
        self._told, self._owed, self._holds_rest = None, False, True

    def _asked(self, wire: Wire, until: float) -> tuple[dict[int, int], Health | None]:
        """The printer's answers; and the fault that the link tells where it has none."""
        answers: dict[int, int] = {}
        told: Health | None = None
        try:
            quiet = wire.drain(until, owed=self._owed)
            if quiet and not self._model.no_realtime_status:
                answers = wire.answers(until)
            if not answers:
                told = wire.line.port_status()
        except LinkLost as lost:
            if lost.gone:
                self._forget()
                raise PortFault(f"the printer is gone ({lost}): plug it in", state="noDevice") from lost
        finally:
            self._owed = wire.owes
            wire.finish(time.monotonic())
        return answers, told

    def _last_word(self) -> Health | None:
        """What a printer said that is silent since; not for ever, or a new one in its place would never print."""
        return self._told if time.monotonic() - self._told_at_s < _WORD_HOLDS_S else None

    def _word(self, health: Health) -> PeripheralState:
        told = (health.state, health.paper, health.detail, health.action)
        return PeripheralState("printer", self._model.name, *told, identity=self._identity)
