"""An ESC/POS receipt printer behind TCP port 9100 (JetDirect).

The protocol of one job: connect; throw away old replies; ask DLE EOT 1 to 4; if the printer itself says that it cannot
print, do not start; GS a (let it push faults); the picture; feed and cut; GS ( H (say when printed) and GS r (say when
processed); wait. One connection per job and per question: most printers serve a single one, and many drop an idle one.

Decides the outcome, in three words. "confirmed": the printer answered this job's mark, as it does once it is printed.
Failed (PortFault): some bytes of the picture certainly never left this machine, or nothing was started. "unknown": all
else; silence, a broken connection or a fault after the whole picture was sent prove neither paper nor its absence.
It never prints twice by itself.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.open import DriverError, read_settings
from edge_agent.drivers.printer import status
from edge_agent.drivers.printer.tcp import LinkLost, Wire
from edge_agent.drivers.printer.width import check_width
from edge_agent.events import PeripheralState
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.drivers.printer.raster import Job
    from edge_agent.drivers.printer.status import Frame, Health
    from edge_agent.effects import Slip

_CONNECT_S = 3.0
_STATE_S = 4.8  # the port allows 5 s
_PRINT_S = 28.0  # the port allows 30 s
_SEND_S = 10.0
_AFTER_S = 5.0
_ROWS_PER_S = 1200  # 15 cm of paper
_GRACE_S = 2.0  # for the mark, once the printer said "processed" or told a fault
_CLEAR_S = 1.0
_FINISH_S = 0.5
_WORD_HOLDS_S = 600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a profile says: a fixed address, the head's width, and the model's quirks by the names profiles use.

    no_print_confirmation: it takes GS ( H for text. no_realtime_status: it never answers DLE EOT, so it is not asked.
    """

    host: str
    tcp_port: int = 9100
    width_dots: int = 576
    no_cutter: bool = False
    no_print_confirmation: bool = False
    no_realtime_status: bool = False
    name: str = "escpos_network"


def make(settings: Mapping[str, object]) -> EscposNetwork:
    """Give the driver; nothing is opened.

    Raises:
        DriverError: a setting that cannot be used.
    """
    read = read_settings(Settings, "escpos_network", settings)
    try:
        ipaddress.ip_address(read.host)
    except ValueError as why:
        raise DriverError(f"driver escpos_network: host must be a fixed IP address, not {read.host!r}") from why
    check_width("escpos_network", read.width_dots)
    return EscposNetwork(read)


