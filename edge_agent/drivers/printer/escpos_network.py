"""An ESC/POS receipt printer behind TCP port 9100 (JetDirect). The protocol of a job: `job`; a connection: `tcp`.

Nothing tells of a network printer that is pulled out, as udev does of the others: `watch` asks it, over `tcp_watch`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.open import DriverError, read_settings
from edge_agent.drivers.printer import status
from edge_agent.drivers.printer.escpos import EscposPrinter, Model
from edge_agent.drivers.printer.tcp_watch import Watch
from edge_agent.drivers.printer.width import check_width
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.drivers.printer.status import Health
    from edge_agent.drivers.printer.tcp import TcpLine
    from edge_agent.drivers.printer.wire import Wire
    from edge_agent.events import PeripheralState

_CONNECT_S = 3.0
_NOTHING = b"\0"  # a printer ignores it; its network acknowledges it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Model):
    """What a profile says: the model, and a fixed address."""

    host: str
    tcp_port: int = 9100
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


class EscposNetwork(EscposPrinter):
    """A `Printer` (edge_agent.ports)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings
        question = _NOTHING if settings.no_realtime_status else status.ASK[1]
        self._watch = Watch(settings.host, settings.tcp_port, question)
        self._there = False  # whether it was when last asked
        self._first: int | None = None  # its last answer to the first question; None where it gave none

    def watch(self) -> PeripheralState | None:
        """Ask in short whether anything changed; at most 6 s where it did, 0.8 s else.

        Returns:
            How the printer is now; None where nothing is new.
        """
        try:
            said = self._watch.ask(talks=self._talks)
        except OSError as why:
            was, self._there, self._first = self._there, False, None
            return self._word(self._away(why)) if was else None
        if self._there and said == self._first:
            return None
        if self._there and said is None:
            self._first = None
            return self._word(self._last_word() or status.SILENT)
        return self.state()

    @property
    def _talks(self) -> bool:
        """Whether an answer is worth waiting for: of one that was away nobody knows yet."""
        return not self._settings.no_realtime_status and (self._first is not None or not self._there)

    def close(self) -> None:
        """Let go of the connection that is held."""
        self._watch.close()

    def _asked(self, wire: Wire, until: float) -> tuple[dict[int, int], Health | None]:
        answers, told = super()._asked(wire, until)
        self._there, self._first = told is None, answers.get(1)
        return answers, told

    def _reach(self) -> tuple[TcpLine, str]:
        try:
            line = self._watch.hand_over() or self._watch.connect(_CONNECT_S)
        except OSError as why:
            self._there, self._first = False, None
            away = self._away(why)
            raise PortFault(away.detail, away.action) from why
        return line, ""

    def _away(self, why: OSError) -> Health:
        where = f"{self._settings.host}:{self._settings.tcp_port}"
        words = f"no connection to the printer at {where} ({why}): check its power, cable and address"
        return status.Health("offline", "unknown", words, "maintenance")
