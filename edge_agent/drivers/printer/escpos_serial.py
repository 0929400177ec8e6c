"""An ESC/POS receipt printer on a serial line: RS-232, a USB adapter or a printer that is one (ttyS, ttyUSB, ttyACM).

The protocol of a job: `job`. Eight bits, no parity, one stop bit, raw. Flow control as the printer is set:

- "none": the printer must keep up, or its buffer must hold the slip;
- "dtr": a hardware line. Linux watches CTS, so the cable must bring the printer's DTR (or RTS) there, as cables made
  for receipt printers do;
- "xon": the kernel stops at XOFF and takes both signs out of the replies, wherever they stand.

A printer that is off is only silent ("unknown"): the line tells nothing of it. An adapter that was pulled out is
"noDevice".
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.profile import Match
from edge_agent.drivers.open import DriverError, read_settings
from edge_agent.drivers.printer.escpos import LINE_S, EscposPrinter, Model
from edge_agent.drivers.printer.node import NodeLine, gone, open_node
from edge_agent.drivers.printer.width import JOB_ROWS_MAX, check_width
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOWS = ("none", "dtr", "xon")
_BITS_PER_BYTE = 10  # a start bit, eight, a stop bit
_CHARACTERS = 6  # its place in what tcgetattr gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Model):
    """What a profile says: the model, how its node is found (a fixed `node` wins), and how its line is set."""

    match: Match = Match()
    node: str = ""
    baud: int = 115_200
    flow: str = "none"
    name: str = "escpos_serial"


def make(settings: Mapping[str, object]) -> EscposSerial:
    """Give the driver; nothing is opened.

    Raises:
        DriverError: a setting that cannot be used.
    """
    read = read_settings(Settings, "escpos_serial", settings)
    if not (read.match or read.node):
        raise DriverError("driver escpos_serial: the profile must give match or node")
    if read.flow not in FLOWS:
        raise DriverError(f"driver escpos_serial: flow must be one of {', '.join(FLOWS)}, not {read.flow!r}")
    if not hasattr(termios, f"B{read.baud}") or read.baud <= 0:
        raise DriverError(f"driver escpos_serial: {read.baud} is no baud that Linux knows: 57600, 115200, 230400")
    check_width("escpos_serial", read.width_dots)
    _check_speed(read)
    return EscposSerial(read)


def _check_speed(read: Settings) -> None:
    """Refuse a speed at which a slip would not be printed in time.

    Raises:
        DriverError: the longest job takes longer than a line may take.
    """
    line_s = JOB_ROWS_MAX * read.width_dots / 8 * _BITS_PER_BYTE / read.baud
    if line_s > LINE_S:
        raise DriverError(
            f"driver escpos_serial: at {read.baud} baud the longest slip takes {line_s:.0f} s, and it may take "
            f"{LINE_S:.0f} s: set the printer (by its switches or its set-up program) and the profile to 115200"
        )


class SerialLine(NodeLine):
    """One opening of a tty."""

    def __init__(self, node: int, baud: int, flow: str) -> None:
        """Set the line; the bytes on it are nobody's but the printer's. Raises termios.error, which is no OSError."""
        super().__init__(node)
        self.bytes_per_s = baud / _BITS_PER_BYTE
        speed, characters = getattr(termios, f"B{baud}"), termios.tcgetattr(node)[_CHARACTERS]
        # One byte is enough to return, and none is "nothing yet" instead of the end.
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        control = termios.CS8 | termios.CREAD | termios.CLOCAL  # without HUPCL: DTR stays up between two jobs
        control |= termios.CRTSCTS if flow == "dtr" else 0
        incoming = termios.IXON if flow == "xon" else 0
        termios.tcsetattr(node, termios.TCSANOW, [incoming, 0, control, 0, speed, speed, characters])

    def unsent_bytes(self) -> int:
        """1 while the kernel holds some, else 0: how many, USB adapters only guess (cdc-acm counts whole buffers)."""
        with suppress(OSError):
            return int(struct.unpack("i", fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, bytes(4)))[0] > 0)
        return 0

    def _drop(self, *, abort: bool) -> None:
        """Throw away what waits: closing a tty would wait half a minute for a printer that takes nothing."""
        if abort or self.unsent_bytes():
            with suppress(termios.error):
                termios.tcflush(self.fileno(), termios.TCOFLUSH)


class EscposSerial(EscposPrinter):
    """A `Printer` (edge_agent.ports)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings

    def _reach(self) -> tuple[SerialLine, str]:
        from edge_agent.plugs import locate

        found = locate(self._settings.match, "tty", self._settings.node)
        node = open_node(found.node)
        try:
            return SerialLine(node, self._settings.baud, self._settings.flow), found.identity
        except termios.error as why:
            os.close(node)
            number, words = why.args
            if number != errno.ENOTTY:
                raise gone(found.node) from why
            raise PortFault(f"{found.node} is no serial line ({words}): correct the profile", "configuration") from why