class EscposNetwork:
    """A `Printer` (edge_agent.ports)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._attempt = 0
        self._told: Health | None = None  # the fault that stopped the last job: a full printer hears no question
        self._told_at_s = 0.0
        self._holds_rest = True  # the printer may hold a piece of a job: of an earlier process, to begin with

    def open(self) -> PeripheralState:
        """As `state`: there is no connection to keep."""
        return self.state()

    def state(self) -> PeripheralState:
        """Ask how the printer is; at most 5 s. Not reached is offline, silent is unknown."""
        until = time.monotonic() + _STATE_S
        try:
            wire = Wire.connect(self._settings.host, self._settings.tcp_port, _CONNECT_S)
        except OSError as why:
            return self._word(status.Health("offline", "unknown", self._unreached(why)))
        try:
            wire.drain(until)
            answers = {} if self._settings.no_realtime_status else wire.answers(until)
        except LinkLost:
            answers = {}
        finally:
            wire.finish(time.monotonic())
        if answers:
            self._told = None
        return self._word(self._last_word() or status.health(answers))

    def print(self, job: bytes, slip: Slip) -> str:
        """Print a slip; at most 30 s.

        Returns:
            "confirmed" or "unknown".

        Raises:
            PortFault: no whole slip can have come out ("failed").
        """
        from edge_agent.drivers.printer import raster

        made = raster.job(slip, self._settings.width_dots, cut=not self._settings.no_cutter)
        until = time.monotonic() + _PRINT_S
        try:
            wire = Wire.connect(self._settings.host, self._settings.tcp_port, _CONNECT_S)
        except OSError as why:
            raise PortFault(self._unreached(why)) from why
        self._attempt = (self._attempt + 1) % 256
        mark, answer = status.printed_mark(job, self._attempt)
        filler = bytes(raster.BAND_ROWS * self._settings.width_dots // 8) if self._holds_rest else b""
        run = _Run(wire, made, b"" if self._settings.no_print_confirmation else mark, filler, until)
        run.told = self._last_word()
        try:
            return run.result(answer, asks=not self._settings.no_realtime_status)
        finally:
            self._holds_rest = run.holds_rest
            if run.talks:
                self._told, self._told_at_s = run.fault, time.monotonic()

    def close(self) -> None:
        """Nothing is held."""

    def _last_word(self) -> Health | None:
        """What a printer said that is silent since; not for ever, or a new one in its place would never print."""
        return self._told if time.monotonic() - self._told_at_s < _WORD_HOLDS_S else None

    def _unreached(self, why: OSError) -> str:
        address = f"{self._settings.host}:{self._settings.tcp_port}"
        return f"no connection to the printer at {address} ({why}): check its power, cable and address"

    def _word(self, health: Health) -> PeripheralState:
        return PeripheralState("printer", self._settings.name, health.state, health.paper, health.detail)


class _Run:
    """One job on one connection; knows at any moment whether all of the picture can have reached the printer."""

    def __init__(self, wire: Wire, made: Job, mark: bytes, filler: bytes, until: float) -> None:
        """Take the connection over.

        filler: as many zero bytes as a picture command may still be waiting for, when the printer may hold the
        beginning of an earlier job (white dots to it; elsewhere it ignores them). Empty when it holds nothing.
        """
        self._wire = wire
        self._made = made
        self._stream = status.PUSH_STATUS + made.body + made.tail + mark + status.BARRIER
        self._after_bytes = len(made.tail + mark + status.BARRIER)
        self._kept_bytes = len(self._stream)  # not yet handed over to the connection
        self._before = filler + made.tail if filler else b""
        self._until = until
        self.fault: Health | None = None  # what the printer last said by itself
        self.told: Health | None = None  # the fault that stopped the job before this one
        self.talks = False  # whether it answers questions when it can
        self.holds_rest = bool(filler)  # whether the printer may hold a piece of a job when this one is over

    def result(self, answer: bytes, *, asks: bool) -> str:
        """Print; "confirmed" when the block `answer` came, else "unknown" or a PortFault. Ends the connection."""
        try:
            return self._outcome(answer, asks=asks)
        finally:
            self._wire.abort()

    def _outcome(self, answer: bytes, *, asks: bool) -> str:
        confirmed, lost, why = False, False, "the printer stopped taking data: look at its lamps"
        try:
            self._begin(asks=asks)
            self._send()
            confirmed = not self._kept_bytes and self._answered(answer)
            why = self.fault.detail if self.fault else why
        except LinkLost as broken:
            lost, why = True, f"the connection to the printer broke ({broken}): check its power and cable"
        kept_bytes = self._kept_bytes + self._wire.unsent_bytes()
        if not confirmed and kept_bytes > self._after_bytes:
            raise PortFault(f"{why}; the slip is not whole", self.fault.action if self.fault else "maintenance")
        self.holds_rest = not confirmed and (lost or kept_bytes > 0 or self.fault is not None)
        self._wire.finish(self._within(_FINISH_S))
        return "confirmed" if confirmed else "unknown"

    def _within(self, seconds: float) -> float:
        return min(self._until, time.monotonic() + seconds)

    def _begin(self, *, asks: bool) -> None:
        """Old replies out, the rest of an old job out; a printer that says it cannot print is not begun with."""
        self._wire.drain(self._within(_CLEAR_S))
        answers = self._wire.answers(self._until) if asks else {}
        self.talks = bool(answers)
        if self.talks and self._before and self._cleared():
            self._before = self._made.tail  # dots of it may hang from the head: they shall not be part of this slip
        health = self.told if self.told and not answers else status.health(answers)
        if health.blocked:
            raise PortFault(health.detail, health.action)

    def _cleared(self) -> bool:
        until = self._within(_CLEAR_S)
        self._wire.send_some(status.CLEAR, until)
        while (frame := self._wire.next_frame(until)) is not None:
            if frame.kind == "block" and frame.data.startswith(status.CLEARED):
                return True
        return False

    def _send(self) -> None:
        """Hand over all bytes, or as many as the printer takes before a fault or the deadline."""
        stream = memoryview(self._before + self._stream)
        self._kept_bytes, until = len(stream), self._within(_SEND_S)
        self.holds_rest = True
        while self._kept_bytes and self.fault is None and time.monotonic() < until:
            self._kept_bytes -= self._wire.send_some(stream[len(stream) - self._kept_bytes :], until)
            while (frame := self._wire.next_frame(0.0)) is not None:
                self._hear(frame)

    def _answered(self, answer: bytes) -> bool:
        """Wait for the mark's answer: for as long as the paper takes, and not much longer once a fault was told."""
        paper_s = self._made.rows / _ROWS_PER_S
        until = self._within(_AFTER_S + paper_s)
        while (frame := self._wire.next_frame(until)) is not None:
            if frame.kind == "block" and frame.data == answer:
                return True
            self._hear(frame)
            if self.fault or status.passes_barrier(frame):
                until = min(until, time.monotonic() + _GRACE_S + paper_s)
        return False

    def _hear(self, frame: Frame) -> None:
        if frame.kind == "pushed":
            health = status.pushed_health(frame.data)
            self.fault = health if health.blocked and health.action != "suspend" else None
