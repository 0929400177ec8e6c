"""An ESC/POS receipt printer behind TCP port 9100 (JetDirect). The protocol of a job: `job`; a connection: `tcp`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.open import DriverError, read_settings
from edge_agent.drivers.printer.escpos import EscposPrinter, Model
from edge_agent.drivers.printer.tcp import TcpLine
from edge_agent.drivers.printer.width import check_width
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT_S = 3.0


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

    def _reach(self) -> tuple[TcpLine, str]:
        host, port = self._settings.host, self._settings.tcp_port
        try:
            return TcpLine.connect(host, port, _CONNECT_S), ""
        except OSError as why:
            words = f"no connection to the printer at {host}:{port} ({why}): check its power, cable and address"
            raise PortFault(words) from why
