"""A printer's device node as a `wire.Line`: what USB (/dev/usb/lpN) and serial lines (tty) have in common.

Decides what an error of the kernel means: the device is gone ("noDevice"), is held by somebody else, or may not be
opened. The two kinds differ in what they know of bytes on their way: see escpos_usb and escpos_serial.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

from edge_agent.drivers.printer.wire import LinkLost
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from edge_agent.drivers.printer.status import Health

_GONE = (errno.ENODEV, errno.ENXIO, errno.ENOENT)
_READ_BYTES = 4096
_REMEDIES = {
    errno.EBUSY: "another program holds it: CUPS, or a second agent; stop that one",
    errno.EACCES: "the agent may not open it: install the udev rules and plug it in again",
    errno.EPERM: "the agent may not open it: install the udev rules and plug it in again",
}


def open_node(path: str) -> int:
    """Open a device node without waiting; give the file descriptor.

    Raises:
        PortFault: it is not there (state "noDevice"), cannot be opened, or is no device node.
    """
    try:
        node = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as why:
        if why.errno in (*_GONE, errno.EIO):
            raise gone(path) from why
        remedy = _REMEDIES.get(why.errno or 0, "unplug it and plug it in again")
        raise PortFault(f"{path} cannot be opened ({why.strerror}): {remedy}") from why
    if not stat.S_ISCHR(os.fstat(node).st_mode):  # a slip written into a file would stay there
        os.close(node)
        raise PortFault(f"{path} is no device node: correct the profile", "configuration")
    return node


def gone(path: str) -> PortFault:
    """The fault of a device that is not there. A printer that is off has left the USB bus: the two look alike."""
    return PortFault(f"no printer at {path}: plug it in and switch it on", state="noDevice")


class NodeLine(ABC):
    """An open node; the printer is not told when it is closed, and its late replies arrive on the next one."""

    bytes_per_s: float | None = None
    remembers = True

    def __init__(self, node: int) -> None:
        self._node = node
        self._open = True

    def fileno(self) -> int:
        """The file descriptor."""
        return self._node

    def read(self) -> bytes:
        """What has come. No bytes are no end: a USB printer may send an empty packet. Raises LinkLost."""
        try:
            data = os.read(self._node, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as why:
            raise self._lost(why) from why
        if not data and self._hung_up():
            raise LinkLost("the device is gone", gone=True)
        return data

    def write(self, data: bytes | memoryview) -> int:
        """Hand over as much as is taken at once. Raises LinkLost."""
        try:
            return os.write(self._node, data)
        except BlockingIOError:
            return 0
        except OSError as why:
            raise self._lost(why) from why

    @abstractmethod
    def unsent_bytes(self) -> int:
        """At least so many of the bytes handed over are known to be here still."""

    def port_status(self) -> Health | None:
        """The fault that the link itself tells; None for none."""
        return None

    def hang_up(self) -> bool:
        """Nobody is told, nobody answers."""
        return False

    def close(self, *, abort: bool = False) -> None:
        """Let go of the node."""
        if self._open:
            self._open = False
            with suppress(OSError):
                self._drop(abort=abort)
            with suppress(OSError):
                os.close(self._node)

    @abstractmethod
    def _drop(self, *, abort: bool) -> None:
        """Take back what was not sent, where closing would wait for it."""

    def _lost(self, why: OSError) -> LinkLost:
        return LinkLost(why.strerror or str(why), gone=why.errno in _GONE or self._hung_up())

    def _hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self._node, 0)
        return any(events & select.POLLHUP for _, events in poll.poll(0))
