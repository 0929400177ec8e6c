"""A TCP connection to a printer (port 9100) on which nothing waits longer than it was told.

Decides nothing about printing. It can say what a socket seldom says: how many bytes never left this machine. Sent is
not printed (a printer that reads nothing let the kernel take megabytes without an error), but *not sent* is certainly
not printed. Linux only.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from edge_agent.drivers.printer.status import ASK, Framer

if TYPE_CHECKING:
    from edge_agent.drivers.printer.status import Frame

_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes of the send queue that were not sent yet
_CHUNK_BYTES = 4096
_QUEUE_BYTES = 16 * 1024
_ANSWER_S = 1.0
_QUIET_S = 0.05


class LinkLost(Exception):
    """The printer or the network ended the connection."""


class Wire:
    """One connection; ended by `abort` or `finish`. `until` is always an instant of time.monotonic()."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._framer = Framer()
        self._frames: deque[Frame] = deque()

    @classmethod
    def connect(cls, host: str, port: int, timeout_s: float) -> Wire:
        """Reach `host`, an address (a name would have to be looked up, and that has no deadline).

        Raises:
            OSError: nobody answers there within `timeout_s`.
        """
        connected = socket.create_connection((host, port), timeout_s)
        connected.setblocking(False)
        # A short queue: what was handed over and not sent is soon noticed, and a fault stops the rest of the slip.
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _QUEUE_BYTES)
        return cls(connected)

    def send_some(self, data: bytes | memoryview, until: float) -> int:
        """Hand over the next piece and give its length: 0 when nothing is taken before `until` or a reply came first.

        Raises:
            LinkLost: the connection is gone.
        """
        wait_s = max(0.0, until - time.monotonic())
        readable, writable, _ = select.select([self._socket], [self._socket], [], wait_s)
        if readable:
            self._receive()
        try:
            return self._socket.send(data[:_CHUNK_BYTES]) if writable else 0
        except BlockingIOError:
            return 0
        except OSError as why:
            raise LinkLost(str(why)) from why

    def next_frame(self, until: float) -> Frame | None:
        """The next reply, or None when none is whole before `until`.

        Raises:
            LinkLost: the connection is gone, and all replies were taken.
        """
        while not self._frames:
            wait_s = max(0.0, until - time.monotonic())
            if not select.select([self._socket], [], [], wait_s)[0]:
                return None
            self._receive()
        return self._frames.popleft()

    def drain(self, until: float) -> None:
        """Throw away what was said before anything was asked."""
        while time.monotonic() < until and self.next_frame(min(until, time.monotonic() + _QUIET_S)) is not None:
            pass

    def answers(self, until: float) -> dict[int, int]:
        """Ask DLE EOT 1 to 4, each after the answer to the one before; ends at the first silence.

        A late answer would be taken for the next one's: after a silence nothing more is asked on this connection.
        """
        found: dict[int, int] = {}
        for number, question in ASK.items():
            answer = self._answer(question, min(until, time.monotonic() + _ANSWER_S))
            if answer is None:
                break
            found[number] = answer
        return found

    def _answer(self, question: bytes, until: float) -> int | None:
        if self.send_some(question, until) != len(question):
            return None
        while (frame := self.next_frame(until)) is not None:
            if frame.kind == "status":
                return frame.data[0]
        return None

    def unsent_bytes(self) -> int:
        """How many of the bytes handed over have not left this machine."""
        answer = fcntl.ioctl(self._socket, _SIOCOUTQNSD, bytes(4))
        return int(struct.unpack("i", answer)[0])

    def abort(self) -> None:
        """End the connection at once; what was not sent never will be."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def finish(self, until: float) -> None:
        """End the connection so that what was handed over still arrives; waits for the printer's end until `until`.

        Closing with unread replies would reset the connection and might take the end of the slip with it.
        """
        with suppress(OSError, LinkLost):
            self._socket.shutdown(socket.SHUT_WR)
            while self.next_frame(until) is not None:
                pass
        self._socket.close()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as why:
            raise LinkLost(str(why)) from why
        if not data:
            raise LinkLost("the printer closed the connection")
        self._frames.extend(self._framer.feed(data))
