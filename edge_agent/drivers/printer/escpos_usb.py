"""An ESC/POS receipt printer on USB, through the kernel's own driver (usblp, /dev/usb/lpN). No libusb, no detaching.

The protocol of a job: `job`. What usblp is like (linux/drivers/usb/class/usblp.c): one opener at a time; a write takes
at most 8 KiB and is one transfer; POLLOUT comes back when the printer has taken it, and only then the next is taken;
closing kills a transfer that still waits; POLLHUP once the printer has left the bus. A transfer that failed on the bus
after its write had returned is told to nobody: then the picture has a hole, the mark is eaten as dots, and the outcome
is "unknown", as it should be.

Where ESC/POS is silent, the byte of the printer's USB interface (LPGETSTATUS) is asked for a fault. A printer that is
switched off leaves the bus: it is "noDevice", like one that was pulled out.
"""

from __future__ import annotations

import fcntl
import select
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.profile import Match
from edge_agent.drivers.open import DriverError, read_settings
from edge_agent.drivers.printer import status
from edge_agent.drivers.printer.escpos import EscposPrinter, Model
from edge_agent.drivers.printer.node import NodeLine, open_node
from edge_agent.drivers.printer.width import check_width

if TYPE_CHECKING:
    from collections.abc import Mapping

_LPGETSTATUS = 0x060B  # linux/lp.h; usblp waits for the printer's answer: at once as a rule, 5 s at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Model):
    """What a profile says: the model, and how its node is found; a fixed `node` wins."""

    match: Match = Match()
    node: str = ""
    name: str = "escpos_usb"


def make(settings: Mapping[str, object]) -> EscposUsb:
    """Give the driver; nothing is opened.

    Raises:
        DriverError: a setting that cannot be used.
    """
    read = read_settings(Settings, "escpos_usb", settings)
    if not (read.match or read.node):
        raise DriverError("driver escpos_usb: the profile must give match or node")
    check_width("escpos_usb", read.width_dots)
    return EscposUsb(read)


class UsbLine(NodeLine):
    """One opening of /dev/usb/lpN."""

    def unsent_bytes(self) -> int:
        """1 while the last transfer is not taken whole (how much of it is missing, nobody tells), else 0."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return int(not poll.poll(0))

    def port_status(self) -> status.Health | None:
        """The fault that the printer's USB interface tells."""
        with suppress(OSError):  # not every printer has it
            answer = fcntl.ioctl(self.fileno(), _LPGETSTATUS, bytes(4))
            return status.port_health(struct.unpack("i", answer)[0])
        return None

    def _drop(self, *, abort: bool) -> None:
        """Closing does it."""


class EscposUsb(EscposPrinter):
    """A `Printer` (edge_agent.ports)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings

    def _reach(self) -> tuple[UsbLine, str]:
        from edge_agent.plugs import locate

        found = locate(self._settings.match, "usbmisc", self._settings.node)
        return UsbLine(open_node(found.node)), found.identity
