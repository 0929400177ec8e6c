"""A scanner in serial mode (USB-CDC, USB-serial adapter or a fixed port): one line of bytes for each code.

The right mode for a scanner of this country: UTF-8 passes as printed in the code. Decides how the line is set (raw,
eight bits, no echo: an echoed line would be taken by the scanner for a command) and nothing about what is in it.
ModemManager must leave the port alone (systemd/udev).
"""

from __future__ import annotations

import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.peripheral import BAUDS, Match
from edge_agent import plugs
from edge_agent.drivers.open import DriverError, read_settings
from edge_agent.drivers.scanner.lines import Lines
from edge_agent.drivers.scanner.node import NodeScanner

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPEEDS: Mapping[int, int] = {baud: getattr(termios, f"B{baud}") for baud in BAUDS}


@dataclass(frozen=True, slots=True)
class Settings:
    """The scanner's name in events, how it is found (a fixed `node` wins), and its speed in baud.

    USB-CDC ignores the speed; a real serial line does not.
    """

    name: str = "serial_lines"
    match: Match = Match()
    node: str = ""
    baud: int = 115200


def make(settings: Mapping[str, object]) -> NodeScanner:
    """Give the driver.

    Raises:
        DriverError: a setting that it does not take, or a speed that serial lines do not have.
    """
    chosen = read_settings(Settings, "serial_lines", settings)
    if chosen.baud not in _SPEEDS:
        known = ", ".join(map(str, _SPEEDS))
        raise DriverError(f"driver serial_lines: baud must be one of {known}, not {chosen.baud}")

    def prepare(fd: int) -> None:
        _raw(fd, _SPEEDS[chosen.baud])

    return NodeScanner(
        chosen.name, lambda: plugs.locate(chosen.match, "tty", chosen.node), prepare, Lines, flush=_flush
    )


def _raw(fd: int, speed: int) -> None:
    """Set the line. Raises OSError, also where the node is no serial line at all."""
    try:
        control = termios.tcgetattr(fd)[6]
        control[termios.VMIN], control[termios.VTIME] = 1, 0
        mode = termios.CS8 | termios.CREAD | termios.CLOCAL
        termios.tcsetattr(fd, termios.TCSANOW, [termios.IGNBRK, 0, mode, 0, speed, speed, control])
    except termios.error as why:
        raise OSError(*why.args) from why


def _flush(fd: int) -> None:
    """Drop what has arrived and not yet reached the reading side."""
    try:
        termios.tcflush(fd, termios.TCIFLUSH)
    except termios.error as why:
        raise OSError(*why.args) from why
