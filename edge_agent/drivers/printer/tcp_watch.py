"""Whether a printer on TCP is still there: one connection, held between jobs, and one question a second on it.

Decides when it is gone: nobody is reached, or what was asked is not even acknowledged by its network. A printer that is
there and says nothing is not gone.

Why one connection is held. To connect anew each time is what printers bear least: some refuse every connection after
enough of them (mike42/escpos-php 394), some the next one for a while (escpos-php 273; Sato wants 200 ms between two).
To hold one in silence is no use: they end it after 90 s to 5 min (lukevp/ESC-POS-.NET 36; Epson UB-E02, 4.6), and
nobody is told of a pulled cable. So the connection is asked on, and is itself what a job or a look then uses. Its
price: nobody else can print there, for most printers serve one connection at a time. A station's printer is its own.

A pulled cable leaves the printer with a connection whose end it has not heard of, and until it gives that up it serves
no other (UB-E02, 4.5). So a lost connection is kept, and reset as soon as the printer is reached again.
"""

from __future__ import annotations

import time

from edge_agent.drivers.printer.tcp import TcpLine
from edge_agent.drivers.printer.wire import LinkLost, Wire

PATIENCE_S = 0.8  # with a second between two questions, a pulled cable is told within two
_STEP_S = 0.1
_CONNECT_MIN_S = 0.05
_PART_S = 0.2  # for the printer to end its half


class Watch:
    """Used by one thread; opens nothing before the first question."""

    def __init__(self, host: str, port: int, question: bytes) -> None:
        self._address = host, port
        self._question = question
        self._held: TcpLine | None = None
        self._answered = False  # whether the newest question on it was
        self._lost: TcpLine | None = None

    def ask(self, *, talks: bool) -> int | None:
        """Ask; at most PATIENCE_S.

        Args:
            talks: whether an answer is waited for; without, the word of its network is enough.

        Returns:
            The answer (DLE EOT's byte); None where the printer is there and gives none.

        Raises:
            OSError: it is not there.
        """
        until = time.monotonic() + PATIENCE_S
        if self._held is not None:
            try:
                return self._asked(self._held, until, talks=talks)
            except LinkLost:  # ended by the printer, as many do: a new one tells whether it is there
                self.close()
        line = self._held = self.connect(max(_CONNECT_MIN_S, until - time.monotonic()))
        try:
            return self._asked(line, until, talks=talks)
        except LinkLost as lost:
            self.close()
            raise ConnectionError(str(lost)) from lost

    def connect(self, timeout_s: float) -> TcpLine:
        """Give a new connection, which is not held. Raises OSError."""
        try:
            line = TcpLine.connect(*self._address, timeout_s)
        except ConnectionRefusedError:
            self._reset_lost()
            raise
        self._reset_lost()
        return line

    def hand_over(self) -> TcpLine | None:
        """Give away a connection that can carry a job; end any other, and give None."""
        line, self._held = self._held, None
        if line is None:
            return None
        try:
            line.read()
        except LinkLost:
            line.close(abort=True)
            return None
        if self._answered:
            return line
        Wire(line).finish(time.monotonic() + _PART_S)
        return None

    def close(self) -> None:
        """End what is held."""
        for line in (self._held, self._lost):
            if line is not None:
                line.close(abort=True)
        self._held = self._lost = None

    def _reset_lost(self) -> None:
        if self._lost is not None:
            self._lost.close(abort=True)
            self._lost = None

    def _asked(self, line: TcpLine, until: float, *, talks: bool) -> int | None:
        """Raises LinkLost where the connection was ended, TimeoutError where nobody hears."""
        wire, self._answered = Wire(line), False
        if wire.send_some(self._question, until):
            while (now := time.monotonic()) < until:
                frame = wire.next_frame(until if talks else min(until, now + _STEP_S))
                if frame is not None and frame.kind == "status":
                    self._answered = True
                    return frame.data[0]
                if not (talks or line.unheard_bytes()):
                    return None
        if line.unheard_bytes():
            self._held, self._lost = None, line
            raise TimeoutError("its network does not answer")
        if talks:
            self.close()  # a late answer would be taken for the next one's
        return None
