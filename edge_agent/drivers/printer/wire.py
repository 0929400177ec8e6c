"""Talking to a printer over any line: bytes out as they are taken, replies in as frames, and no wait without an end.

Decides nothing about printing. `Line` is what a transport must be able to do (tcp, node); `Wire` is all the rest, and
the same for each of them. It can say what a link seldom says: whether bytes never left this machine. Sent is not
printed (a printer that reads nothing let the kernel take megabytes without an error), but *not sent* is certainly not
printed.
"""

from __future__ import annotations

import math
import select
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from edge_agent.drivers.printer.status import ASK, Framer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_agent.drivers.printer.status import Frame, Health

_CHUNK_BYTES = 4096
_ANSWER_S = 1.0
_LATE_S = 1.0  # after a silence: how long an answer that is late may still take
_QUIET_S = 0.05
_NOISE_S = 2.0  # who was not quiet for so long never is
_EMPTY_S = 0.01
_SETTLE_S = 0.01


class LinkLost(Exception):
    """The way to the printer ended; `gone`: the device itself is no longer there."""

    def __init__(self, words: str, *, gone: bool = False) -> None:
        super().__init__(words)
        self.gone = gone


class Line(Protocol):
    """One open way to a printer, non-blocking; used by one thread. Ended by `close`, which may be called again."""

    @property
    def bytes_per_s(self) -> float | None:
        """As fast as it can be at best; None where that does not matter."""
        ...

    @property
    def remembers(self) -> bool:
        """Whether a late reply of an earlier connection may arrive on this one."""
        ...

    def fileno(self) -> int:
        """What to poll for."""
        ...

    def read(self) -> bytes:
        """What has come; empty when there is nothing. Raises LinkLost."""
        ...

    def write(self, data: bytes | memoryview) -> int:
        """Hand over as much as is taken at once; 0 when that is nothing. Raises LinkLost."""
        ...

    def unsent_bytes(self) -> int:
        """At least so many of the bytes handed over have not left this machine; 0: none is known to be left."""
        ...

    def port_status(self) -> Health | None:
        """The fault that the link itself tells, where the printer says nothing; None for none."""
        ...

    def hang_up(self) -> bool:
        """Say that no more is written; True when the printer ends the line in its turn. Raises LinkLost."""
        ...

    def close(self, *, abort: bool = False) -> None:
        """End it; with `abort`, what was not sent never will be. Never raises."""
        ...


class Wire:
    """One connection; ended by `abort` or `finish`. `until` is always an instant of time.monotonic()."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.owes = False  # whether a question was not answered in time: its answer may still come
        self._framer = Framer()
        self._frames: deque[Frame] = deque()
        self._poll = select.poll()
        self._poll.register(line.fileno(), select.POLLIN)

    def send_some(self, data: bytes | memoryview, until: float) -> int:
        """Hand over the next piece and give its length: 0 when nothing is taken before `until` or a reply came first.

        Raises:
            LinkLost: the connection is gone.
        """
        readable, writable = self._ready(until, select.POLLIN | select.POLLOUT)
        if readable:
            self._receive()
        return self.line.write(data[:_CHUNK_BYTES]) if writable else 0

    def next_frame(self, until: float) -> Frame | None:
        """The next reply, or None when none is whole before `until`.

        Raises:
            LinkLost: the connection is gone, and all replies were taken.
        """
        while not self._frames:
            if not self._ready(until, select.POLLIN)[0]:
                return None
            self._receive()
            if not self._frames and time.monotonic() >= until:
                return None  # what never stops coming need not ever be a reply
        return self._frames.popleft()

    def replies(self, until: float) -> Iterator[Frame]:
        """The replies that come before `until`; of a device that never stops talking no more than one read after it.

        Raises:
            LinkLost: the connection is gone, and all replies were taken.
        """
        while (frame := self.next_frame(until)) is not None:
            yield frame
            if not self._frames and time.monotonic() >= until:
                return

    def drain(self, until: float, *, owed: bool = False) -> bool:
        """Throw away what was said before anything was asked; owed: wait for as long as a late answer may take.

        Returns:
            Whether the device then was quiet: of one that never is, nothing can be told to be an answer.
        """
        quiet_s = _LATE_S if owed and self.line.remembers else _QUIET_S
        until = min(until, time.monotonic() + _NOISE_S)
        while time.monotonic() < until:
            if self.next_frame(min(until, time.monotonic() + quiet_s)) is None:
                return True
        return False

    def answers(self, until: float) -> dict[int, int]:
        """Ask DLE EOT 1 to 4, each after the answer to the one before; ends at the first silence.

        A late answer would be taken for the next one's: after a silence nothing more is asked on this connection.
        """
        found: dict[int, int] = {}
        for number, question in ASK.items():
            answer = self._answer(question, min(until, time.monotonic() + _ANSWER_S))
            if answer is None:
                self.owes = True
                break
            found[number] = answer
        return found

    def _answer(self, question: bytes, until: float) -> int | None:
        if self.send_some(question, until) != len(question):
            return None
        return next((frame.data[0] for frame in self.replies(until) if frame.kind == "status"), None)

    def settled(self, until: float) -> bool:
        """Whether all that was handed over has left this machine by `until`; also False when a reply came first.

        Raises:
            LinkLost: the connection is gone, and all replies were taken.
        """
        while self.line.unsent_bytes():
            if self._frames or time.monotonic() >= until:
                return False
            if self._ready(min(until, time.monotonic() + _SETTLE_S), select.POLLIN)[0]:
                self._receive()
        return True

    def abort(self) -> None:
        """End the connection at once; what was not sent never will be."""
        self.line.close(abort=True)

    def finish(self, until: float) -> None:
        """End the connection so that what was handed over still arrives; waits for that until `until`."""
        try:
            if self.line.hang_up():
                deque(self.replies(until), maxlen=0)
            while not self.settled(until) and time.monotonic() < until:
                self._frames.clear()
        except LinkLost:
            pass
        self.line.close()

    def _ready(self, until: float, wanted: int) -> tuple[bool, bool]:
        """Wait; give whether there is something to read (or the end of the line), and whether something is taken."""
        self._poll.modify(self.line.fileno(), wanted)
        wait_ms = math.ceil(1000 * max(0.0, until - time.monotonic()))
        found = sum(events for _, events in self._poll.poll(wait_ms))
        return bool(found & ~select.POLLOUT), bool(found & select.POLLOUT)

    def _receive(self) -> None:
        data = self.line.read()
        if not data:
            time.sleep(_EMPTY_S)  # an empty USB packet; some printers send one after the other
        self._frames.extend(self._framer.feed(data))
