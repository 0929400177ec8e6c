"""A receipt printer to the byte, without its plug: parses what it is sent, burns dots, cuts slips, breaks on command.

It knows nothing of our drivers. Its mechanism stops when the cover is open or the roll has ended; then its buffer
fills, it stops reading, and real-time questions no longer reach it: as with real printers. `printer` gives it a plug.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from PIL import Image

_REAL_TIME = re.compile(rb"\x10\x04([\x01-\x04])|(\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08)")
_REAL_TIME_BYTES = 10


@dataclass
class Manner:
    """How this printer is and behaves; a test sets fields at any time."""

    cover_open: bool = False
    paper: str = "full"  # full, low, out
    rows_left: int | None = None  # dots until the roll ends; None: plenty
    cutter_jams: bool = False  # at the next cut
    jammed: bool = False  # the cutter is blocked
    head_hot: bool = False  # stops, and recovers by itself
    stalled: bool = False  # reads nothing more
    stall_after_bytes: int | None = None  # stalls when so many bytes were received
    reset_after_bytes: int | None = None  # the link breaks when so many bytes were received
    silent: bool = False  # prints, and never says anything
    answers_with: bytes | None = None  # these instead of the answer to every question: b"\0" is the usual clone
    reply_delay_s: float = 0.0  # answers to DLE EOT come so late,
    slow_questions: tuple[int, ...] = (1, 2, 3, 4)  # namely to these
    knows_mark: bool = True  # GS ( H
    late_marks: bool = False  # each mark is answered when the next one comes
    flow_inside: bool = False  # XOFF and XON stand inside what it pushes
    knows_push: bool = True  # GS a
    knows_clear: bool = True  # DLE DC4 8
    buffer_bytes: int = 4096
    idle_until_bytes: int | None = None  # begins to print when so many bytes were received
    noise: bytes = b""  # said to whoever connects
    floods: int | None = None  # this byte, from now on and for ever, as fast as it is taken
    at_row: tuple[int, str] | None = None  # when so many more rows are burnt, this field becomes True


@dataclass
class Paper:
    """What came out: whole slips, the piece at the head, and bytes it took for letters (always a fault)."""

    slips: list[Image.Image] = field(default_factory=list)
    letters: bytearray = field(default_factory=bytearray)
    rows: bytearray = field(default_factory=bytearray)
    row_bytes: int = 0

    def burn(self, row: bytes) -> None:
        self.row_bytes = len(row)
        self.rows += row

    def cut(self) -> None:
        if self.rows:
            size = 8 * self.row_bytes, len(self.rows) // self.row_bytes
            self.slips.append(Image.frombytes("1", size, bytes(255 - eight for eight in self.rows)))
            self.rows.clear()


class Mechanism:
    """Buffer, command parser and print head; gives the bytes it answers."""

    def __init__(self, manner: Manner, paper: Paper) -> None:
        self.manner, self.paper = manner, paper
        self.buffer = bytearray()
        self._raster_left = 0
        self._row_bytes = 0
        self._pushes = False
        self._pushed = b""
        self._scanned = b""
        self._late_mark = b""

    @property
    def stopped(self) -> bool:
        manner = self.manner
        return manner.cover_open or manner.paper == "out" or manner.head_hot or manner.jammed

    def take(self, data: bytes) -> list[tuple[float, bytes]]:
        """Receive: real-time commands are obeyed at once, wherever they stand; all bytes go into the buffer.

        Gives answers, each with the seconds by which it is late.
        """
        self.buffer += data
        scan, old = self._scanned + data, len(self._scanned)
        self._scanned = scan[-(_REAL_TIME_BYTES - 1) :]
        answers: list[tuple[float, bytes]] = []
        for hit in _REAL_TIME.finditer(scan):
            if hit.end() <= old:
                continue
            if hit[1]:
                late_s = self.manner.reply_delay_s if hit[1][0] in self.manner.slow_questions else 0.0
                said = self.manner.answers_with
                answers.append((late_s, bytes([self._status(hit[1][0])]) if said is None else said))
            elif self.manner.knows_clear:
                del self.buffer[: len(self.buffer) - (len(scan) - hit.end())]
                self._raster_left = 0
                answers.append((0.0, b"\x37\x25\0"))
        return answers

    def work(self) -> list[bytes]:
        """Print as far as possible."""
        answers: list[bytes] = []
        while not self.stopped and self.buffer and self._step(answers):
            pass
        if self._pushes and self._push() != self._pushed:
            self._pushed = self._push()
            flow = self.manner.flow_inside
            answers.append(self._pushed[:2] + b"\x13\x11" * flow + self._pushed[2:])
        return answers

    def _status(self, number: int) -> int:
        manner = self.manner
        out, low = manner.paper == "out", manner.paper != "full"
        return (
            0x12
            | {
                1: 0x08 * self.stopped | 0x04,
                2: 0x04 * manner.cover_open | 0x20 * out | 0x40 * manner.jammed,
                3: 0x08 * manner.jammed | 0x40 * manner.head_hot,
                4: 0x0C * low | 0x60 * out,
            }[number]
        )

    def _push(self) -> bytes:
        manner = self.manner
        out, low = manner.paper == "out", manner.paper != "full"
        first = 0x14 | 0x08 * self.stopped | 0x20 * manner.cover_open
        return bytes([first, 0x08 * manner.jammed | 0x40 * manner.head_hot, 0x03 * low | 0x0C * out, 0])

    def _step(self, answers: list[bytes]) -> bool:
        """One command or one row of dots; False when more bytes are needed for it."""
        if self._raster_left:
            return self._row()
        data = bytes(self.buffer[:16])
        length = self._length(data)
        if length > len(self.buffer):
            return False
        command = bytes(self.buffer[:length])
        del self.buffer[:length]
        self._obey(command, answers)
        return True

    def _row(self) -> bool:
        if len(self.buffer) < self._row_bytes:
            return False
        self.paper.burn(bytes(self.buffer[: self._row_bytes]))
        del self.buffer[: self._row_bytes]
        self._raster_left -= 1
        if self.manner.at_row is not None:
            left, name = self.manner.at_row
            self.manner.at_row = (left - 1, name) if left > 1 else None
            if left <= 1:
                setattr(self.manner, name, True)
        if self.manner.rows_left is not None:
            self.manner.rows_left -= 1
            if self.manner.rows_left <= 0:
                self.manner.rows_left, self.manner.paper = None, "out"
        return True

    @staticmethod
    def _length(data: bytes) -> int:
        """How long the command is that `data` begins with."""
        if data[:2] == b"\x1d(":
            return 5 + int.from_bytes(data[3:5], "little") if len(data) >= 5 else 5
        if data[:2] == b"\x1dV":
            return 4 if data[2:3] in (b"A", b"B") else 3
        whole = {b"\x10\x04": 3, b"\x10\x05": 3, b"\x10\x14": 10, b"\x1b@": 2, b"\x1bd": 3, b"\x1dv": 8, b"\x1da": 3}
        return whole.get(data[:2], 3 if data[:2] == b"\x1dr" else 2 if data in (b"\x10", b"\x1b", b"\x1d") else 1)

    def _obey(self, command: bytes, answers: list[bytes]) -> None:
        if command.startswith(b"\x1dv0"):
            self._row_bytes = int.from_bytes(command[4:6], "little")
            self._raster_left = int.from_bytes(command[6:8], "little")
        elif command.startswith(b"\x1dV"):
            self.manner.jammed = self.manner.cutter_jams
            if not self.manner.jammed:
                self.paper.cut()
        elif command.startswith(b"\x1da"):
            self._pushes, self._pushed = self.manner.knows_push and command[2] != 0, b""
        elif command.startswith(b"\x1d(H") and self.manner.knows_mark:
            said, late = b"\x37\x22" + command[7:11] + b"\0", self._late_mark
            self._late_mark = said
            answers += [said] if not self.manner.late_marks else [late] if late else []
        elif command.startswith(b"\x1dr"):
            answers.append(b"\0" if self.manner.paper == "full" else b"\x03")
        elif len(command) == 1 and command not in b"\0\n\x10":  # a DLE alone: a question that was cut off
            self.paper.letters += command
