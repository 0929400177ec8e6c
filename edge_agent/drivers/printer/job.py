"""One job on one connection to an ESC/POS printer, the same on TCP, USB and serial lines.

The protocol: throw away old replies; ask DLE EOT 1 to 4; if the printer itself says that it cannot print, do not start;
clear what an earlier job may have left; GS a (let it push faults); the picture; once all of that has left this machine:
feed and cut, GS ( H (say when printed) and GS r (say when processed); wait.

Decides the outcome, in three words. "confirmed": the printer answered this job's mark, as it does once it is printed.
Failed (PortFault): some bytes of the picture certainly never left this machine, or nothing was started. "unknown": all
else; silence, a broken connection or a fault after the whole picture was sent prove neither paper nor its absence.
It never prints twice by itself.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_agent.drivers.printer import status
from edge_agent.drivers.printer.wire import LinkLost
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from edge_agent.drivers.printer.raster import Job
    from edge_agent.drivers.printer.status import Frame, Health
    from edge_agent.drivers.printer.wire import Wire

_SEND_S = 10.0
_AFTER_S = 5.0
_ROWS_PER_S = 1200  # 15 cm of paper
_GRACE_S = 2.0  # for the mark, once the printer said "processed" or told a fault
_CLEAR_S = 1.0
_FINISH_S = 0.5


class Run:
    """One job; knows at any moment whether all of the picture can have reached the printer."""

    def __init__(self, wire: Wire, made: Job, mark: tuple[bytes, bytes], filler: bytes, until: float) -> None:
        """Take the connection over.

        mark: the command that asks for a word once the slip is printed (empty: none is asked for), and that word.
        filler: as many zero bytes as a picture command may still be waiting for, when the printer may hold the
        beginning of an earlier job (white dots to it; elsewhere it ignores them). Empty when it holds nothing.
        """
        self._wire = wire
        self._made = made
        self._picture = status.PUSH_STATUS + made.body
        self._after = made.tail + mark[0] + status.BARRIER
        self._printed = mark[1]
        self._confirmed = False
        self._processed = False  # whether the printer said that it has read this job to its end
        self._kept_bytes = len(self._picture + self._after)  # not yet handed over to the connection
        self._left = False  # whether all of the picture has left this machine
        self._before = filler + made.tail if filler else b""
        self._until = until
        self.fault: Health | None = None  # what the printer last said by itself
        self.told: Health | None = None  # the fault that stopped the job before this one
        self.owed = False  # whether an answer to an earlier job's question may still come
        self.talks = False  # whether it answers questions when it can
        self.holds_rest = bool(filler)  # whether the printer may hold a piece of a job when this one is over

    def result(self, *, asks: bool) -> str:
        """Print; "confirmed" when the printer said so of this job, else "unknown" or a PortFault. Ends the connection.

        asks: whether to ask how the printer is, before.
        """
        try:
            return self._outcome(asks=asks)
        finally:
            self._wire.abort()

    def _outcome(self, *, asks: bool) -> str:
        lost, why = None, "the printer stopped taking data: look at its lamps"
        try:
            self._begin(asks=asks)
            if self._send():
                self._listen()
            why = self.fault.detail if self.fault else why
        except LinkLost as broken:
            lost, why = broken, f"the connection to the printer broke ({broken}): check its power and cable"
        unsent_bytes = self._wire.line.unsent_bytes()
        if not self._left and (self._kept_bytes > len(self._after) or unsent_bytes):
            action = self.fault.action if self.fault else "maintenance"
            state = "noDevice" if lost and lost.gone else "offline"
            raise PortFault(f"{why}; the slip is not whole", action, state)
        stopped = lost is not None or self.fault is not None or self._kept_bytes + unsent_bytes > 0
        self.holds_rest = stopped and not self._confirmed
        self._wire.finish(self._within(_FINISH_S))
        return "confirmed" if self._confirmed else "unknown"

    def _within(self, seconds: float) -> float:
        return min(self._until, time.monotonic() + seconds)

    def _begin(self, *, asks: bool) -> None:
        """Old replies out, the rest of an old job out; a printer that says it cannot print is not begun with."""
        quiet = self._wire.drain(self._within(_CLEAR_S), owed=self.owed)
        answers = self._wire.answers(self._until) if asks and quiet else {}
        self.talks = bool(answers)
        if self.talks and self._before and self._cleared():
            self._before = self._made.tail  # dots of it may hang from the head: they shall not be part of this slip
        health = self.told if self.told and not answers else status.health(answers)
        if health.blocked:
            raise PortFault(health.detail, health.action)

    def _cleared(self) -> bool:
        until = self._within(_CLEAR_S)
        self._wire.send_some(status.CLEAR, until)
        heard = self._wire.replies(until)
        return any(frame.kind == "block" and frame.data.startswith(status.CLEARED) for frame in heard)

    def _send(self) -> bool:
        """Hand over all bytes, or as many as the printer takes before a fault or the deadline; whether it was all.

        What follows the picture is handed over only when all of the picture has left this machine: what is then still
        here, if anything, is not the picture.
        """
        stream = memoryview(self._before + self._picture + self._after)
        until = self._within(_SEND_S + self._line_s(len(stream)))
        self._kept_bytes, after_bytes = len(stream), len(self._after)
        self.holds_rest = True
        while self._kept_bytes > after_bytes and self.fault is None and time.monotonic() < until:
            self._hand_over(stream[: len(stream) - after_bytes], self._kept_bytes - after_bytes, until)
        while self._kept_bytes == after_bytes and not self._left:
            self._left = self._wire.settled(until)
            self._hear_all()
            if not self._left and (self.fault or time.monotonic() >= until):
                return False
        until = self._within(_GRACE_S) if self.fault else until
        while self._left and self._kept_bytes and not self._confirmed and time.monotonic() < until:
            self._hand_over(stream, self._kept_bytes, until)
        return not self._kept_bytes

    def _hand_over(self, stream: memoryview, kept_bytes: int, until: float) -> None:
        """The next piece of what is kept of `stream`; hears what is said in the meantime."""
        self._kept_bytes -= self._wire.send_some(stream[len(stream) - kept_bytes :], until)
        self._hear_all()

    def _line_s(self, count: int) -> float:
        """How long so many bytes are on the way at best.

        Raises:
            PortFault: longer than a slip may take; it is not begun with.
        """
        rate = self._wire.line.bytes_per_s
        if not rate:
            return 0.0
        if time.monotonic() + count / rate > self._until:
            words = f"the line is too slow: this slip takes {count / rate:.0f} s at {rate:.0f} bytes a second"
            raise PortFault(f"{words}; set printer and profile to a higher baud", "configuration")
        return count / rate

    def _listen(self) -> None:
        """Wait for the mark's answer: for as long as the paper takes, and not much longer once a fault was told."""
        paper_s = self._made.rows / _ROWS_PER_S
        until = self._within(_AFTER_S + paper_s)
        while not self._confirmed:
            if self.fault or self._processed:
                until = min(until, time.monotonic() + _GRACE_S + paper_s)
            over = time.monotonic() >= until
            frame = self._wire.next_frame(until)
            if frame is not None:
                self._hear(frame)
            if over:
                self._hear_all()
            if over or frame is None:
                return

    def _hear_all(self) -> None:
        """What has come by now: the next time there is more, where a device never stops talking."""
        for frame in self._wire.replies(0.0):
            self._hear(frame)

    def _hear(self, frame: Frame) -> None:
        if frame.kind == "pushed":
            health = status.pushed_health(frame.data)
            self.fault = health if health.blocked and health.action != "suspend" else None
        elif frame.kind == "block" and frame.data == self._printed:
            # Before all of the mark was handed over nobody can have answered it.
            self._confirmed = self._left and self._kept_bytes <= len(status.BARRIER)
        elif status.passes_barrier(frame):
            self._processed = not self._kept_bytes
