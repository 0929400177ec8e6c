"""A TCP connection to a printer (port 9100): a `wire.Line`. Linux only."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress

from edge_agent.drivers.printer.status import Health
from edge_agent.drivers.printer.wire import LinkLost

_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes of the send queue that were not sent yet
_SIOCOUTQ = 0x5411  # linux/sockios.h: bytes of the send queue, sent or not, that were not acknowledged
_READ_BYTES = 4096
_QUEUE_BYTES = 16 * 1024


class TcpLine:
    """One connection; a new one each time, so no late reply of an earlier one arrives on it."""

    bytes_per_s: float | None = None
    remembers = False

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    @classmethod
    def connect(cls, host: str, port: int, timeout_s: float) -> TcpLine:
        """Reach `host`, an address (a name would have to be looked up, and that has no deadline).

        Raises:
            OSError: nobody answers there within `timeout_s`.
        """
        connected = socket.create_connection((host, port), timeout_s)
        connected.setblocking(False)
        # A short queue: what was handed over and not sent is soon noticed, and a fault stops the rest of the slip.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUE_BYTES)
        return cls(connected)

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def read(self) -> bytes:
        """What has come. Raises LinkLost."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as why:
            raise LinkLost(str(why)) from why
        if not data:
            raise LinkLost("the printer closed the connection")
        return data

    def write(self, data: bytes | memoryview) -> int:
        """Hand over as much as is taken at once. Raises LinkLost."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as why:
            raise LinkLost(str(why)) from why

    def unsent_bytes(self) -> int:
        """How many of the bytes handed over have not left this machine."""
        return self._queued(_SIOCOUTQNSD)

    def unheard_bytes(self) -> int:
        """How many bytes have left this machine, and no machine at the other end has acknowledged them."""
        return max(0, self._queued(_SIOCOUTQ) - self._queued(_SIOCOUTQNSD))

    def _queued(self, question: int) -> int:
        return int(struct.unpack("i", fcntl.ioctl(self._socket, question, bytes(4)))[0])

    def port_status(self) -> Health | None:
        """A network tells one thing only of a silent printer: whether it is there."""
        words = "the printer's network does not answer: check its power, cable and address"
        return Health("offline", "unknown", words, "maintenance") if self.unheard_bytes() else None

    def hang_up(self) -> bool:
        """Close our half: closing all of it with unread replies would reset the connection and cost the slip's end."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as why:
            raise LinkLost(str(why)) from why
        return True

    def close(self, *, abort: bool = False) -> None:
        """End it; `abort` resets the connection and drops the queue."""
        if abort:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
