"""A TCP connection to a printer (port 9100): a `wire.Line`. Linux only."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress

from edge_agent.drivers.printer.wire import LinkLost

_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes of the send queue that were not sent yet
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
        return int(struct.unpack("i", fcntl.ioctl(self._socket, _SIOCOUTQNSD, bytes(4)))[0])

    def port_status(self) -> None:
        """A network tells nothing of the printer."""

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
