"""A receipt printer on TCP, to the byte: it parses what it is sent, burns dots, cuts slips, and breaks on command.

It knows nothing of our drivers. Its mechanism stops when the cover is open or the roll has ended; then its buffer
fills, it stops reading, and real-time questions no longer reach it: as with real printers.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from PIL import Image

_REAL_TIME = re.compile(rb"\x10\x04([\x01-\x04])|(\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08)")
_REAL_TIME_BYTES = 10
_STEP_S = 0.01


@dataclass
class Manner:
    """How this printer is and behaves; a test sets fields at any time."""

    cover_open: bool = False
    paper: str = "full"  # full, low, out
    rows_left: int | None = None  # dots until the roll ends; None: plenty
    cutter_jams: bool = False  # at the next cut
    head_hot: bool = False  # stops, and recovers by itself
    stalled: bool = False  # reads nothing more
    reset_after_bytes: int | None = None  # the link breaks when so many bytes were received
    silent: bool = False  # prints, and never says anything
    answers_zero: bool = False  # a clone: 00 to every question
    reply_delay_s: float = 0.0  # answers to DLE EOT come so late,
    slow_questions: tuple[int, ...] = (1, 2, 3, 4)  # namely to these
    knows_mark: bool = True  # GS ( H
    knows_push: bool = True  # GS a
    knows_clear: bool = True  # DLE DC4 8
    buffer_bytes: int = 4096
    noise: bytes = b""  # said to whoever connects
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
        self._jammed = False
        self._scanned = b""

    @property
    def stopped(self) -> bool:
        manner = self.manner
        return manner.cover_open or manner.paper == "out" or manner.head_hot or self._jammed

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
                answers.append((late_s, b"\0" if self.manner.answers_zero else bytes([self._status(hit[1][0])])))
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
            answers.append(self._pushed)
        return answers

    def _status(self, number: int) -> int:
        manner = self.manner
        out, low = manner.paper == "out", manner.paper != "full"
        return (
            0x12
            | {
                1: 0x08 * self.stopped | 0x04,
                2: 0x04 * manner.cover_open | 0x20 * out | 0x40 * self._jammed,
                3: 0x08 * self._jammed | 0x40 * manner.head_hot,
                4: 0x0C * low | 0x60 * out,
            }[number]
        )

    def _push(self) -> bytes:
        manner = self.manner
        out, low = manner.paper == "out", manner.paper != "full"
        first = 0x14 | 0x08 * self.stopped | 0x20 * manner.cover_open
        return bytes([first, 0x08 * self._jammed | 0x40 * manner.head_hot, 0x03 * low | 0x0C * out, 0])

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
            self._jammed = self.manner.cutter_jams
            if not self._jammed:
                self.paper.cut()
        elif command.startswith(b"\x1da"):
            self._pushes, self._pushed = self.manner.knows_push and command[2] != 0, b""
        elif command.startswith(b"\x1d(H") and self.manner.knows_mark:
            answers.append(b"\x37\x22" + command[7:11] + b"\0")
        elif command.startswith(b"\x1dr"):
            answers.append(b"\0" if self.manner.paper == "full" else b"\x03")
        elif len(command) == 1 and command not in b"\0\n":
            self.paper.letters += command


class PrinterTwin:
    """The printer on a port of 127.0.0.1; serves one connection at a time, as the usual ones do."""

    def __init__(self) -> None:
        self.manner, self.paper = Manner(), Paper()
        self.mechanism = Mechanism(self.manner, self.paper)
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port: int = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="printer twin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        self._listener.close()

    def slips(self, count: int, within_s: float = 5.0) -> list[Image.Image]:
        """The slips that came out, as soon as there are `count` of them."""
        until = time.monotonic() + within_s
        while len(self.paper.slips) < count and time.monotonic() < until:
            time.sleep(_STEP_S)
        return list(self.paper.slips)

    def _serve(self) -> None:
        while not self._over.is_set():
            if select.select([self._listener], [], [], _STEP_S)[0]:
                link = self._listener.accept()[0]
                self.connections += 1
                with link:
                    self._talk(link)
            self.mechanism.work()

    def _talk(self, link: socket.socket) -> None:
        manner, received, held = self.manner, 0, list[tuple[float, bytes]]()
        if manner.noise:
            link.sendall(manner.noise)
        while not self._over.is_set():
            room = manner.buffer_bytes - len(self.mechanism.buffer)
            answers: list[tuple[float, bytes]] = []
            if not manner.stalled and room > 0 and select.select([link], [], [], _STEP_S)[0]:
                try:
                    data = link.recv(room)
                except ConnectionError:
                    return
                if not data:
                    self.mechanism.work()
                    return
                received += len(data)
                answers = self.mechanism.take(data)
                if manner.reset_after_bytes is not None and received >= manner.reset_after_bytes:
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
            elif manner.stalled or room <= 0:
                time.sleep(_STEP_S)
            now = time.monotonic()
            held += [(now + late_s, answer) for late_s, answer in answers]
            held += [(now, answer) for answer in self.mechanism.work()]
            ready = b"".join(answer for at, answer in held if at <= now)
            held = [(at, answer) for at, answer in held if at > now]
            if ready and not manner.silent:
                try:
                    link.sendall(ready)
                except ConnectionError:
                    return
